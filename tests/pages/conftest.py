"""Fixtures of the page tier: NiceGUI's simulated browser in front of a real studio in a temporary folder."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nicegui.testing import User
from paged import browsing

from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage.files import write_json
from storage.manifest import seal
from storage.spec import JobSpec
from storage.tables import Dataset
from ui.signals import Signals

ALICE = Actor("Alice", "alice@example.org")


@pytest.fixture
def signals() -> Signals:
    return Signals()


@pytest.fixture
async def studio(tmp_path: Path, signals: Signals) -> AsyncIterator[Studio]:
    """An opened studio whose scheduler does not run: what is submitted stays queued."""
    loop = asyncio.get_running_loop()
    studio = Studio(
        Home(tmp_path / "home"),
        job_changed=lambda job_id: loop.call_soon_threadsafe(signals.jobs.emit, job_id) and None,
    )
    studio.open()
    studio.people.save(ALICE.name, ALICE.email)
    _tiny_model(studio.home)
    yield studio
    studio.close()


@pytest.fixture
async def user(studio: Studio, signals: Signals, caplog: pytest.LogCaptureFixture) -> AsyncIterator[User]:
    """An error in the log fails the test."""
    async with browsing(studio, signals) as simulated:
        yield simulated
    assert not [record for record in caplog.get_records("call") if record.levelname == "ERROR"]


@pytest.fixture
def asked(studio: Studio, tmp_path: Path) -> JobSpec:
    """What a user could ask for: the tiny model, taught twelve greetings."""
    return JobSpec(model="tiny", dataset=studio.datasets.add(greetings(tmp_path), name=None, actor=ALICE).id)


@pytest.fixture
def flawed(studio: Studio, tmp_path: Path) -> Dataset:
    """Thirty rows: one without an answer (row 6), one that is no JSON (row 11), one twice (row 31)."""
    rows = [json.dumps({"prompt": f"Question {n}", "completion": f"Answer {n} " + "long " * n}) for n in range(30)]
    rows[5] = json.dumps({"prompt": "Question 5", "completion": ""})
    rows[10] = '{"prompt": "Question 10", "compl'
    path = tmp_path / "flawed.jsonl"
    path.write_text("\n".join([*rows, rows[3]]) + "\n")
    return studio.datasets.add(path, actor=ALICE)


@pytest.fixture
def sums(studio: Studio, tmp_path: Path) -> Dataset:
    """Twelve prompts, each with its answer."""
    path = tmp_path / "sums.jsonl"
    row = '{{"messages": [{{"role": "user", "content": "What is {0} + {0}?"}}], "answer": "{1}", "level": "easy"}}\n'
    path.write_text("".join(row.format(number, 2 * number) for number in range(12)))
    return studio.datasets.add(path, name=None, actor=ALICE)


def greetings(folder: Path) -> Path:
    path = folder / "greetings.jsonl"
    row = '{{"messages": [{{"role": "user", "content": "Hello {0}"}}, {{"role": "assistant", "content": "Hi {0}"}}]}}\n'
    path.write_text("".join(row.format(number) for number in range(12)))
    return path


def _tiny_model(home: Home) -> None:
    """A sealed model folder without weights: enough for everything that does not train."""
    partial = home.models / ".tiny.partial"
    partial.mkdir()
    details = {"name": "Tiny", "provider": "Nobody", "public_id": "nobody/tiny", "licence": "apache-2.0"}
    sizes = {"parameters": 1_000_000, "context_length": 512, "hidden_size": 64, "layers": 2, "revision": "r1"}
    write_json(partial / "model.json", details | sizes)
    seal(partial, home.models / "tiny")
