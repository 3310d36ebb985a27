"""`tunesmith train --dry-run`: what would run, what it would take, and what would make it fit. Starts nothing."""

from pathlib import Path
from typing import Any

from cli.output import console, say_json
from cli.reading import opened
from core.errors import BadInput
from core.estimate.ladder import Rung
from core.estimate.outlook import Outlook
from core.handover import act
from core.home import Home
from core.inbox import Request
from storage.spec import RunSpec

GB = 1024**3


def say_outlook(data_dir: Path | None, file: Path | None, asked: dict[str, Any], as_json: bool) -> None:
    """FILE becomes a dataset of the studio, as it would for a job. Raises BadInput where nothing could run."""
    if file is not None:
        asked["dataset"] = _taken_in(data_dir, file)
    with opened(data_dir) as studio:
        run = studio.runs.preview(studio.clerk.spec_of(asked), actor=studio.people.actor())
        outlook, rungs = studio.runs.outlook(run)
        free_disk_bytes = studio.predictions.free_disk_bytes()
    if as_json:
        _say_json(run, outlook, rungs, free_disk_bytes)
    else:
        _say(run, outlook, rungs, free_disk_bytes)


def _taken_in(data_dir: Path | None, file: Path) -> str:
    with opened(data_dir) as studio:
        actor = studio.people.actor()
    request = Request(kind="dataset-add", actor_name=actor.name, actor_email=actor.email, file=file.absolute())
    answer = act(Home.locate(data_dir), request)
    if answer.error:
        raise BadInput(answer.error)
    return answer.dataset_id


def _say(run: RunSpec, outlook: Outlook, rungs: tuple[Rung, ...], free_disk_bytes: int) -> None:
    def line(text: str, style: str = "") -> None:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)

    for change in run.changes:
        line(f"{change.field}: {change.asked} → {change.runs} ({change.reason})", "dim")
    line(
        f"Memory: about {outlook.needed_bytes / GB:.1f} GB of {outlook.room.free_bytes / GB:.1f} GB that are free: "
        f"{outlook.verdict.value} ({outlook.basis})"
    )
    for part in outlook.memory.parts:
        line(f"  {part.name:<22}{part.size_bytes / GB:7.2f} GB", "dim")
    line(
        f"Time: about {outlook.seconds / 60:,.0f} min at {outlook.tokens_per_second:,.0f} tokens a second "
        f"({outlook.basis})"
    )
    line(f"Disk: at most {outlook.disk_bytes / GB:.2f} GB of {free_disk_bytes / GB:.1f} GB that are free")
    line(f"Trained weights: {outlook.trainable_parameters:,}")
    for rung in rungs:
        line(
            f"To take less: --set {rung.field}={str(rung.value).lower()}  "
            f"({rung.memory_bytes / GB:.1f} GB, {rung.verdict.value}; costs {rung.costs})"
        )
    line("Nothing was started.", "dim")


def _say_json(run: RunSpec, outlook: Outlook, rungs: tuple[Rung, ...], free_disk_bytes: int) -> None:
    for change in run.changes:
        say_json({"type": "change", **change.model_dump()})
    say_json(
        {
            "type": "estimate",
            "verdict": outlook.verdict.value,
            "basis": outlook.basis,
            "needed_bytes": outlook.needed_bytes,
            "free_bytes": outlook.room.free_bytes,
            "parts": {part.key: part.size_bytes for part in outlook.memory.parts},
            "seconds": outlook.seconds,
            "tokens_per_second": outlook.tokens_per_second,
            "disk_bytes": outlook.disk_bytes,
            "free_disk_bytes": free_disk_bytes,
            "trainable_parameters": outlook.trainable_parameters,
            "to_take_less": [
                {"set": {rung.field: rung.value}, "needed_bytes": rung.memory_bytes, "verdict": rung.verdict.value}
                for rung in rungs
            ],
        }
    )
