"""What was foretold is kept beside the spec, compared with what came, and corrects the next estimate."""

from dataclasses import replace

import pytest

from core import hardware
from core.history import History, Recorder
from core.index import job_of
from core.people import Actor
from core.predictions import LEDGER, Predictions
from core.studio import Studio
from storage import prediction
from storage.events import Finished
from storage.run_folder import RunFolder
from storage.spec import JobSpec

BOB = Actor("Bob", "bob@example.org")


def submitted(studio: Studio, asked: JobSpec, name: str) -> RunFolder:
    return studio.runs.folder(studio.runs.submit(asked.model_copy(update={"job_id": name}), actor=BOB).id)


def finished(folder: RunFolder, *, memory: float, speed: float) -> History:
    """So many times what the formulas foretold."""
    foretold = prediction.predicted(folder.path)
    assert foretold
    facts = {
        "peak_memory_bytes": memory * foretold.formula_peak_memory_bytes,
        "tokens_per_second": speed * foretold.formula_tokens_per_second,
        "seconds": 60.0,
    }
    recorder = Recorder(attempt=1)
    recorder.apply(Finished(outcome="completed", step=3, facts=facts))
    return recorder.snapshot()


def test_the_next_estimate_learns_from_what_came(studio: Studio, asked: JobSpec) -> None:
    before, _ = studio.runs.outlook(studio.runs.preview(asked))
    assert before.basis == "estimate"
    for number, (memory, speed) in enumerate([(0.8, 0.5), (0.9, 0.4), (1.0, 0.3)]):
        folder = submitted(studio, asked, f"job-{number}")
        folder.attempt(1).claim("0" * 32)
        studio.predictions.compare(folder, finished(folder, memory=memory, speed=speed))
    run, here = studio.runs.preview(asked), hardware.look()
    after, _ = studio.predictions.of(run, here)
    assert after.basis == "estimate, calibrated by 3 runs"
    assert after.memory_bytes == pytest.approx(0.9 * after.memory.needed_bytes, rel=0.001)
    assert after.tokens_per_second == pytest.approx(0.4 * after.starting_tokens_per_second, rel=0.001)
    # Another machine is not corrected by this one's runs.
    elsewhere, _ = studio.predictions.of(run, replace(here, cores=here.cores + 62))
    assert elsewhere.calibration.runs == 0
    # The shortcut is made again out of the run folders, as the index is.
    (studio.home.path / LEDGER).unlink()
    again, _ = Predictions(studio.home, studio.tokens).of(run, here)
    assert again.calibration == after.calibration


def test_a_run_is_compared_once_and_only_when_it_completed(studio: Studio, asked: JobSpec) -> None:
    folder = submitted(studio, asked, "one")
    folder.attempt(1).claim("0" * 32)
    cancelled = Recorder(attempt=1)
    cancelled.apply(Finished(outcome="cancelled", step=1, facts={"peak_memory_bytes": 1.0}))
    studio.predictions.compare(folder, cancelled.snapshot())
    assert studio.predictions.told("one")[1] is None
    for _ in range(2):
        studio.predictions.compare(folder, finished(folder, memory=1.1, speed=2))
    foretold, came = studio.predictions.told("one")
    assert foretold
    assert came
    assert came.seconds == 60
    assert [run.memory_factor for run in studio.predictions.comparisons()] == [pytest.approx(1.1, rel=0.001)]


def test_seconds_that_several_attempts_share_are_not_compared(studio: Studio, asked: JobSpec) -> None:
    folder = submitted(studio, asked, "two")
    for number in (1, 2):
        folder.attempt(number).claim("0" * 32)
    studio.predictions.compare(folder, finished(folder, memory=1, speed=1))
    came = studio.predictions.told("two")[1]
    assert came
    assert came.seconds is None


def test_the_row_needs_what_was_foretold_also_after_the_index_was_lost(studio: Studio, asked: JobSpec) -> None:
    folder = submitted(studio, asked, "three")
    foretold = prediction.predicted(folder.path)
    assert foretold
    assert studio.runs.get("three").memory_bytes == foretold.needed_bytes
    assert job_of(folder, Recorder().snapshot()).memory_bytes == foretold.needed_bytes


def test_runs_of_versions_that_foretold_nothing_are_fine(studio: Studio, asked: JobSpec) -> None:
    folder = submitted(studio, asked, "old")
    history = finished(folder, memory=1, speed=1)
    (folder.path / prediction.ESTIMATE).unlink()
    folder.attempt(1).claim("0" * 32)
    studio.predictions.compare(folder, history)
    assert studio.predictions.comparisons() == []
    assert job_of(folder, Recorder().snapshot()).memory_bytes > 0
    (studio.home.path / LEDGER).write_text("no json\n")
    assert studio.predictions.comparisons() == []
