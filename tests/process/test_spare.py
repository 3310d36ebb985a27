"""The warm spare with the real trainer: what was imported before there was a job trains it."""

import json
import time
from pathlib import Path

from standin import ALICE, wait_for

from core.home import Home
from core.studio import Studio
from storage.event_log import read_events
from storage.events import Finished, Phase
from storage.methods import Lora
from storage.spec import Hyperparameters, JobSpec, NoEvaluation
from storage.status import Status


def waiting_spare(studio: Studio, timeout_s: float = 180) -> int:
    """The pid of the one whose imports are done; the scheduler lets it in."""
    assert studio.spare
    deadline = time.monotonic() + timeout_s
    while not studio.spare.pid:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return studio.spare.pid


def test_the_spare_trains_without_importing_first(tiny_home: Home, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    chats = [[{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": f"{n}!"}] for n in range(20)]
    rows.write_text("".join(json.dumps({"messages": chat}) + "\n" for chat in chats))
    studio = Studio(tiny_home, keeps_spare=True)
    studio.start()
    try:
        dataset = studio.datasets.add(rows, name="rows", actor=ALICE)
        parameters = Hyperparameters(batch_size=256, max_context_length=64)
        asked = JobSpec(
            model="tiny", dataset=dataset.id, method=Lora(), evaluation=NoEvaluation(), hyperparameters=parameters,
            turbo=True,
        )  # fmt: skip
        pid = waiting_spare(studio)
        job = studio.runs.submit(asked, actor=ALICE)
        wait_for(studio, job.id, Status.COMPLETED, Status.FAILED, timeout_s=180)
        attempt = studio.runs.folder(job.id).attempt(1)
        events = read_events(attempt.events).events
        assert isinstance(events[-1], Finished), attempt.stderr.read_text()[-3000:]
        assert attempt.processes()[0].pid == pid
        assert any(isinstance(event, Phase) and event.name == "training" for event in events)
        assert studio.runs.folder(job.id).has_output()
    finally:
        studio.stop()
