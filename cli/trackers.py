"""`tunesmith trackers | secrets`: where metrics are sent as well, and the keys for that."""

import sys
from typing import Annotated

import rich.table
import typer

from cli.output import console, one_sentence, say_json
from cli.train import DataDir
from core.errors import BadInput
from core.home import Home
from core.tracking import TITLES, Tracking
from core.vault import NAMES
from storage.trackers import Tracker, TrackerSettings

trackers = typer.Typer(
    help="Weights & Biases, TensorBoard, MLflow and trackio: settings of this installation.", no_args_is_help=True
)
secrets = typer.Typer(help=f"Keys of other services, encrypted at rest: {', '.join(NAMES)}.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


def _tracking(data_dir: DataDir) -> Tracking:
    home = Home.locate(data_dir)
    home.prepare()
    return Tracking(home.path)


@trackers.command("ls")
def show(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """What each tracker needs here, and the settings."""
    with one_sentence():
        tracking = _tracking(data_dir)
        settings, hints = tracking.settings().model_dump(), {known: tracking.hint(known) for known in Tracker}
        if as_json:
            say_json({"settings": settings, "needs": {known.value: hint for known, hint in hints.items()}})
            return
        table = rich.table.Table("Setting", "Value", "")
        for name, value in settings.items():
            table.add_row(name, str(value) or "(empty)", TrackerSettings.model_fields[name].description)
        console.print(table)
        for known, hint in hints.items():
            console.print(f"{TITLES[known]}: {hint or 'ready.'}", markup=False, highlight=False)


@trackers.command("set")
def change(
    settings: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…", help="e.g. wandb_project=support")],
    data_dir: DataDir = None,
) -> None:
    """Change settings; runs that have not started yet use them."""
    with one_sentence():
        if wrong := next((setting for setting in settings if "=" not in setting), None):
            raise BadInput(f"“{wrong[:80]}” has no “=”; write it as wandb_project=support.")
        news = {name: value for name, _, value in (setting.partition("=") for setting in settings)}
        _tracking(data_dir).change(news)


@secrets.command("set")
def put(
    name: Annotated[str, typer.Argument(help=" | ".join(NAMES))],
    data_dir: DataDir = None,
) -> None:
    """Store a key: asked for without echo, or read from a pipe. Never from the command line, where others see it."""
    with one_sentence():
        value = typer.prompt(f"Key for {name}", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
        _tracking(data_dir).vault.put(name, value)
        console.print(f"The key for {name} is stored, encrypted.", markup=False, highlight=False)


@secrets.command("ls")
def names(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """The names of the keys that are stored; none is ever shown."""
    with one_sentence():
        for name in _tracking(data_dir).vault.names():
            if as_json:
                say_json({"name": name})
            else:
                console.print(name, markup=False, highlight=False)


@secrets.command("rm")
def remove(name: str, data_dir: DataDir = None) -> None:
    """Forget a key."""
    with one_sentence():
        _tracking(data_dir).vault.remove(name)
