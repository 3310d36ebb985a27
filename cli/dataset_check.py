"""`tunesmith datasets check`: the doctor, for a file that is not imported. What it makes on the way goes again."""

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from cli.dataset_report import say_closer_look, say_report, say_tokens
from cli.output import one_sentence
from cli.reading import AsJson, Delimiter, Encoding, Format, opened, options, progress_bar
from cli.train import DataDir
from core.checks.report import Report
from core.datasets.closer import CloserLook
from core.datasets.importing import Import
from core.datasets.tokens import Examination
from core.errors import BadInput
from storage.rows import ROWS
from storage.spec import DatasetRef


def check(
    file: Annotated[Path, typer.Argument(help="JSONL, JSON, CSV or Parquet.")],
    model: Annotated[str, typer.Option(help="Count tokens with this model's tokenizer and chat template too.")] = "",
    context: Annotated[int, typer.Option(min=0, help="Tokens a row may have; 0 = as many as the model reads.")] = 0,
    deep: Annotated[bool, typer.Option("--deep", help="Near-duplicates, personal data and secrets too.")] = False,
    row_format: Format = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    limit: Annotated[int, typer.Option(min=0, help="So many findings are listed; 0 lists all.")] = 50,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """What the doctor says of FILE, without keeping it. Exits 1 where a job would refuse it."""
    with one_sentence(), tempfile.TemporaryDirectory(prefix="tunesmith-check-") as folder:
        if not file.is_file():
            raise BadInput(f"There is no file {file}. Check the path and try again.")
        version = Path(folder) / "version"
        version.mkdir()
        with progress_bar(as_json) as on_progress:
            report = Import(file, version, options(row_format, encoding, delimiter), on_progress).wait()
        say_report(report, version, limit, as_json)
        if deep:
            say_closer_look(CloserLook(version), limit, as_json)
        refused = bool(report.errors)
        if model:
            counted = _examination(file, report, version, model, context, data_dir)
            say_tokens(counted, limit, as_json)
            refused = refused or bool(counted.result().objection())
    raise typer.Exit(1 if refused else 0)


def _examination(
    file: Path, report: Report, version: Path, model: str, context: int, data_dir: Path | None
) -> Examination:
    with opened(data_dir) as studio:
        chosen = studio.models.get(model)
    dataset = DatasetRef(
        id="checked",
        name=file.name,
        path=str(version / ROWS),
        sha256=report.sha256,
        format=report.format,
        kind=report.kind,
        rows=report.rows,
        tokens_estimate=report.characters // 4,
    )
    return Examination(dataset, chosen, context or chosen.context_length, version / "cache")
