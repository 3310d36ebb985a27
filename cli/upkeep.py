"""`tunesmith backup | restore | rebuild-index | gc`: the index and the folder, kept in order."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import console, errors, one_sentence
from cli.train import DataDir
from core.backups import Backups
from core.home import Home
from core.recovery import Recovered
from core.recovery import rebuild as rebuild_from_folders
from core.recovery import restore as restore_backup
from core.studio import Studio
from core.sweep import Sweep


def backup(data_dir: DataDir = None) -> None:
    """Copy the index now, also while a studio serves it. The newest seven copies are kept."""
    with one_sentence():
        home = Home.locate(data_dir)
        home.prepare()
        _say(f"The index is backed up in {Backups(home).take('manual')}.")


def restore(
    file: Annotated[Path | None, typer.Argument(help="A backup; else the newest sound one.")] = None,
    requeue: Annotated[
        bool, typer.Option("--requeue", help="Jobs that were queued start again; else they wait as paused.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Put a backup in the index's place and tell it what the run folders have done since."""
    with one_sentence():
        _tell(restore_backup(Home.locate(data_dir), file, requeue=requeue))


def rebuild_index(data_dir: DataDir = None) -> None:
    """Make a new index from the run folders and datasets. Names of creators and the profile are lost."""
    with one_sentence():
        _tell(rebuild_from_folders(Home.locate(data_dir)))


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Remove leftovers, old trash and old checkpoints. Never what is pinned, nor of a live job."""
    with one_sentence():
        home = Home.locate(data_dir)
        studio = Studio(home)
        studio.open()
        sweep = Sweep(home, studio.runs, {dataset.id for dataset in studio.datasets.all()})
        freed = 0
        for item in sweep.find():
            if not dry_run:
                sweep.remove(item)
            freed += item.bytes
            _say(f"{item.path.relative_to(home.path)}  {item.bytes:,} bytes  ({item.why})")
        studio.close()
        _say(f"{freed:,} bytes {'would be' if dry_run else 'are'} freed.")


def _tell(done: Recovered) -> None:
    if done.set_aside:
        _say(f"The old index lies in {done.set_aside} now; delete it when you miss nothing.")
    report = done.report
    source = f"from {done.source}" if done.source else "from the folders"
    _say(f"The index is made {source}: {report.jobs} jobs ({report.live} running now).")
    if report.forgotten:
        _say(f"{report.forgotten} jobs of the backup have no run folder any more and are gone from the list.")
    for sentence in report.skipped:
        errors.print(sentence, style="yellow", markup=False, highlight=False, soft_wrap=True)


def _say(sentence: str) -> None:
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)
