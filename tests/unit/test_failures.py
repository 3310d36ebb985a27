"""Failures explained: real messages find their cause, as an exception in the trainer and as a log at the server."""

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.history import Recorder
from core.outcome import Outcome, could_not_start, outcome
from core.studio import Studio
from storage import manifest
from storage.events import Failed
from storage.failures import classify, explain_log
from storage.run_folder import Exit, RunFolder
from storage.spec import JobSpec
from storage.status import Cause, Status
from storage.tables import Job
from training.failures import BadDataset, ExportFailed, explain, exporting

MESSAGES = Path(__file__).with_name("failure_messages.txt")


def _entries() -> Iterator[object]:
    for entry in MESSAGES.read_text().split("\n=== ")[1:]:
        head, _, message = entry.partition("\n")
        cause, _, origin = head.partition(" | ")
        yield pytest.param(Cause(cause), message.strip(), id=f"{cause}, {origin}")


REAL = list(_entries())


@pytest.mark.parametrize(("cause", "message"), REAL)
def test_a_real_message_finds_its_cause(cause: Cause, message: str) -> None:
    rule = classify(message)
    assert rule is not None
    assert rule.cause is cause
    assert rule.sentence.endswith(".")


@pytest.mark.parametrize(("cause", "message"), REAL)
def test_the_end_of_a_log_finds_the_same(cause: Cause, message: str) -> None:
    log = ["UserWarning: Was asked to gather along dimension 0", *message.splitlines(), "frame #1: <unknown function>"]
    found = explain_log(log)
    assert found is not None
    assert found.cause is cause
    assert found.evidence in message


def test_there_are_enough_of_them() -> None:
    assert len(REAL) >= 20


@pytest.mark.parametrize(
    "harmless",
    ["KeyError: 'labels'", "AssertionError", "ValueError: the model has 3 layers", "Loading weights: 100%", ""],
)
def test_what_nobody_knows_stays_unknown(harmless: str) -> None:
    assert classify(harmless) is None


def test_an_old_warning_far_up_is_no_cause() -> None:
    assert explain_log(["CUDA error: once", *(["step"] * 50)]) is None


def test_an_exception_is_explained_by_what_is_behind_it() -> None:
    try:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("could not save") from error
    except RuntimeError as error:
        failed = explain(error)
    assert (failed.cause, failed.evidence) == (Cause.DISK_FULL, "RuntimeError: could not save")


def test_our_own_errors_carry_their_cause_and_sentence() -> None:
    failed = explain(BadDataset("Line 3 has no answer: CUDA error."))
    assert (failed.cause, failed.message) == (Cause.BAD_DATASET, "Line 3 has no answer: CUDA error.")


def test_an_unknown_error_is_internal_and_keeps_its_line() -> None:
    failed = explain(KeyError("labels\nsecond line"))
    assert failed.cause is Cause.INTERNAL
    assert failed.evidence.startswith("KeyError: 'labels")


def test_a_failed_export_says_so_but_a_full_disk_stays_a_full_disk() -> None:
    with pytest.raises(ExportFailed, match="could not be written: odd name"), exporting():
        raise ValueError("odd name")
    with pytest.raises(OSError, match="No space"), exporting():
        raise OSError(errno.ENOSPC, "No space left on device")


# How the server concludes.


@pytest.fixture
def job(studio: Studio, asked: JobSpec) -> Job:
    """A claimed job with an attempt folder and nothing in it."""
    studio.runs.submit(asked, actor=studio.people.actor())
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.folder(claimed.id).attempt(1).claim(claimed.token)
    return claimed


def concluded(
    studio: Studio,
    job: Job,
    *,
    ended: Exit | None = None,
    failed: Failed | None = None,
    log: str = "",
    short: bool = False,
) -> Outcome:
    folder = studio.runs.folder(job.id)
    folder.attempt(1).stderr.write_text(log)
    history = Recorder(attempt=1, failed=failed).snapshot()
    return outcome(job, history, ended, folder, disk_is_short=short)


def exit_with(returncode: int | None = None, number: int | None = None, cause: Cause | None = None) -> Exit:
    return Exit(returncode=returncode, signal=number, token="", cause=cause)


@pytest.mark.parametrize(
    ("ended", "log", "status", "cause"),
    [
        (exit_with(1), "torch.OutOfMemoryError: CUDA out of memory.\n", Status.FAILED, Cause.OOM_GPU),
        (exit_with(1), "KeyError: 'labels'\n", Status.FAILED, Cause.INTERNAL),
        (exit_with(None, 6), "terminate called after throwing an instance of 'std::bad_alloc'\n", Status.FAILED,
         Cause.OOM_HOST),
        (exit_with(None, 9), "MemoryError\n", Status.INTERRUPTED, Cause.KILLED_EXTERNALLY),
        (exit_with(None, 9, Cause.OOM_HOST), "", Status.FAILED, Cause.OOM_HOST),
        (exit_with(None, 11), "", Status.INTERRUPTED, Cause.KILLED_EXTERNALLY),
        (None, "", Status.INTERRUPTED, Cause.LOST),
        (None, "OSError: [Errno 28] No space left on device\n", Status.FAILED, Cause.DISK_FULL),
    ],
)  # fmt: skip
def test_without_an_event_the_log_says_why(
    studio: Studio, job: Job, ended: Exit | None, log: str, status: Status, cause: Cause
) -> None:
    how = concluded(studio, job, ended=ended, log=log)
    assert (how.status, how.cause) == (status, cause)
    assert how.message.endswith(".")


def test_the_trainers_own_word_counts_more_than_its_log(studio: Studio, job: Job) -> None:
    said = Failed(cause=Cause.NAN_LOSS, message="The loss was no number.", evidence="loss=nan")
    how = concluded(studio, job, ended=exit_with(1), failed=said, log="CUDA out of memory\n")
    assert how == Outcome(Status.FAILED, Cause.NAN_LOSS, "The loss was no number.", "loss=nan")


FULL = Failed(cause=Cause.DISK_FULL, message="The disk is full.", evidence="OSError: [Errno 28]")


def test_a_full_disk_fails_a_run_without_a_checkpoint_and_pauses_one_that_has_one(studio: Studio, job: Job) -> None:
    assert concluded(studio, job, ended=exit_with(1), failed=FULL).status is Status.FAILED
    checkpoint(studio.runs.folder(job.id))
    how = concluded(studio, job, ended=exit_with(1), failed=FULL)
    assert (how.status, how.cause, how.evidence) == (Status.PAUSED, Cause.DISK_FULL, "OSError: [Errno 28]")
    assert "press Resume" in how.message


def test_who_ends_in_silence_on_a_full_disk_ended_of_it(studio: Studio, job: Job) -> None:
    checkpoint(studio.runs.folder(job.id))
    for ended in (None, exit_with(1)):
        how = concluded(studio, job, ended=ended, short=True)
        assert (how.status, how.cause) == (Status.PAUSED, Cause.DISK_FULL)


def test_a_trainer_that_cannot_start_for_want_of_space_says_so(studio: Studio, job: Job) -> None:
    folder = studio.runs.folder(job.id)
    assert could_not_start(OSError(errno.ENOSPC, "No space left on device"), folder).cause is Cause.DISK_FULL
    assert could_not_start(OSError(errno.EMFILE, "Too many open files"), folder).cause is Cause.INTERNAL


def checkpoint(folder: RunFolder) -> None:
    partial = folder.checkpoints / "work.partial"
    partial.mkdir()
    (partial / "weights").write_bytes(b"x")
    manifest.seal(partial, folder.checkpoints / "step-00000200")
