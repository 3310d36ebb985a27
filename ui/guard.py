"""The outermost gate, for http and websocket alike: who may talk to this server, and what browsers may do with it.

NiceGUI checks neither Host nor Origin. Without Host, a page of another site whose DNS name is rebound to 127.0.0.1
could drive the studio; without Origin, any page on another port of this machine could.
"""

import json
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: socket.io's polling reads with GET, so a foreign page must not even GET here.
SOCKET_PATH = "/_nicegui_ws/"
#: The OpenAI-compatible endpoint: for programs and for our own pages, not for other sites.
API_PATH = "/v1/"
DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

#: NiceGUI needs inline and eval'd script; everything else stays on this origin.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # Not no-referrer: with it browsers send "Origin: null" along with the studio's own forms.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Guard:
    """Wraps the whole app. `allowed_hosts` are names without a port (`127.0.0.1`, `localhost`, `[::1]`)."""

    def __init__(self, app: ASGIApp, *, allowed_hosts: Collection[str], port: int) -> None:
        self._app = app
        self._allowed = frozenset((host.lower(), port) for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif refusal := self._refusal(scope):
            await _refuse(scope, receive, send, *refusal)
        else:
            await self._app(scope, receive, _with_security_headers(send))

    def _refusal(self, scope: Scope) -> tuple[HTTPStatus, str] | None:
        scheme = scope.get("scheme", "http")
        host = _netloc(_header(scope, b"host"), scheme)
        if host not in self._allowed:
            return (
                HTTPStatus.MISDIRECTED_REQUEST,
                "This studio does not answer to that host name. Open it by the address that it printed at start.",
            )
        if _needs_own_origin(scope) and not _is_own_origin(scope, host):
            return HTTPStatus.FORBIDDEN, "This request comes from a page of another site, so it is refused."
        return None


def _needs_own_origin(scope: Scope) -> bool:
    is_safe = scope["type"] != "websocket" and scope["method"] in SAFE_METHODS
    return not is_safe or scope["path"].startswith((SOCKET_PATH, API_PATH))


def _is_own_origin(scope: Scope, host: tuple[str, int] | None) -> bool:
    """No Origin is no browser page. `null` (a sandboxed frame, a local file) is foreign."""
    if not any(name == b"origin" for name, _ in scope["headers"]):
        return True
    origin = _header(scope, b"origin") or ""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and _netloc(parts.netloc, parts.scheme) == host


def _header(scope: Scope, wanted: bytes) -> str | None:
    """The header's value; None where it is missing or given more than once."""
    values = [value for name, value in scope["headers"] if name == wanted]
    return values[0].decode("latin-1") if len(values) == 1 else None


def _netloc(text: str | None, scheme: str) -> tuple[str, int] | None:
    """`Host:8080` as ("host", 8080), with the scheme's own port where none is written."""
    if not text:
        return None
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        return text.lower(), DEFAULT_PORTS.get(scheme, 0)
    return (host.lower(), int(port)) if port.isascii() and port.isdecimal() else None


async def _refuse(scope: Scope, receive: Receive, send: Send, status: HTTPStatus, sentence: str) -> None:
    if scope["type"] == "websocket":
        await receive()  # the connect event; closing before accepting is an HTTP 403 on the wire
        await send({"type": "websocket.close", "code": 4403, "reason": sentence})
        return
    is_api = scope["path"].startswith(API_PATH)
    body = _envelope(sentence) if is_api else sentence.encode()
    headers = [
        (b"content-type", b"application/json" if is_api else b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),  # an unread body must not be taken for the next request
        *SECURITY_HEADERS,
    ]
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _envelope(sentence: str) -> bytes:
    """As OpenAI's clients expect an error."""
    told = {"message": sentence, "type": "permission_error", "param": None, "code": "forbidden"}
    return json.dumps({"error": told}).encode()


def _with_security_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message.get("headers", ())}
            missing = [header for header in SECURITY_HEADERS if header[0] not in present]
            message = {**message, "headers": [*message.get("headers", ()), *missing]}
        await send(message)

    return sending
