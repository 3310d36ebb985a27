"""`tunesmith fields`: what `--set` and `--spec` understand."""

from typing import Annotated

import rich.table
import typer

from cli.output import console, say_json
from core.fields import fields as spec_fields


def fields(
    markdown: Annotated[bool, typer.Option("--markdown", help="As the table in docs/command-line.md.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Every field of the spec, with default, bounds and help."""
    table = rich.table.Table("Field", "Default", "Allowed", "")
    for field in spec_fields():
        if markdown:
            allowed, text = field.allowed.replace("|", "\\|"), field.help.replace("<", "&lt;")
            console.out(f"| `{field.name}` | {field.default} | {allowed} | {text} |", highlight=False)
        elif as_json:
            say_json({"name": field.name, "default": field.default, "allowed": field.allowed, "help": field.help})
        else:
            table.add_row(field.name, field.default, field.allowed, field.help)
    if not (markdown or as_json):
        console.print(table)
