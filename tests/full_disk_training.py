"""A real training on a really full disk: `python tests/full_disk_training.py MODEL`, with a small volume at /mnt.

Row 15 of the fault matrix (docs/operations.md). Started by `full_disk.on_small_disk`.
"""

import json
import shutil
import sqlite3
import sys
import time
from pathlib import Path

from full_disk import ALICE, MB, VOLUME
from standin import add_tiny_model, wait_for

from core.home import Home
from core.studio import Studio
from storage import manifest
from storage.files import sha256_of
from storage.retention import Checkpointing, sealed
from storage.spec import Hyperparameters, JobSpec
from storage.status import Cause, Status

SIZE_MB = 256


def studio_with(model: Path) -> Studio:
    """The floor is nothing, so that no run is paused before the disk is really full."""
    home = Home(VOLUME / "home", floor_bytes=0, ballast_bytes=MB)
    home.prepare()
    add_tiny_model(home, model)
    studio = Studio(home)
    studio.start()
    return studio


def add_dataset(studio: Studio) -> str:
    path = VOLUME / "rows.jsonl"
    rows = [
        [{"role": "user", "content": f"Number {n}?"}, {"role": "assistant", "content": f"It is {n}. " * 6}]
        for n in range(20)
    ]
    path.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in rows))
    return studio.datasets.add(path, name="numbers", actor=ALICE).id


def fill_but(left: int) -> Path:
    """Writes until `left` bytes are free."""
    filler = VOLUME / "filler"
    with filler.open("ab", buffering=0) as file:
        while (room := shutil.disk_usage(VOLUME).free - left) > 0:
            file.write(b"x" * min(room, MB))
    return filler


def the_disk_fills_up_in_the_middle_of_a_checkpoint(model: Path) -> None:
    studio = studio_with(model)
    spec = JobSpec(
        model="tiny",
        dataset=add_dataset(studio),
        hyperparameters=Hyperparameters(epochs=12, batch_size=256),
        checkpoints=Checkpointing(latest=20),
    )
    job = studio.runs.submit(spec, actor=ALICE)
    folder = studio.runs.folder(job.id)
    while len(whole := sealed(folder.checkpoints)) < 2:
        assert not studio.runs.get(job.id).status.is_terminal, studio.runs.get(job.id)
        time.sleep(0.01)
    size = sum(path.stat().st_size for path in whole[min(whole)].rglob("*"))
    filler = fill_but(size + size // 2)

    # It stops by itself, names the reason, and leaves nothing behind that is not whole.
    paused = wait_for(studio, job.id, Status.PAUSED, Status.FAILED, Status.COMPLETED, timeout_s=120)
    assert (paused.status, paused.cause) == (Status.PAUSED, Cause.DISK_FULL), paused
    assert "Free some space, then press Resume" in paused.message
    assert "_save_checkpoint" in folder.attempt(1).stderr.read_text(), "it was to happen within a checkpoint"
    kept = sealed(folder.checkpoints)
    assert set(whole) < set(kept)
    assert [manifest.damage(path) for path in kept.values()] == [None] * len(kept)
    assert sorted(path.name for path in folder.checkpoints.iterdir()) == sorted(path.name for path in kept.values())
    before = {step: sha256_of(path / manifest.NAME) for step, path in kept.items()}

    # The index can be written, although no further checkpoint would fit.
    assert shutil.disk_usage(VOLUME).free < size + MB
    assert studio.people.save("Bob", "bob@example.org").name == "Bob"

    # With room again the same job goes on from where it was.
    filler.unlink()
    studio.runs.resume(job.id, actor=ALICE)
    running = wait_for(studio, job.id, Status.RUNNING, Status.FAILED, Status.PAUSED, attempt=2, timeout_s=120)
    assert running.status is Status.RUNNING, running
    training = studio.feed.history(job.id).training
    assert training
    assert training.done == max(kept)
    assert all(sha256_of(path / manifest.NAME) == before[step] for step, path in kept.items() if path.exists())
    wait_for(studio, job.id, Status.COMPLETED, timeout_s=180)
    studio.stop()
    assert sqlite3.connect(studio.home.database).execute("PRAGMA integrity_check").fetchone() == ("ok",)


if __name__ == "__main__":
    the_disk_fills_up_in_the_middle_of_a_checkpoint(Path(sys.argv[1]))
