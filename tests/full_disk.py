"""Stories on a really full disk: `python tests/full_disk.py STORY`, with a small volume of its own at /mnt.

`on_small_disk(story)` runs one in a user namespace, where mounting a tmpfs needs no privileges.
"""

import contextlib
import errno
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from standin import add_hollow_model

from core.ballast import Ballast
from core.errors import DiskFull
from core.home import Home
from core.people import Actor
from core.studio import Studio
from storage import manifest
from storage.event_log import EventWriter, read_events
from storage.events import Failed, Log
from storage.run_folder import RunFolder
from storage.spec import JobSpec
from storage.status import Cause
from training.lifeline import Lifeline
from training.supervisor import write_when_possible
from training.trainer import tell
from training.workbench import Workbench

ROOT = Path(__file__).parents[1]
VOLUME = Path("/mnt")
MB = 1024**2
ALICE = Actor("Alice", "alice@example.org")


def on_small_disk(story: str, *, script: str = __file__, size_mb: int = 8) -> str:
    """What went wrong in the story; empty when nothing did. `story` is the script's argument."""
    run = shlex.join([sys.executable, script, story])
    command = f"mount -t tmpfs -o size={size_mb}m tmpfs {VOLUME} && exec {run}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", command], env=environment, capture_output=True, text=True)
    return done.stderr + f"exit code {done.returncode}" if done.returncode else ""


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = ["unshare", "-Urm", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(VOLUME)]
    return subprocess.run(probe, capture_output=True).returncode == 0


def fill() -> Path:
    """Writes until nothing more goes in."""
    filler = VOLUME / "filler"
    with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    return filler


def home() -> Home:
    home = Home(VOLUME / "home", floor_bytes=1 * MB, ballast_bytes=1 * MB)
    home.prepare()
    return home


def the_database_can_be_written_again() -> None:
    studio, ballast = Studio(home()), Ballast(home())
    studio.open()
    ballast.tend()
    assert ballast.path.stat().st_size == MB
    filler = fill()
    assert "short" in studio.home.shortage()
    assert studio.people.save("Bob", "bob@example.org").name == "Bob"
    assert not ballast.path.exists()
    ballast.tend()
    assert not ballast.path.exists(), "what dropping it freed must not make it again"
    filler.unlink()
    ballast.tend()
    assert (ballast.path.exists(), studio.home.shortage()) == (True, "")
    studio.close()
    assert sqlite3.connect(studio.home.database).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def without_ballast_a_sentence_and_nothing_half_written() -> None:
    studio = Studio(home())
    studio.open()
    studio.people.save("Bob", "bob@example.org")
    filler = fill()
    refused = ""
    try:
        # Larger than what the write-ahead log may still hold in its last page.
        studio.drafts.save("sft", {"model": "x" * 3 * MB})
    except DiskFull as error:
        refused = str(error)
    assert "is full, so this was not saved" in refused, refused
    assert studio.drafts.load("sft") is None
    assert studio.people.profile().name == "Bob"
    filler.unlink()
    studio.drafts.save("sft", {"model": "y"})
    assert studio.drafts.load("sft") == {"model": "y"}
    studio.close()
    assert sqlite3.connect(studio.home.database).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def a_checkpoint_that_does_not_fit_leaves_the_old_ones() -> None:
    run = RunFolder(VOLUME / "run")
    attempt = run.attempt(1)
    run.checkpoints.mkdir(parents=True)
    attempt.claim("t" * 32)
    work = run.checkpoints / "work.partial"
    work.mkdir()
    (work / "weights").write_bytes(b"w" * MB)
    manifest.seal(work, run.checkpoints / "step-00000100")
    events = EventWriter(attempt.events)
    bench = Workbench(run=run, events=events, lifeline=Lifeline(attempt))
    work.mkdir()
    try:
        (work / "weights").write_bytes(b"w" * 20 * MB)
    except OSError as error:
        fill()
        shown = written_while_full(bench)
        tell(error, bench)
    (last,) = [event for event in read_events(attempt.events).events if isinstance(event, Failed)]
    assert last.cause is Cause.DISK_FULL
    assert (last.seq, read_events(attempt.events).bad_lines) == (shown, 0)
    assert not work.exists()
    assert manifest.damage(run.checkpoints / "step-00000100") is None
    assert run.has_checkpoint()


def written_while_full(bench: Workbench) -> int:
    """How many events went into the log's last page before it refused; none of them may be torn."""
    for count in range(10_000):
        try:
            bench.emit(Log(message="x" * 100))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            return count
    raise AssertionError("the disk was not full")


def a_dataset_that_does_not_fit_leaves_nothing() -> None:
    studio = Studio(Home(VOLUME / "home", floor_bytes=0, ballast_bytes=MB // 2))
    studio.home.prepare()
    studio.open()
    source = Path("/dev/shm") / f"tunesmith-{os.getpid()}.jsonl"
    # Stored as chat, each row is more than twice as long as here.
    source.write_text('{"prompt":"a","completion":"b"}\n' * (5 * MB // 32))
    refused = ""
    try:
        studio.datasets.add(source, name=None, actor=ALICE)
    except DiskFull as error:
        refused = str(error)
    finally:
        source.unlink()
    assert "Free some space" in refused
    assert list(studio.home.datasets.iterdir()) == []
    assert studio.datasets.all() == []
    studio.close()


def the_exit_record_waits_for_room() -> None:
    filler = fill()
    freeing = subprocess.Popen(["sh", "-c", f"sleep 0.5; rm {filler}"])
    write_when_possible(VOLUME / "exit.json", {"returncode": 1, "evidence": "x" * 5000})
    freeing.wait()
    assert (VOLUME / "exit.json").stat().st_size > 5000


def a_run_folder_that_does_not_fit_leaves_nothing() -> None:
    studio = Studio(Home(VOLUME / "home", floor_bytes=0, ballast_bytes=MB // 2))
    studio.home.prepare()
    studio.open()
    add_hollow_model(studio.home)
    dataset = studio.datasets.add_starter(ALICE)
    run = studio.runs.preview(JobSpec(model="hollow", dataset=dataset.id))
    fill()
    try:
        RunFolder.create(studio.home.runs, run)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    assert list(studio.home.runs.iterdir()) == []
    studio.close()


STORIES: dict[str, Callable[[], None]] = {
    story.__name__: story
    for story in (
        the_database_can_be_written_again,
        without_ballast_a_sentence_and_nothing_half_written,
        a_checkpoint_that_does_not_fit_leaves_the_old_ones,
        a_dataset_that_does_not_fit_leaves_nothing,
        a_run_folder_that_does_not_fit_leaves_nothing,
        the_exit_record_waits_for_room,
    )
}

if __name__ == "__main__":
    STORIES[sys.argv[1]]()
