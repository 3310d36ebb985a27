"""`tunesmith datasets import-conversations`: what the page does, on a terminal."""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from cli.dataset_commands import ask, tell
from cli.output import console, one_sentence, say_json
from cli.reading import AsJson, progress_bar
from cli.train import DataDir
from core.conversations.children import make_in_child, read_in_child
from core.conversations.making import Made
from core.conversations.options import ImportOptions, Liked, Result
from core.conversations.reading import Progress as Reading
from core.conversations.sources import LABELS
from core.conversations.store import Store
from core.datasets.intake import Progress
from core.errors import BadInput, explain
from core.formats.options import ReadOptions


def import_conversations(
    file: Annotated[Path, typer.Argument(help="An export's zip archive, JSON, JSONL, CSV or a transcript.")],
    name: Annotated[str | None, typer.Option(help="Else the file's.")] = None,
    per_turn: Annotated[bool, typer.Option("--per-turn", help="One example an answer.")] = False,
    pairs: Annotated[bool, typer.Option("--pairs", help="Preference pairs out of thumbs up and down.")] = False,
    rated: Annotated[bool, typer.Option("--rated", help="Rated answers one by one (KTO).")] = False,
    anonymise: Annotated[bool, typer.Option("--anonymise", help="Replace addresses, numbers and keys.")] = False,
    person: Annotated[list[str] | None, typer.Option(help="A name to replace too; may be repeated.")] = None,
    liked: Annotated[Liked, typer.Option(help="Which answers are learned.")] = Liked.ALL,
    search: Annotated[str, typer.Option(help="Only conversations with this in their title or first question.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count and show, but keep nothing.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Examples out of an export of ChatGPT, Claude, Open WebUI, LangSmith or Langfuse."""
    with one_sentence(), tempfile.TemporaryDirectory(prefix="tunesmith-conversations-") as folder:
        if not file.is_file():
            raise BadInput(f"There is no file {file}. Check the path and try again.")
        options = _options(_result(per_turn, pairs, rated), anonymise, person or [], liked)
        store, rows = Path(folder) / "store", Path(folder) / f"{file.stem}.jsonl"
        store.mkdir()
        with progress_bar(as_json) as show:

            def read(told: Reading) -> None:
                show(Progress(told.done, told.total, told.found, "Reading"))

            overview = read_in_child(file, store, file.name, read)
            numbers = [one.number for one in Store(store).summaries() if one.has(search)]
            made = make_in_child(store, numbers, options, rows)
        if not as_json:
            _say(overview.sources, made)
        if dry_run:
            if as_json:
                say_json({"sources": overview.sources} | _figures(made))
            return
        fields = {"name": name, "options": ReadOptions(format=options.format).model_dump(), "source": file.name}
        tell(ask("dataset-add", data_dir, file=rows, fields=fields), as_json)


def _result(per_turn: bool, pairs: bool, rated: bool) -> Result:
    chosen = [
        result
        for result, is_chosen in ((Result.ANSWERS, per_turn), (Result.PAIRS, pairs), (Result.RATED, rated))
        if is_chosen
    ]
    if len(chosen) > 1:
        raise BadInput("Choose one of --per-turn, --pairs and --rated.")
    return chosen[0] if chosen else Result.CONVERSATIONS


def _options(result: Result, anonymise: bool, names: list[str], liked: Liked) -> ImportOptions:
    try:
        return ImportOptions(result=result, anonymise=anonymise or bool(names), names=tuple(names), liked=liked)
    except ValidationError as error:
        raise BadInput(explain(error)) from error


def _figures(made: Made) -> dict[str, Any]:
    counts = {"conversations": made.conversations, "skipped": made.skipped, "examples": made.rows, "alone": made.alone}
    return counts | {"anonymised": made.anonymised}


def _say(sources: dict[str, int], made: Made) -> None:
    found = ", ".join(f"{LABELS[source]} ({count:,})" for source, count in sources.items())
    console.print(f"{found}: {made.rows:,} examples from {made.conversations:,} conversations.", highlight=False)
    if made.anonymised:
        replaced = ", ".join(f"{count:,} × {label}" for label, count in made.anonymised.items())
        console.print(f"Replaced: {replaced}.", highlight=False)
    if made.alone:
        console.print(f"{made.alone:,} rated answers have no counterpart; --rated takes them.", highlight=False)
