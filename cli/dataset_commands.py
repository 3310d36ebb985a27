"""`tunesmith datasets add | fix | rm | restore`: through whoever serves the folder."""

import re
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import console, fail, one_sentence, say_json
from cli.reading import AsJson, DatasetId, Delimiter, Encoding, Format, opened, options, progress_bar
from cli.train import DataDir
from core.datasets.changes import Fix
from core.datasets.intake import OnProgress
from core.handover import act
from core.home import Home
from core.inbox import Answer, Kind, Request

#: hf://datasets/OWNER/NAME[@REVISION]/FILE
HUB_URL = re.compile(r"hf://datasets/(?P<dataset>[^/@]+/[^/@]+)(?:@(?P<revision>[^/]+))?/(?P<file>.+)")


def register(datasets: typer.Typer) -> None:
    for command in (add, fix, rm, restore):
        datasets.command()(command)


def add(
    file: Annotated[str, typer.Argument(help="JSONL, JSON, CSV or Parquet; or hf://datasets/OWNER/NAME/FILE.")],
    name: Annotated[str | None, typer.Option(help="Else the file's.")] = None,
    row_format: Format = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Check every row of FILE and keep it. Rows with errors are kept too, so that they can be mended."""
    with one_sentence(), progress_bar(as_json) as on_progress:
        given = options(row_format, encoding, delimiter)
        fields: dict[str, Any] = {"name": name, "options": given.model_dump()}
        if found := HUB_URL.fullmatch(file):
            fields |= {key: value for key, value in found.groupdict().items() if value}
            answer = ask("dataset-fetch", data_dir, fields=fields, on_progress=on_progress)
        else:
            answer = ask("dataset-add", data_dir, file=Path(file).absolute(), fields=fields, on_progress=on_progress)
    tell(answer, as_json)


def fix(
    dataset_id: DatasetId,
    what: Annotated[Fix, typer.Argument(help="Which rows go.")],
    evaluation: Annotated[str, typer.Option(help="move-leaked: the dataset they are left to.")] = "",
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """A new version without rows that have errors, without copies, or without what is in an evaluation dataset."""
    with one_sentence():
        fields = {"fix": what.value, "evaluation": evaluation}
        answer = ask("dataset-fix", data_dir, dataset_id=dataset_id, fields=fields)
    tell(answer, as_json)


def rm(
    dataset_id: DatasetId,
    every: Annotated[bool, typer.Option("--all-versions")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Delete a version that no unfinished job uses. It stays in the trash for a week."""
    with one_sentence():
        answer = ask("dataset-delete", data_dir, dataset_id=dataset_id, fields={"all_versions": every})
    tell(answer, as_json)


def restore(dataset_id: DatasetId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """Bring a deleted version back from the trash."""
    with one_sentence():
        answer = ask("dataset-restore", data_dir, dataset_id=dataset_id)
    tell(answer, as_json)


def ask(
    kind: Kind,
    data_dir: Path | None,
    *,
    dataset_id: str = "",
    file: Path | None = None,
    fields: dict[str, Any] | None = None,
    on_progress: OnProgress = lambda _: None,
) -> Answer:
    with opened(data_dir) as studio:
        actor = studio.people.actor()
    who = {"actor_name": actor.name, "actor_email": actor.email}
    request = Request(kind=kind, dataset_id=dataset_id, file=file, fields=fields or {}, **who)
    return act(Home.locate(data_dir), request, on_progress)


def tell(answer: Answer, as_json: bool) -> None:
    if answer.error:
        fail(answer.error)
    if as_json:
        say_json({"dataset": answer.dataset_id, "said": answer.said})
    else:
        console.print(answer.said, markup=False, highlight=False, soft_wrap=True)
