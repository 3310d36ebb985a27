"""How the command line speaks: rich on a terminal, one JSON object a line with --json, one sentence on failure."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import pydantic
import rich.console
import typer

from core.errors import StudioError, explain

console = rich.console.Console()
errors = rich.console.Console(stderr=True)

#: sysexits.h: the user's input was wrong / the folder is taken.
BAD_INPUT = 65


def say_json(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value, default=str, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def fail(sentence: str) -> NoReturn:
    errors.print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(BAD_INPUT)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Everything a user can do wrong ends as one sentence on stderr and a non-zero exit."""
    try:
        yield
    except StudioError as error:
        fail(str(error))
    except pydantic.ValidationError as error:
        fail(explain(error))
