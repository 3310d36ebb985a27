"""`tunesmith doctor` on a terminal."""

import dataclasses
from typing import Annotated

import typer

from cli.output import console, say_json
from cli.train import DataDir
from core.doctor import examine
from core.home import Home

MARKS = {"ok": ("✓", "green"), "note": ("•", "yellow"), "problem": ("✗", "red")}


def doctor(as_json: Annotated[bool, typer.Option("--json")] = False, data_dir: DataDir = None) -> None:
    """Versions, disk, GPU, model store: what is wrong and how to mend it. Exits 1 on a problem."""
    findings = examine(Home.locate(data_dir))
    for finding in findings:
        if as_json:
            say_json(dataclasses.asdict(finding))
            continue
        mark, style = MARKS[finding.verdict]
        mend = f" → {finding.mend}" if finding.mend else ""
        console.print(f"{mark} {finding.what}{mend}", style=style, markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(any(finding.verdict == "problem" for finding in findings))
