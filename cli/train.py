"""`tunesmith train`: the same spec through the same core as the page, with a progress bar."""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from cli.follow import follow, say_changes
from cli.outlook import say_outlook
from cli.output import console, one_sentence
from core.errors import BadInput, Taken
from core.feed import FeedUpdate
from core.home import Home
from core.inbox import Inbox, Request
from core.models.starter import STARTER_ID
from core.studio import Studio
from storage.status import Status
from storage.tables import Job

DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Data folder (default: TUNESMITH_HOME, else the platform's own).")
]

#: The starter model is made by the studio; nothing tells another process when it is done.
ASK_AGAIN_S = 1.0


def train(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Labelled examples (chat JSONL, Alpaca JSON, prompt/completion) or, for dpo, pairs of answers."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Base model (default: the starter model).")] = None,
    objective: Annotated[str | None, typer.Option(help="sft | dpo | rft (default: sft).")] = None,
    method: Annotated[str | None, typer.Option(help="lora | qlora | prefix | adapter | full (default: lora).")] = None,
    start_from: Annotated[
        str | None,
        typer.Option(metavar="JOB[@STEP]", help="Begin with a job's output, or its checkpoint; its model and method."),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="How often every example is seen.")] = None,
    devices: Annotated[int | None, typer.Option(help="How many GPUs of this machine share each step.")] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any field of the spec, e.g. hyperparameters.seed=7."),
    ] = None,
    sample_prompt: Annotated[
        list[str] | None, typer.Option(help="A prompt to answer before the first step and at each checkpoint; repeat.")
    ] = None,
    chat_template: Annotated[
        Path | None, typer.Option(help="File with a Jinja template in the place of the model's own.")
    ] = None,
    tracker: Annotated[
        list[str] | None, typer.Option(help="wandb | tensorboard | mlflow | trackio; repeat for several.")
    ] = None,
    spec: Annotated[Path | None, typer.Option(help="YAML file with fields of the spec; options win over it.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and start nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line instead of a progress bar.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Fine-tune a model on FILE and wait until it is done."""
    with one_sentence():
        extras = extras_of(sample_prompt, chat_template, tracker)
        named = {"objective": objective, "model": model, "start_from": start_from, "devices": devices}
        asked = asked_by(spec, method, epochs, named | extras, settings or [])
        if file is None and "dataset" not in asked:
            raise BadInput("Nothing to train on: name a FILE of labelled examples, or a dataset with --set dataset=ID.")
        if dry_run:
            say_outlook(data_dir, file, asked, as_json)
            return
        status = asyncio.run(_train(Home.locate(data_dir), file, asked, as_json))
    raise typer.Exit(0 if status is Status.COMPLETED else 1)


async def _train(home: Home, file: Path | None, asked: dict[str, Any], as_json: bool) -> Status:
    """Serve the folder ourselves for as long as the run takes, or ask the studio that serves it."""
    updates: asyncio.Queue[FeedUpdate] = asyncio.Queue()
    studio = Studio(home, publish=updates.put_nowait)
    try:
        await asyncio.to_thread(studio.start)
    except Taken:
        job_id = await asyncio.to_thread(_hand_over, home, studio, file, asked, as_json)
        if job_id is None:  # nobody serves it any more
            return await _train(home, file, asked, as_json)
        leave = studio.close
    else:
        job_id, leave = "", studio.stop
    feeding = asyncio.create_task(studio.feed.run())
    try:
        job_id = job_id or (await asyncio.to_thread(_submit, studio, file, asked, as_json)).id
        say_changes(studio, job_id, as_json)
        return await follow(studio, job_id, updates, as_json)
    finally:
        feeding.cancel()
        await asyncio.to_thread(leave)


def _submit(studio: Studio, file: Path | None, asked: dict[str, Any], as_json: bool) -> Job:
    actor = studio.people.actor()
    if file is not None:
        asked["dataset"] = studio.datasets.add(file, name=None, actor=actor).id
    if studio.clerk.spec_of(asked).model == STARTER_ID:
        _wait_for_starter(studio, as_json)
    return studio.clerk.submit(None, asked, actor)


def _hand_over(home: Home, studio: Studio, file: Path | None, asked: dict[str, Any], as_json: bool) -> str | None:
    """Let the studio that serves the folder take the job in; we only watch it. None where it has gone meanwhile."""
    studio.open()
    actor = studio.people.actor()
    request = Request(
        kind="submit",
        actor_name=actor.name,
        actor_email=actor.email,
        file=file.absolute() if file else None,
        fields=asked,
    )
    said = ""
    while (answer := Inbox(home).ask(request)) is not None and answer.wait:
        if answer.error != said and not as_json:
            console.print(answer.error, style="dim", markup=False)
        said = answer.error
        time.sleep(ASK_AGAIN_S)
    if answer is None:
        return None
    if answer.error:
        raise BadInput(answer.error)
    if not as_json:
        console.print(f"The studio that serves {home.path} runs it as {answer.job_id}.", style="dim", markup=False)
    return answer.job_id


def _wait_for_starter(studio: Studio, as_json: bool) -> None:
    studio.models.starter.prepare()
    said = ""
    while (state := studio.models.starter.wait(timeout_s=0.5)).kind == "preparing":
        line = f"Starter model: {state.detail} ({state.done} of {state.total})"
        if line != said and not as_json:
            console.print(line, style="dim", markup=False)
        said = line
    if state.kind != "ready":
        raise BadInput(state.detail)


def asked_by(
    file: Path | None,
    method: str | None,
    epochs: int | None,
    named: dict[str, Any],
    settings: list[str],
) -> dict[str, Any]:
    """The fields of the spec, as a file and options say them. Raises BadInput."""
    asked = {"objective": "sft"} | _fields(file)
    asked |= {name: value for name, value in named.items() if value is not None}
    _choose_method(asked, method)
    if epochs is not None:
        asked.setdefault("hyperparameters", {})["epochs"] = epochs
    for setting in settings:
        _set(asked, setting)
    return asked


def _fields(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadInput(f"The spec {path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise BadInput(f"The spec {path} holds no fields; write them as “name: value” lines.")
    return content


def extras_of(prompts: list[str] | None, template: Path | None, trackers: list[str] | None) -> dict[str, Any]:
    """Fields that have an option of their own, as far as they were given."""
    found: dict[str, Any] = {"sample_prompts": prompts or None, "trackers": trackers or None}
    if template is not None:
        try:
            found["chat_template"] = template.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"The chat template {template} cannot be read: {error}.") from error
    return found


def _choose_method(asked: dict[str, Any], method: str | None) -> None:
    """Of a spec's file, the parameters of the same method stay; a job that is gone on from brings its own."""
    given = asked.get("method")
    if method and not (isinstance(given, dict) and given.get("kind") == method):
        asked["method"] = {"kind": method}
    elif not method and given is None and not asked.get("start_from"):
        asked["method"] = {"kind": "lora"}


def _set(asked: dict[str, Any], setting: str) -> None:
    name, equals, value = setting.partition("=")
    if not equals:
        raise BadInput(f"--set {setting} has no “=”; write it as --set hyperparameters.seed=7.")
    *parents, leaf = name.split(".")
    place = asked
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise BadInput(f"--set {name}: “{parent}” is a value, not a group of fields.")
    place[leaf] = yaml.safe_load(value)
