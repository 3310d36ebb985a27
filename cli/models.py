"""`tunesmith models`: what the models pages show and do, on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import rich.progress
import rich.table
import typer

from cli.output import console, fail, one_sentence, say_json
from cli.reading import AsJson, opened
from cli.train import DataDir
from core.child import Progress
from core.handover import act
from core.home import Home
from core.inbox import Request
from core.models.admission import OnProgress
from core.models.custom import CustomModel
from core.models.downloads import NEWEST
from core.models.library import ModelInfo

models = typer.Typer(help="List, fetch, add and delete base models; list custom ones.", no_args_is_help=True)
GIB, BILLION = 1024**3, 10**9


@models.command()
def ls(
    custom: Annotated[
        bool, typer.Option("--custom", help="What jobs have made, and adapters that were brought.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """The base models on this machine, and what is on its way."""
    with one_sentence(), opened(data_dir) as studio:
        if custom:
            say_custom(studio.custom_models.all(), as_json)
            return
        found, coming = studio.models.all(), studio.downloads.all()
    if as_json:
        for info in found:
            say_json(_told(info))
        return
    table = _table("Provider", "Parameters", "Size", "Context", "Licence", "State")
    for info in found:
        table.add_row(
            info.id,
            info.provider,
            f"{info.parameters / BILLION:.2f} B",
            f"{info.bytes / GIB:.2f} GB" if info.bytes else "",
            f"{info.context_length:,}",
            info.licence,
            "ready" if info.ready else "not made yet",
        )
    console.print(table)
    for one in coming:
        share = f" at {100 * one.progress.done // one.progress.total} %" if one.progress.total else ""
        said = f"{one.name}: {one.state}{share}. Go on with: tunesmith models pull {one.name}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)


@models.command()
def search(
    words: Annotated[list[str], typer.Argument(help="What to look for.")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Search the Hugging Face Hub, or the mirror that HF_ENDPOINT names, for models with safetensors."""
    with one_sentence(), opened(data_dir) as studio:
        found = studio.model_search.find(" ".join(words))
    for one in found:
        if as_json:
            say_json({name: getattr(one, name) for name in one.__slots__})
            continue
        size = f"{one.parameters / BILLION:.2f} B" if one.parameters else "size unknown"
        gated = "  gated" if one.is_gated else ""
        said = f"{one.id}  {size}  {one.licence}  {one.downloads:,} downloads{gated}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)
    if not found and not as_json:
        console.print("The hub has no model of that name.")


@models.command()
def pull(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="As on the hub.")],
    revision: Annotated[str, typer.Option(help="A branch, tag or commit.")] = NEWEST,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Fetch a model from the hub. After a cut, or Ctrl-C, the same command goes on where it was."""
    with one_sentence(), opened(data_dir) as studio, progress_bar(as_json) as on_progress:
        model_id = studio.downloads.fetch(name, revision, on_progress)
    say_added(model_id, as_json)


@models.command()
def add(
    what: Annotated[str, typer.Argument(metavar="FOLDER|OWNER/NAME", help="A folder; with --from-cache a name.")],
    from_cache: Annotated[
        bool, typer.Option("--from-cache", help="From the Hugging Face cache of this machine.")
    ] = False,
    base: Annotated[str, typer.Option(help="An adapter's base model, where it does not name one of the library.")] = "",
    name: Annotated[str, typer.Option(help="An adapter's name; else the folder's.")] = "",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the files instead of linking them.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Add a model, or a LoRA adapter as PEFT saves it, that is on this machine already. Needs no network."""
    is_adapter = False
    with one_sentence(), opened(data_dir) as studio, progress_bar(as_json) as on_progress:
        if from_cache:
            model_id = studio.hub_cache.add(what, on_progress=on_progress)
        else:
            actor = studio.people.actor()
            added = studio.model_arrivals.add(
                Path(what).absolute(), actor=actor, name=name, base=base, copy=copy, on_progress=on_progress
            )
            model_id, is_adapter = added.id, added.is_adapter
    if is_adapter and not as_json:
        said = (
            f"{model_id} is among the custom models. Go on from it with: tunesmith train FILE --start-from {model_id}"
        )
        console.print(said, markup=False, highlight=False, soft_wrap=True)
        return
    say_added(model_id, as_json)


@models.command()
def cache(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """The models in the Hugging Face cache of this machine."""
    with one_sentence(), opened(data_dir) as studio:
        found = studio.hub_cache.all()
    for one in found:
        if as_json:
            say_json({"name": one.name, "revision": one.revision, "bytes": one.bytes, "problem": one.problem})
        else:
            said = one.problem or f"{one.name}  {one.bytes / GIB:.2f} GB"
            console.print(said, markup=False, highlight=False, soft_wrap=True)
    if not found and not as_json:
        console.print(f"There is no model in {studio.hub_cache.place}.", markup=False, highlight=False, soft_wrap=True)


@models.command()
def rm(
    model_id: Annotated[str, typer.Argument(metavar="ID", help="As `tunesmith models ls` shows it.")],
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Delete a model that no unfinished job and no deployment uses. It stays in the trash for a week."""
    with one_sentence():
        with opened(data_dir) as studio:
            actor = studio.people.actor()
        who = {"actor_name": actor.name, "actor_email": actor.email}
        answer = act(Home.locate(data_dir), Request(kind="model-delete", model_id=model_id, **who))
        if answer.error:
            fail(answer.error)
    if as_json:
        say_json({"model": model_id, "said": answer.said})
    else:
        console.print(answer.said, markup=False, highlight=False, soft_wrap=True)


def say_added(model_id: str, as_json: bool) -> None:
    if as_json:
        say_json({"model": model_id})
    else:
        said = f"{model_id} is in the library. Train it with: tunesmith train FILE --set model={model_id}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(as_json: bool) -> Iterator[OnProgress]:
    """Gone when the work is done."""
    if as_json or not console.is_terminal:
        yield lambda _: None
        return
    columns = (
        rich.progress.TextColumn("{task.description}"),
        rich.progress.BarColumn(),
        rich.progress.DownloadColumn(),
        rich.progress.TransferSpeedColumn(),
        rich.progress.TimeRemainingColumn(),
    )
    with rich.progress.Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Asking the hub", total=None)

        def show(now: Progress) -> None:
            bar.update(task, completed=now.done, total=now.total or None, description=now.phase)

        yield show


def say_custom(found: list[CustomModel], as_json: bool) -> None:
    if as_json:
        for one in found:
            say_json({name: getattr(one, name) for name in one.__slots__})
        return
    table = _table("Name", "Base", "Method", "Eval loss", "Tags")
    for one in found:
        loss = "" if one.eval_loss is None else f"{one.eval_loss:.4f}"
        table.add_row(one.id, one.name, one.base_name, one.method, loss, ", ".join(one.tags))
    console.print(table)


def _table(*columns: str) -> rich.table.Table:
    """The ids are whole however narrow the terminal is: the other commands take them."""
    table = rich.table.Table()
    table.add_column("Model", no_wrap=True)
    for column in columns:
        table.add_column(column)
    return table


def _told(info: ModelInfo) -> dict[str, object]:
    return {name: getattr(info, name) for name in info.__slots__}
