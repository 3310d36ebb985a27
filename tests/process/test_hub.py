"""The hub, as Hugging Face's own client speaks with it: searched, listed, fetched, resumed, refused."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_standin import COMMIT, HubStandIn, serving

from core.datasets.hub import Hub
from core.errors import BadInput, NotFound
from core.home import Home
from core.people import Actor
from core.studio import Studio

ALICE = Actor("Alice", "alice@example.org")
#: What the client asks of the connection at a time.
PIECE = 10 * 1024**2
ROWS = b"".join(
    json.dumps({"prompt": f"Question {number}", "completion": f"Answer {number} " + 500 * "word "}).encode() + b"\n"
    for number in range(400)
)
FILES = {
    "acme/support": {"README.md": b"# Support", "data/train.jsonl": ROWS, "data/test.csv": b"a,b\n", "logo.png": b""},
    "acme/secret": {"train.jsonl": ROWS},
    "other/poems": {"poems.parquet": b"PAR1"},
}


@pytest.fixture
def standin() -> Iterator[HubStandIn]:
    with serving(HubStandIn(files={name: dict(files) for name, files in FILES.items()}, gated={"acme/secret"})) as hub:
        yield hub


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    studio = Studio(Home(tmp_path / "home"))
    studio.open()
    yield studio
    studio.close()


def client(studio: Studio, standin: HubStandIn, **environment: str) -> Hub:
    """A home folder of its own: no cache, and no token that somebody left there."""
    place = {"HF_ENDPOINT": standin.url, "HF_HOME": str(studio.home.path / "hf"), "HF_HUB_DOWNLOAD_TIMEOUT": "5"}
    return Hub(studio.home, studio.datasets, {**place, **environment})


def test_datasets_are_found_and_their_files_listed(studio: Studio, standin: HubStandIn) -> None:
    hub = client(studio, standin)
    found = hub.search("acme")
    assert [(one.id, one.is_gated, one.likes) for one in found] == [
        ("acme/support", False, 3),
        ("acme/secret", True, 3),
    ]
    files = hub.files("acme/support")
    assert [(file.path, file.bytes) for file in files] == [("data/test.csv", 4), ("data/train.jsonl", len(ROWS))]


def test_a_file_is_fetched_with_progress_and_imported(studio: Studio, standin: HubStandIn) -> None:
    """The connection breaks twice; of what had arrived, at most the last piece is fetched again."""
    rows = b"".join(row.replace(b"word", 25 * b"word ") for row in ROWS.splitlines(keepends=True))
    standin.files["acme/support"]["data/train.jsonl"] = rows
    standin.breaks = [PIECE + 1_000_000, PIECE + 2_000_000]
    told: list[tuple[int, int]] = []
    hub = client(studio, standin)
    added = hub.add("acme/support", "data/train.jsonl", actor=ALICE, on_download=lambda *numbers: told.append(numbers))
    assert (added.name, added.rows, added.errors) == ("support", 400, 0)
    assert added.source_name == f"hf://datasets/acme/support@{COMMIT[:12]}/data/train.jsonl"
    assert told[-1] == (len(rows), len(rows))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    fetched = [wanted for method, path, wanted, _ in standin.asked if method == "GET" and "resolve" in path]
    assert fetched == ["", f"bytes={PIECE}-", f"bytes={2 * PIECE}-"]
    assert [path.name for path in studio.home.datasets.iterdir()] == [added.id]


def test_a_gated_dataset_needs_a_token_and_says_so(studio: Studio, standin: HubStandIn) -> None:
    with pytest.raises(NotFound, match="acme/secret is gated: accept its terms"):
        client(studio, standin).add("acme/secret", "train.jsonl", actor=ALICE)
    with pytest.raises(NotFound, match="acme/secret is gated"):
        client(studio, standin, HF_TOKEN="hf_wrong").files("acme/secret")
    with_token = client(studio, standin, HF_TOKEN=standin.token)
    assert with_token.add("acme/secret", "train.jsonl", actor=ALICE).rows == 400
    sent = {authorisation for *_, authorisation in standin.asked}
    assert sent == {"", "Bearer hf_wrong", f"Bearer {standin.token}"}


def test_what_is_not_there_is_named(studio: Studio, standin: HubStandIn) -> None:
    hub = client(studio, standin)
    with pytest.raises(NotFound, match="There is no dataset acme/nothing on the hub, or it is private"):
        hub.files("acme/nothing")
    with pytest.raises(NotFound, match=r"acme/support has no file other\.jsonl"):
        hub.add("acme/support", "other.jsonl", actor=ALICE)
    with pytest.raises(NotFound, match="acme/support has no revision v9"):
        hub.add("acme/support", "data/train.jsonl", revision="v9", actor=ALICE)
    for name in ("../etc", "a/b/c", "a b/c", ""):
        with pytest.raises(BadInput, match="is not the name of a dataset"):
            hub.files(name)
    assert list(studio.home.datasets.iterdir()) == []


def test_a_hub_that_fails_or_is_away_is_a_sentence(studio: Studio, standin: HubStandIn) -> None:
    standin.answer_with = 418
    with pytest.raises(BadInput, match="answered 418"):
        client(studio, standin).search("acme")
    with pytest.raises(BadInput, match=r"The hub at http://127\.0\.0\.1:1 cannot be reached"):
        client(studio, standin, HF_ENDPOINT="http://127.0.0.1:1").search("acme")


def test_a_file_that_does_not_fit_is_not_fetched(tmp_path: Path, standin: HubStandIn) -> None:
    home = Home(tmp_path / "home", floor_bytes=10**15)
    studio = Studio(home)
    studio.open()
    with pytest.raises(BadInput, match="but there is room for 0 MB"):
        client(studio, standin).add("acme/support", "data/train.jsonl", actor=ALICE)
    assert [path for method, path, *_ in standin.asked if method == "GET" and "resolve" in path] == []
    studio.close()


class Enough(Exception):
    """The user has changed their mind."""


def test_a_download_can_be_ended(studio: Studio, standin: HubStandIn) -> None:
    def stop(done: int, _total: int) -> None:
        raise Enough(done)

    with pytest.raises(Enough):
        client(studio, standin).add("acme/support", "data/train.jsonl", actor=ALICE, on_download=stop)
    assert list(studio.home.datasets.iterdir()) == []
