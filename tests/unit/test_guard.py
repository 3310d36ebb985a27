"""The guard on plain ASGI calls: who is let through, and with which headers."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from ui.guard import Guard

PORT = 8080
OWN = "127.0.0.1:8080"


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Lets everybody in and says so."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-frame-options", b"SAMEORIGIN")]})
    await send({"type": "http.response.body", "body": b"hello"})


def ask(kind: str, headers: list[tuple[str, str]], *, method: str = "GET", path: str = "/") -> list[Message]:
    """What one request is answered. `headers` may name one twice."""
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope: dict[str, Any] = {"type": kind, "path": path, "headers": encoded, "scheme": "http"}
    if kind == "http":
        scope["method"] = method
    else:
        scope["scheme"] = "ws"
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    guard = Guard(app, allowed_hosts=("127.0.0.1", "localhost", "[::1]"), port=PORT)
    asyncio.run(guard(scope, receive, send))
    return sent


def status(*headers: tuple[str, str], method: str = "GET", path: str = "/") -> int:
    answered: int = ask("http", list(headers), method=method, path=path)[0]["status"]
    return answered


@pytest.mark.parametrize("host", [OWN, "localhost:8080", "LOCALHOST:8080", "[::1]:8080"])
def test_our_own_names_are_served(host: str) -> None:
    assert status(("host", host)) == 200
    assert status(("host", host), ("origin", f"http://{host}"), method="POST") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:8080",  # DNS rebinding: the name points here, the page is theirs
        "127.0.0.1",  # another port than ours
        "localhost:3000",
        "localhost:8080.evil.example",
        "localhost.:8080",
        "127.0.0.1:8080@evil.example",
        "[::1]",
        "::1:8080",
        "localhost:",
        "localhost:٨٠٨٠".encode().decode("latin-1"),
        "",
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert status(("host", host)) == 421


def test_no_host_and_two_hosts_are_refused() -> None:
    assert status() == 421
    assert status(("host", OWN), ("host", "evil.example:8080")) == 421
    assert status(("host", OWN), ("host", OWN)) == 421


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:3000",  # another program on this machine: same site, other origin
        "http://localhost:8080",  # ours by another name: its pages have no business with this one
        "http://127.0.0.1",
        "null",
        "",
        "file://",
        "chrome-extension://127.0.0.1:8080",
        "http://[::1",
    ],
)
def test_foreign_pages_can_neither_post_nor_connect(origin: str) -> None:
    headers = [("host", OWN), ("origin", origin)]
    assert status(*headers, method="POST") == 403
    assert status(*headers, method="DELETE") == 403
    assert status(*headers, path="/_nicegui_ws/socket.io/") == 403
    assert ask("websocket", headers)[0]["type"] == "websocket.close"


def test_two_origins_are_foreign() -> None:
    twice = [("host", OWN), ("origin", f"http://{OWN}"), ("origin", "http://evil.example")]
    assert status(*twice, method="POST") == 403


def test_links_from_other_sites_still_open() -> None:
    assert status(("host", OWN), ("origin", "http://evil.example")) == 200


def test_programs_without_an_origin_may_write() -> None:
    assert status(("host", OWN), method="POST") == 200
    assert ask("websocket", [("host", OWN)]) == [{"type": "websocket.accept"}]


@pytest.mark.parametrize("host", [OWN, "localhost:8080", "[::1]:8080"])
def test_our_own_pages_connect(host: str) -> None:
    assert ask("websocket", [("host", host), ("origin", f"http://{host}")]) == [{"type": "websocket.accept"}]


def test_a_websocket_to_another_name_is_closed_before_it_is_accepted() -> None:
    (answer,) = ask("websocket", [("host", "evil.example:8080"), ("origin", "http://evil.example:8080")])
    assert answer["type"] == "websocket.close"


def test_every_answer_carries_the_security_headers_once() -> None:
    for headers in ([("host", OWN)], [("host", "evil.example")]):
        names = [name for name, _ in ask("http", headers)[0]["headers"]]
        assert len(names) == len(set(names))
        assert {b"content-security-policy", b"x-content-type-options", b"referrer-policy", b"x-frame-options"} <= set(
            names
        )


def test_the_policy_allows_no_frame_and_no_foreign_connection() -> None:
    policy = dict(ask("http", [("host", OWN)])[0]["headers"])[b"content-security-policy"].decode()
    assert "frame-ancestors 'none'" in policy
    assert "connect-src 'self';" in policy


def test_the_refusal_is_a_sentence() -> None:
    body = ask("http", [("host", "evil.example")])[1]["body"].decode()
    assert body.endswith("Open it by the address that it printed at start.")


def test_the_lifespan_passes() -> None:
    seen: list[str] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    asyncio.run(Guard(inner, allowed_hosts=(), port=PORT)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
