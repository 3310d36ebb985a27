"""Uploads without HTTP: what is refused before a byte is kept, and what a cut connection or a restart leaves behind."""

import hashlib
import os
from pathlib import Path

import pytest

from core.ballast import Ballast
from core.datasets.signatures import foreign
from core.datasets.uploads import ABANDONED_AFTER_S, TooLarge, Uploads, WrongOffset, WrongType, clean_name
from core.errors import BadInput, DiskFull, NotFound
from core.home import Home

ME, OTHER = "my browser", "another browser"
ROW = b'{"prompt": "Hello", "completion": "Hi"}\n'
FILE = ROW * 100


@pytest.fixture
def uploads(home: Home) -> Uploads:
    return started(home)


def started(home: Home, limit_bytes: int = 1024**2) -> Uploads:
    """What a server that has just begun knows: the disk."""
    return Uploads(home, Ballast(home), limit_bytes)


def send(uploads: Uploads, upload_id: str, data: bytes, offset: int, sha256: str = "") -> int:
    with uploads.receive(upload_id, ME, offset, sha256) as chunk:
        chunk.write(data)
        chunk.check()
    return chunk.offset


def test_chunks_become_the_file_and_its_hash(uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    assert send(uploads, upload.id, FILE[:1000], 0) == 1000
    assert send(uploads, upload.id, FILE[1000:], 1000, hashlib.sha256(FILE[1000:]).hexdigest()) == len(FILE)
    done = uploads.finish(upload.id, ME)
    assert done.sha256 == hashlib.sha256(FILE).hexdigest()
    assert uploads.finished(upload.id).path.read_bytes() == FILE
    assert uploads.finish(upload.id, ME) == done, "asked twice, as after a lost answer"


def test_a_restart_goes_on_at_the_stored_offset(home: Home, uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    send(uploads, upload.id, FILE[:1500], 0)
    again = started(home)
    assert again.look(upload.id, ME).offset == 1500
    send(again, upload.id, FILE[1500:], 1500)
    assert again.finish(upload.id, ME).sha256 == hashlib.sha256(FILE).hexdigest()


def test_bytes_that_do_not_follow_are_refused_with_where_to_go_on(uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    send(uploads, upload.id, FILE[:1000], 0)
    for wrong in (0, 999, 1001, len(FILE), -1):
        with pytest.raises(WrongOffset) as refused:
            uploads.receive(upload.id, ME, wrong)
        assert refused.value.offset == 1000
    with pytest.raises(WrongOffset, match="1000 of 4000 bytes are here"):
        uploads.finish(upload.id, ME)


def test_the_newest_connection_writes_and_the_hanging_one_does_not(uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    with uploads.receive(upload.id, ME, 0) as hanging:
        hanging.write(FILE[:1000])
        with uploads.receive(upload.id, ME, 1000) as successor:
            with pytest.raises(WrongOffset, match="Another connection"):
                hanging.write(b"late bytes")
            successor.write(FILE[1000:])
    assert uploads.finish(upload.id, ME).sha256 == hashlib.sha256(FILE).hexdigest()


def test_a_damaged_chunk_is_taken_back(uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    send(uploads, upload.id, FILE[:1000], 0)
    with pytest.raises(BadInput, match="Send it again from 1000"):
        send(uploads, upload.id, FILE[1000:2000], 1000, "0" * 64)
    assert uploads.look(upload.id, ME).offset == 1000
    send(uploads, upload.id, FILE[1000:], 1000)
    assert uploads.finish(upload.id, ME).sha256 == hashlib.sha256(FILE).hexdigest()


def test_a_file_with_the_wrong_hash_is_dropped(uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    send(uploads, upload.id, FILE, 0)
    with pytest.raises(BadInput, match="arrived damaged"):
        uploads.finish(upload.id, ME, "0" * 64)
    with pytest.raises(NotFound):
        uploads.look(upload.id, ME)


def test_more_than_allowed_or_announced_is_refused(home: Home) -> None:
    uploads = started(home, limit_bytes=5000)
    with pytest.raises(TooLarge, match="TUNESMITH_MAX_UPLOAD_MB"):
        uploads.create("large.jsonl", 5001, ME)
    with pytest.raises(BadInput, match="is empty"):
        uploads.create("nothing.jsonl", 0, ME)
    upload = uploads.create("liar.jsonl", 1000, ME)
    with pytest.raises(TooLarge, match="announced with 1000 bytes"):
        send(uploads, upload.id, FILE[:1001], 0)
    assert uploads.look(upload.id, ME).offset == 0


@pytest.mark.parametrize(
    "head",
    [b"\x89PNG\r\n\x1a\n", b"PK\x03\x04", b"%PDF-1.7", b"\x7fELF", b"MZ\x90\0", bytes(range(1, 9)) * 4, b"\0" * 32],
)
def test_what_is_no_dataset_is_refused_before_a_byte_is_kept(uploads: Uploads, head: bytes) -> None:
    data = head + b"x" * 600 if b"\0" not in head else head * 40
    upload = uploads.create("picture.jsonl", len(data), ME)
    with pytest.raises(WrongType, match=r"picture\.jsonl is "):
        send(uploads, upload.id, data, 0)
    assert uploads.look(upload.id, ME).offset == 0


@pytest.mark.parametrize(
    "head",
    [
        FILE[:512],
        "ü€".encode() * 100,
        '{"prompt"'.encode("utf-16"),
        '{"prompt": "a"}'.encode("utf-16-le"),
        b"PAR1",
        b"\x1f\x8b\x08\0",
        b"\x28\xb5\x2f\xfd",
        b"MZ,name\n",
        b"\xef\xbb\xbf[",
    ],
)
def test_what_may_be_a_dataset_is_let_in(head: bytes) -> None:
    assert foreign(head) == ""


def test_a_first_chunk_too_short_to_judge_is_not_kept(uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    assert send(uploads, upload.id, FILE[:100], 0) == 0
    tiny = uploads.create("tiny.jsonl", len(ROW), ME)
    assert send(uploads, tiny.id, ROW, 0) == len(ROW)


def test_somebody_elses_upload_is_not_found(uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    for asking in (uploads.look, uploads.finish, uploads.drop):
        with pytest.raises(NotFound):
            asking(upload.id, OTHER)
    with pytest.raises(NotFound):
        uploads.receive(upload.id, OTHER, 0)
    with pytest.raises(NotFound):
        uploads.finished(upload.id)
    uploads.drop(upload.id, ME)
    with pytest.raises(NotFound):
        uploads.look(upload.id, ME)


@pytest.mark.parametrize("upload_id", ["..", "../datasets", "", "a" * 32, "A" * 32, "%2e%2e", "\0" * 32])
def test_an_id_is_never_a_path(uploads: Uploads, upload_id: str) -> None:
    with pytest.raises(NotFound):
        uploads.look(upload_id, ME)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ada\\rows.jsonl", "rows.jsonl"),
        ("..", "dataset"),
        (".bashrc", "bashrc"),
        ("a\0b\n\u202ec.jsonl", "abc.jsonl"),
        ("Fragen für März.jsonl", "Fragen für März.jsonl"),
        ("", "dataset"),
    ],
)
def test_a_name_is_one_harmless_path_component(home: Home, uploads: Uploads, name: str, kept: str) -> None:
    upload = uploads.create(name, 10, ME)
    assert upload.name == clean_name(name) == kept
    assert upload.path.resolve().is_relative_to(home.uploads.resolve())


def test_a_long_name_keeps_its_suffix() -> None:
    assert clean_name("ü" * 400 + ".jsonl") == "ü" * 114 + ".jsonl"
    assert len(clean_name("🙂" * 400).encode()) <= 240


def test_waiting_uploads_have_a_quota_and_the_disk_a_floor(home: Home, tmp_path: Path) -> None:
    uploads = started(home, limit_bytes=1000)
    for _ in range(10):
        uploads.create("part.jsonl", 1000, ME)
    with pytest.raises(BadInput, match="10 uploads wait"):
        uploads.create("one more.jsonl", 1, ME)
    full = Home(tmp_path / "full", floor_bytes=10**18)
    full.prepare()
    with pytest.raises(BadInput, match="must stay free"):
        started(full).create("support.jsonl", len(FILE), ME)


def test_a_disk_that_fills_up_meanwhile_ends_the_chunk_with_a_sentence(home: Home, uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    send(uploads, upload.id, FILE[:1000], 0)
    short = started(Home(home.path, floor_bytes=10**18))
    with pytest.raises(DiskFull, match="The disk is short"):
        send(short, upload.id, FILE[1000:], 1000)
    assert uploads.look(upload.id, ME).offset == 1000


def test_abandoned_uploads_are_swept_and_live_ones_are_not(home: Home, uploads: Uploads) -> None:
    old, live = (uploads.create("support.jsonl", len(FILE), ME) for _ in range(2))
    long_ago = old.path.stat().st_mtime - ABANDONED_AFTER_S - 60
    for path in (old.path, old.path.parent.parent):
        os.utime(path, (long_ago, long_ago))
    assert uploads.sweep() == 1
    assert [path.name for path in home.uploads.iterdir()] == [live.id]


def test_the_stored_file_belongs_to_its_owner_only(uploads: Uploads) -> None:
    upload = uploads.create("support.jsonl", len(FILE), ME)
    assert upload.path.stat().st_mode & 0o077 == 0
    assert ME not in (upload.path.parent.parent / "upload.json").read_text()
