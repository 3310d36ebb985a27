"""A job's checkpoints: when, how large, how good, and what can be done with each."""

from collections.abc import Callable
from functools import partial

from nicegui import ui

from core.checkpoints import Saved
from core.studio import Studio
from storage.retention import Checkpointing
from storage.tables import Job
from ui import routes
from ui.components.button import Button
from ui.components.clock import full_date, short_date, time_of_day
from ui.components.confirm import confirm
from ui.components.job_actions import do_with_checkpoint
from ui.components.menu_item import menu_item
from ui.components.quantity import size_of
from ui.components.spec_form import number
from ui.components.text import Text, box, heading
from ui.texts import say, word

#: The rest comes on request: who keeps every tenth step of many may have hundreds.
SHOWN = 8
COLOURS = {word("best"): "green", word("latest"): "blue", word("pinned"): "violet"}
HEADS = ("Step", "Written", "Size", "Evaluation", "Actions")


class JobCheckpoints:
    """`on_use(step)`: it is to be deployed."""

    def __init__(self, studio: Studio, job: Job, plan: Checkpointing, on_use: Callable[[int], None]) -> None:
        self._studio = studio
        self._job_id, self._objective, self._dataset_id = job.id, job.objective, job.dataset_id
        self._on_use = on_use
        self._shows_all = False
        self._saved: tuple[Saved, ...] = ()
        with box("ts-card", "section", label="Checkpoints"):
            heading("Checkpoints", 2)
            Text("p", in_words(plan), "ts-muted")
            self._list = box("ts-stretch ts-checkpoint-list")
        self._draw()

    def show(self, saved: tuple[Saved, ...]) -> None:
        """Sends the rows only where something in them has changed."""
        if saved != self._saved:
            self._saved = saved
            self._draw()

    def _draw(self) -> None:
        self._list.clear()
        with self._list:
            if not self._saved:
                Text("p", "None yet.", "ts-muted")
                return
            with box("ts-checkpoints", "table"):
                with box("", "thead"), box("", "tr"):
                    for head in HEADS:
                        Text("th", head).props("scope=col")
                with box("", "tbody"):
                    for saved in self._visible():
                        self._row(saved)
            if len(self._saved) > SHOWN:
                words = "Show fewer" if self._shows_all else say("Show all {count}", count=len(self._saved))
                Button(words, self._toggle, kind="ghost")

    def _visible(self) -> list[Saved]:
        return [one for at, one in enumerate(self._saved) if self._shows_all or at < SHOWN or one.badges]

    def _toggle(self) -> None:
        self._shows_all = not self._shows_all
        self._draw()

    def _row(self, saved: Saved) -> None:
        with box("", "tr").mark(f"checkpoint-{saved.step}"):
            with box("ts-checkpoint-step", "th").props("scope=row") as head:
                head.props["data-label"] = say("Step")
                Text("span", str(saved.step))
                for badge in saved.badges:
                    Text("span", badge, f"ts-badge ts-badge-{COLOURS[badge]}")
            written = f"{short_date(saved.at)}, {time_of_day(saved.at)}"
            _cell("Written", written).props["title"] = full_date(saved.at)
            _cell("Size", size_of(saved.bytes))
            _cell("Evaluation", saved.evaluation or "–")
            with box("ts-checkpoint-actions", "td"):
                self._actions(saved)

    def _actions(self, saved: Saved) -> None:
        checkpoints, at = self._studio.checkpoints, say("checkpoint of step {step}", step=saved.step)
        self._use(saved.step)
        away = routes.job_file(self._job_id, self._objective, f"checkpoints/{saved.step}.tar")
        download = Button(
            kind="ghost", icon="download", label=say("Download {what}", what=at), on_click=partial(ui.navigate.to, away)
        )
        download.mark(f"download-{saved.step}").props["title"] = say("Download as one file")
        doing, what = (checkpoints.unpin, "Unpin") if saved.is_pinned else (checkpoints.pin, "Pin")
        do = partial(do_with_checkpoint, self._studio, doing, self._job_id, saved.step)
        label = say("Unpin {checkpoint}" if saved.is_pinned else "Pin {checkpoint}", checkpoint=at)
        pin = Button(kind="ghost", icon="pin", label=label, on_click=do).mark(f"{what.lower()}-{saved.step}")
        pin.classes("ts-is-pinned" if saved.is_pinned else "").props["title"] = say(what)
        delete = Button(
            kind="ghost", icon="trash", label=say("Delete {what}", what=at), on_click=partial(self._ask_delete, saved)
        )
        delete.mark(f"delete-{saved.step}")
        if saved.stays:
            delete.disable()
            delete.props["title"] = say(saved.stays)

    def _use(self, step: int) -> None:
        start = f"{self._job_id}@{step}"
        wizard = routes.wizard(objective=self._objective, start=start, dataset=self._dataset_id)
        use = Button("Use this one", kind="ghost", icon="chevron-down").classes("ts-icon-right").mark(f"use-{step}")
        use.props["aria-label"] = say("Use this one: the checkpoint of step {step}", step=step)
        with use.props("aria-haspopup=menu"), ui.menu().classes("ts-menu"):
            menu_item("Deploy this one", "broadcast", partial(self._on_use, step)).mark(f"deploy-{step}")
            train_on = partial(ui.navigate.to, wizard)
            menu_item("Train on from this one", "play", train_on).mark(f"train-on-{step}")

    def _ask_delete(self, saved: Saved) -> None:
        async def delete() -> None:
            await do_with_checkpoint(self._studio, self._studio.checkpoints.delete, self._job_id, saved.step)

        newest = "The job then goes on from an earlier one, if it goes on. " if saved.is_latest else ""
        confirm(
            "Delete this checkpoint?",
            say(
                "The checkpoint of step {step} leaves the list. {newest}It stays in the trash for a week.",
                step=saved.step,
                newest=newest,
            ),
            yes="Delete checkpoint",
            no="Keep it",
            on_yes=delete,
        ).open()


def in_words(plan: Checkpointing) -> str:
    """When they are written, and which stay."""
    times = [say("every {minutes} minutes", minutes=number(plan.save_minutes))] if plan.save_minutes else []
    times += [
        say("every step | every {count:,} steps", count=steps) for steps in sorted({plan.save_steps, plan.every} - {0})
    ]
    kept = [say("the best {count}", count=plan.best)] if plan.best else []
    kept += [say("the latest {count}", count=plan.latest)]
    kept += [say("every step | every {count:,} steps", count=plan.every)] if plan.every else []
    return say(
        "Written {times}. Kept: {kept}.", times=_and(*times, "at each epoch’s end"), kept=_and(*kept, "pinned ones")
    )


def _and(*parts: str) -> str:
    if len(parts) == 1:
        return say(parts[0])
    return say("{parts} and {last}", parts=", ".join(parts[:-1]), last=say(parts[-1]))


def _cell(head: str, text: str) -> ui.element:
    cell = Text("td", text)
    cell.props["data-label"] = say(head)
    return cell
