"""The upload route over HTTP: what the browser sends, and what every refusal looks like."""

import hashlib

import pytest
from httpx import AsyncClient
from nicegui.testing import User

from core.studio import Studio

FILE = b'{"prompt": "Hello", "completion": "Hi"}\n' * 100


async def created(http: AsyncClient, name: str = "support.jsonl", size: int = len(FILE)) -> str:
    answer = await http.post("/uploads", json={"name": name, "size": size})
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def test_a_file_arrives_in_chunks(user: User, studio: Studio) -> None:
    http = user.http_client
    upload_id = await created(http)
    assert (await http.put(f"/uploads/{upload_id}?offset=0", content=FILE[:1000])).json() == {"offset": 1000}
    assert (await http.get(f"/uploads/{upload_id}")).json() == {"id": upload_id, "offset": 1000, "size": 4000}
    checked = {"X-Chunk-SHA256": hashlib.sha256(FILE[1000:]).hexdigest()}
    await http.put(f"/uploads/{upload_id}?offset=1000", content=FILE[1000:], headers=checked)
    done = await http.post(f"/uploads/{upload_id}/finish", json={"sha256": hashlib.sha256(FILE).hexdigest()})
    assert done.json() == {"id": upload_id, "sha256": hashlib.sha256(FILE).hexdigest()}
    assert studio.uploads.finished(upload_id).path.read_bytes() == FILE


async def test_a_body_without_a_length_is_streamed_too(user: User, studio: Studio) -> None:
    async def pieces():  # type: ignore[no-untyped-def]
        for at in range(0, len(FILE), 100):
            yield FILE[at : at + 100]

    upload_id = await created(user.http_client)
    answer = await user.http_client.put(f"/uploads/{upload_id}?offset=0", content=pieces())
    assert answer.json() == {"offset": len(FILE)}


@pytest.mark.parametrize(
    ("offset", "content", "headers", "status", "said"),
    [
        (10, FILE, {}, 409, "cannot go on at 10"),
        (0, FILE + b"x", {}, 413, "announced with 4000 bytes"),
        (0, b"\x89PNG\r\n\x1a\n" * 100, {}, 415, "a PNG picture"),
        (0, FILE, {"X-Chunk-SHA256": "0" * 64}, 400, "arrived damaged"),
    ],
)
async def test_refusals_are_sentences_and_keep_nothing(
    user: User, offset: int, content: bytes, headers: dict[str, str], status: int, said: str
) -> None:
    upload_id = await created(user.http_client)
    url = f"/uploads/{upload_id}"
    answer = await user.http_client.put(f"{url}?offset={offset}", content=content, headers=headers)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True)
    assert (await user.http_client.get(url)).json()["offset"] == 0


async def test_what_cannot_be_uploaded_is_said_before_it_is_sent(user: User, studio: Studio) -> None:
    http = user.http_client
    too_large = await http.post("/uploads", json={"name": "all.jsonl", "size": studio.uploads.limit_bytes + 1})
    assert (too_large.status_code, "up to 100 MB are allowed" in too_large.json()["error"]) == (413, True)
    for fields in ({}, {"name": "x"}, {"name": 1, "size": 1}, {"name": "x", "size": "1"}):
        assert (await http.post("/uploads", json=fields)).status_code == 400


async def test_another_browser_cannot_go_on(user: User) -> None:
    http = user.http_client
    upload_id = await created(http)
    assert "HttpOnly" in (await http.post("/uploads", json={"name": "a", "size": 1})).headers["set-cookie"]
    http.cookies.clear()
    for answer in (
        await http.get(f"/uploads/{upload_id}"),
        await http.put(f"/uploads/{upload_id}?offset=0", content=FILE),
        await http.post(f"/uploads/{upload_id}/finish"),
        await http.delete(f"/uploads/{upload_id}"),
    ):
        assert answer.status_code == 404


async def test_a_cancelled_upload_is_gone(user: User, studio: Studio) -> None:
    upload_id = await created(user.http_client)
    assert (await user.http_client.delete(f"/uploads/{upload_id}")).status_code == 204
    assert list(studio.home.uploads.iterdir()) == []
