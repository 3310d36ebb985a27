"""`tunesmith datasets`: what the datasets pages show and do, on a terminal. Changes go through `core.handover`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import conversations, dataset_commands
from cli.dataset_check import check
from cli.dataset_report import say_report, say_table
from cli.output import console, one_sentence, say_json
from cli.reading import AsJson, DatasetId, opened
from cli.train import DataDir
from core.checks.report import Report
from core.datasets import export as exports
from storage.datasets import DatasetQuery

datasets = typer.Typer(help="Add, check, list, show, mend, export and delete datasets.", no_args_is_help=True)
dataset_commands.register(datasets)
datasets.command()(check)
datasets.command("import-conversations")(conversations.import_conversations)


@datasets.command()
def ls(
    search: Annotated[str, typer.Option(help="Words in name, description, tags, file name or id.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 25,
    every: Annotated[bool, typer.Option("--all-versions", help="Not only the newest of each.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """The newest datasets first."""
    with one_sentence(), opened(data_dir) as studio:
        actor = studio.people.actor()
        found = list(studio.datasets.search(DatasetQuery(search=search, page_size=limit), actor=actor).rows)
        if every:
            families = [studio.datasets.versions(row.id, actor=actor) for row in found]
            found = [row for family in families for row in family][:limit]
    if as_json:
        for row in found:
            say_json(row.model_dump(mode="json"))
    elif found:
        say_table(found)
    else:
        console.print("No datasets. Add one with: tunesmith datasets add FILE")


@datasets.command()
def show(dataset_id: DatasetId, as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """What a version holds, what was found in it, its other versions, and the jobs that used it."""
    with one_sentence(), opened(data_dir) as studio:
        actor = studio.people.actor()
        row = studio.datasets.get(dataset_id, actor=actor)
        report = studio.datasets.report(row.id, actor=actor)
        versions = studio.datasets.versions(row.id, actor=actor)
        jobs = studio.datasets.used_by(row.id, actor=actor)
        folder = studio.datasets.folder(row.id)
    if as_json:
        about = {"versions": [version.id for version in versions], "jobs": [job.id for job in jobs]}
        say_json(row.model_dump(mode="json") | about | {"codes": _codes(report)})
        return
    say_table(versions)
    say_report(report, folder, 10, False)
    for job in jobs:
        console.print(f"Used by {job.id}: {job.title}, {job.status.value}", markup=False, highlight=False)


@datasets.command()
def export(
    dataset_id: DatasetId,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="A file; else standard output.")] = None,
    form: Annotated[str, typer.Option("--format", help=" | ".join(exports.EXPORTS))] = "tunesmith",
    data_dir: DataDir = None,
) -> None:
    """The rows as JSONL, in our own form or another one."""
    with one_sentence(), opened(data_dir) as studio:
        actor = studio.people.actor()
        row = studio.datasets.get(dataset_id, actor=actor)
        rows = studio.datasets.rows(row.id, actor=actor)
        if output is None:
            for line in exports.lines(rows, row.kind, form):
                sys.stdout.buffer.write(line)
            sys.stdout.flush()
            return
        count = exports.write(rows, row.kind, form, output)
        console.print(f"{count:,} rows are in {output}.", markup=False, highlight=False, soft_wrap=True)


@datasets.command()
def hub(
    words: Annotated[list[str] | None, typer.Argument(help="What to look for.")] = None,
    files: Annotated[str, typer.Option(metavar="OWNER/NAME", help="List this dataset's files instead.")] = "",
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Search the Hugging Face Hub, or the mirror that HF_ENDPOINT names."""
    with one_sentence(), opened(data_dir) as studio:
        if files:
            told = [
                {"url": f"hf://datasets/{files}/{file.path}", "bytes": file.bytes} for file in studio.hub.files(files)
            ]
        else:
            found = studio.hub.search(" ".join(words or ()))
            told = [{"id": one.id, "downloads": one.downloads, "gated": one.is_gated} for one in found]
    for entry in told:
        if as_json:
            say_json(entry)
        else:
            console.print(*entry.values(), sep="  ", markup=False, highlight=False, soft_wrap=True)


def _codes(report: Report) -> dict[str, int]:
    return {code: found.count for code, found in report.codes.items()}
