"""`tunesmith graders`: a grader tried on a dataset before anything is trained, on a terminal."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import rich.table
import typer
from rich.markup import escape

from cli.output import console, one_sentence, say_json
from cli.reading import AsJson, opened
from cli.train import DataDir
from core.datasets.importing import Import
from core.errors import BadInput
from core.formats.options import ReadOptions
from core.grading.reading import content_of, read_grader
from core.grading.report import Trial
from core.grading.trials import GraderTrial, require_grader, require_prompts
from storage.graders import Grader
from storage.objectives import Rft

SHOWN_CHARACTERS = 60

graders = typer.Typer(help="Try graders before training.", no_args_is_help=True)


@graders.callback()
def group() -> None:
    """Without this a single command would lose its name."""


@graders.command()
def check(
    grader: Annotated[Path, typer.Argument(metavar="GRADER", help="JSON or YAML file.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Id of a dataset, or a file with prompts.")],
    answer: Annotated[
        list[str] | None, typer.Option(help="Try this answer too; {{ item.NAME }} is a column of the row.")
    ] = None,
    ask: Annotated[bool, typer.Option("--ask/--no-ask", help="May another model (score_model) be asked?")] = True,
    limit: Annotated[int, typer.Option(min=0, help="So many answers are listed; 0 lists all.")] = 24,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """What GRADER says of made-up answers to 20 prompts of DATASET. Exits 1 where a job would refuse it."""
    with one_sentence():
        found = _read(grader)
        # Bounds of the spec hold here too.
        rft = Rft(grader=found, try_answers=tuple(answer or ()))
        require_grader(rft)
        with _folder(dataset, data_dir) as folder:
            trial = GraderTrial(found, folder, rft.try_answers, rft.max_completion_tokens, ask=ask).result()
        (_say_as_json if as_json else _say)(trial, limit)
    raise typer.Exit(1 if trial.objection() else 0)


def _read(path: Path) -> Grader:
    try:
        return read_grader(content_of(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path} cannot be read as a text: {error}. Check the path and try again.") from error


@contextmanager
def _folder(dataset: str, data_dir: Path | None) -> Iterator[Path]:
    """The version's folder; a file's is gone afterwards."""
    if not Path(dataset).is_file():
        with opened(data_dir) as studio:
            found = studio.datasets.get(dataset, actor=studio.people.actor())
            require_prompts(found.name, found.kind)
            yield studio.datasets.folder(found.id)
        return
    with tempfile.TemporaryDirectory(prefix="tunesmith-graders-") as folder:
        version = Path(folder) / "version"
        version.mkdir()
        report = Import(Path(dataset), version, ReadOptions(), lambda _: None).wait()
        require_prompts(Path(dataset).name, report.kind)
        yield version


def _say_as_json(trial: Trial, _limit: int) -> None:
    """All answers, a line each; then what comes of them."""
    for tried in trial.tried:
        say_json(tried.model_dump())
    least, most = trial.range
    figures = {"rows": trial.rows, "answers": len(trial.tried), "errors": trial.errors}
    values = {"mean": trial.mean, "spread": trial.spread, "least": least, "most": most}
    say_json({"summary": {**figures, **values, "notes": trial.notes(), "objection": trial.objection()}})


def _say(trial: Trial, limit: int) -> None:
    table = rich.table.Table("Line", "Answer", "Tried", "Score", "Parts or error")
    for tried in trial.tried[: limit or None]:
        score = "" if tried.value is None else f"{tried.value:.3g}"
        parts = ", ".join(f"{name} {value:.3g}" for name, value in tried.parts.items())
        cells = (str(tried.line), tried.kind, _short(tried.answer), score, tried.error or parts)
        table.add_row(*(escape(cell) for cell in cells))
    console.print(table)
    if limit and len(trial.tried) > limit:
        console.print(f"… and {len(trial.tried) - limit} more (--limit 0 lists all).")
    least, most = trial.range
    console.print(
        f"{len(trial.tried)} answers to {trial.rows} prompts: mean {trial.mean:.3g}, spread {trial.spread:.3g}, "
        f"from {least:.3g} to {most:.3g}."
    )
    _say_lines(trial.notes(), "yellow")
    _say_lines([trial.objection()] if trial.objection() else [], "red")


def _say_lines(sentences: Sequence[str], style: str) -> None:
    for sentence in sentences:
        console.print(sentence, style=style, markup=False, highlight=False, soft_wrap=True)


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= SHOWN_CHARACTERS else f"{flat[: SHOWN_CHARACTERS - 1]}…"
