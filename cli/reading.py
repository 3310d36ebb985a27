"""What the commands about datasets share: their arguments, the studio to look into, and a bar while a file is read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import rich.progress
import typer

from cli.output import console
from core.datasets.intake import OnProgress, Progress
from core.formats.options import ReadOptions
from core.home import Home
from core.studio import Studio

DatasetId = Annotated[str, typer.Argument(metavar="ID", help="The dataset's id, as `tunesmith datasets ls` shows it.")]
AsJson = Annotated[bool, typer.Option("--json")]
Format = Annotated[str | None, typer.Option("--format", help="Instead of the one that is detected.")]
Encoding = Annotated[str | None, typer.Option(help="Of a text file; else it is detected.")]
Delimiter = Annotated[str | None, typer.Option(help="Of a CSV file; else it is detected.")]


def options(row_format: str | None, encoding: str | None, delimiter: str | None) -> ReadOptions:
    return ReadOptions(format=row_format, encoding=encoding, delimiter=delimiter)


@contextmanager
def opened(data_dir: Path | None) -> Iterator[Studio]:
    """For reading; whoever serves the folder goes on."""
    studio = Studio(Home.locate(data_dir))
    studio.open()
    try:
        yield studio
    finally:
        studio.close()


@contextmanager
def progress_bar(as_json: bool) -> Iterator[OnProgress]:
    """Gone when the work is done."""
    if as_json or not console.is_terminal:
        yield lambda _: None
        return
    with rich.progress.Progress(console=console, transient=True) as bar:
        task = bar.add_task("Reading", total=1.0)

        def show(progress: Progress) -> None:
            bar.update(task, completed=progress.share, description=f"{progress.phase} {progress.rows:,} rows")

        yield show
