"""What a run has gone through, and what its trainer has printed, as a person reads it."""

from pathlib import Path

import pytest

from core.diary import MOST_ENTRIES, Kind
from core.errors import NotFound
from core.history import Recorder
from core.run_logs import LINE_BYTES, TAIL_BYTES, log_file, log_files, search, tail
from storage.events import Checkpoint, Event, Failed, Finished, Metric, Phase, Warn
from storage.run_folder import RunFolder
from storage.spec import RunSpec
from storage.status import Cause


def told(recorder: Recorder, *events: Event) -> list[tuple[Kind, str]]:
    for seq, event in enumerate(events):
        recorder.apply(event.model_copy(update={"seq": seq}))
    return [(entry.kind, entry.text) for entry in recorder.snapshot().diary]


def test_an_interrupted_run_tells_its_story_in_lines() -> None:
    recorder = Recorder()
    recorder.begin(1)
    told(
        recorder,
        Phase(name="loading"),
        Phase(name="tokenising", done=1, total=9),
        Phase(name="tokenising", done=2, total=9),
        Phase(name="training", total=300, epochs=1),
        Metric(step=1, epoch=0.1, values={"loss": 2.0}),
        Metric(step=100, epoch=0.3, values={"eval_loss": 1.5}),
        Checkpoint(step=100, name="step-00000100", bytes=3 * 1024**2),
        Warn(message="Rows were cut."),
        Finished(outcome="paused", step=100),
    )
    recorder.begin(2)
    story = told(
        recorder,
        Phase(name="loading"),
        Phase(name="training", done=100, total=300, epochs=1),
        Failed(cause=Cause.OOM_HOST, message="The machine ran out of memory."),
    )
    assert story == [
        (Kind.STARTED, "Started."),
        (Kind.PHASE, "Turns the examples into tokens."),
        (Kind.PHASE, "Trains: 300 steps in all."),
        (Kind.EVALUATED, "Evaluated after step 100: evaluation loss 1.5."),
        (Kind.SAVED, "Checkpoint of step 100 saved, 3.0 MB."),
        (Kind.WARNED, "Rows were cut."),
        (Kind.ENDED, "Paused after step 100."),
        (Kind.STARTED, "Started again, attempt 2."),
        (Kind.PHASE, "Goes on after step 100: 300 steps in all."),
        (Kind.FAILED, "The machine ran out of memory."),
    ]


def test_a_run_that_says_much_is_remembered_by_its_newest_lines() -> None:
    recorder = Recorder()
    recorder.begin(1)
    story = told(recorder, *(Warn(message=str(number)) for number in range(3 * MOST_ENTRIES)))
    assert (len(story), story[-1][1]) == (MOST_ENTRIES, str(3 * MOST_ENTRIES - 1))


@pytest.fixture
def folder(tmp_path: Path, run_spec: RunSpec) -> RunFolder:
    (tmp_path / "runs").mkdir()
    folder = RunFolder.create(tmp_path / "runs", run_spec)
    for attempt in (1, 2):
        folder.attempt(attempt).claim("t" * 32)
        folder.attempt(attempt).stderr.write_text(f"attempt {attempt}\n")
    (folder.attempt(2).path / "stdout.log").touch()
    return folder


def test_logs_are_those_in_which_something_stands(folder: RunFolder) -> None:
    assert [file.title for file in log_files(folder)] == ["Attempt 2, stderr", "Attempt 1, stderr"]
    assert log_file(folder, "1-stderr.log").path == folder.attempt(1).stderr
    for key in ("2-stdout.log", "../spec.json", "1-claim.json", ""):
        with pytest.raises(NotFound):
            log_file(folder, key)


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "stderr.log"
    log.write_text("".join(f"line {number}\n" for number in range(100_000)))
    assert log.stat().st_size > TAIL_BYTES
    shown = tail(log, most_lines=3)
    assert (shown.lines, shown.is_cut) == (("line 99997", "line 99998", "line 99999"), True)
    assert tail(tmp_path / "gone.log").lines == ()


def test_the_whole_log_is_searched_for_all_words(tmp_path: Path) -> None:
    log = tmp_path / "stderr.log"
    log.write_text("Loss is NaN at step 3\n" + "nothing\n" * 50_000 + "NAN loss again\n")
    assert search(log, "nan loss").lines == ("Loss is NaN at step 3", "NAN loss again")
    assert search(log, "step 4").lines == ()
    newest = search(log, "nothing", most_lines=2)
    assert (newest.lines, newest.is_cut) == (("nothing", "nothing"), True)


def test_what_a_terminal_would_not_show_is_left_out(tmp_path: Path) -> None:
    log = tmp_path / "stderr.log"
    log.write_bytes(b"\x1b[31mred\x1b[0m\n10 %\r50 %\r100 %\n\xff\x00\x07bell\n" + b"x" * 3 * LINE_BYTES + b"\n")
    red, progress, bell, long = tail(log).lines
    assert (red, progress, bell) == ("red", "100 %", "\ufffdbell")
    assert len(long) == LINE_BYTES
