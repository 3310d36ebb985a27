"""The top of the job page: name, id, state, progress, and what can be done with it."""

from functools import partial

from nicegui import ui

from core.actions import Action, offered
from core.studio import Studio
from storage.status import Status
from storage.tables import Job
from ui import routes
from ui.components.button import Button
from ui.components.confirm import confirm
from ui.components.copy_button import copyable
from ui.components.job_actions import do, do_in_queue
from ui.components.job_commands import ask_delete
from ui.components.job_deployments import DeployButton
from ui.components.job_progress import Progress, ProgressBar
from ui.components.menu_item import copy_item, menu_item
from ui.components.queue_menu import EVERY, Entry, queue_entries
from ui.components.status_pill import StatusPill
from ui.components.text import Text, box, heading
from ui.design import ACTIONS


class JobHead:
    def __init__(self, studio: Studio, job: Job, output_path: str) -> None:
        self._studio = studio
        self._job = job
        with box("ts-page-head"):
            with box("ts-page-head-text"):
                with box("ts-title-line"):
                    heading(job.title, 1)
                    self._pill = StatusPill(job.status)
                copyable(f"jobs/{job.id}", "job id")
            with box("ts-actions"):
                self._actions(job, output_path)
                self.deploy = DeployButton(studio, job)
        self._bar = ProgressBar()
        self._notice = Text("p", "", "ts-notice").props("role=status").mark("notice")

    def show(self, job: Job, progress: Progress, waits_because: str) -> None:
        self._job = job
        self._pill.show(job.status)
        self._bar.show(job, progress)
        self._notice.text = _notice(job, waits_because)
        self._notice.visible = bool(self._notice.text)
        possible_actions = offered(job)
        for action, item in self._items.items():
            item.visible = action in possible_actions
        possible = queue_entries(job)
        for entry, item in self._queue_items.items():
            item.visible = entry in possible

    def say_deleted(self) -> None:
        for item in self._items.values():
            item.visible = False
        self._notice.text = "This job was deleted. Its folder stays in the trash for a week."
        self._notice.visible = True

    def _actions(self, job: Job, output_path: str) -> None:
        dialog = confirm(
            "Cancel this job?",
            "Training stops after the step it is at. Checkpoints that are already on disk stay there.",
            yes="Cancel job",
            no="Keep running",
            on_yes=self._do_cancel,
        )
        with Button("Actions", icon="chevron-down").classes("ts-icon-right"), ui.menu().classes("ts-menu"):
            self._queue_items = {entry: self._queue_item(entry) for entry in EVERY}
            self._items = {action: self._item(action) for action in (Action.PAUSE, Action.RESUME, Action.RETRY)}
            self._items[Action.CANCEL] = menu_item(*ACTIONS[Action.CANCEL], dialog.open)
            menu_item("Clone", "clone", lambda: ui.navigate.to(routes.wizard(objective=job.objective, clone=job.id)))
            copy_item("Copy output path", output_path)
            delete = menu_item(*ACTIONS[Action.DELETE], self._ask_delete)
            self._items[Action.DELETE] = delete.mark("delete")

    def _ask_delete(self) -> None:
        ask_delete(self._studio, self._job.id, then=lambda: ui.navigate.to(routes.jobs()))

    async def _do_cancel(self) -> None:
        await do(self._studio, Action.CANCEL, self._job.id)

    def _queue_item(self, entry: Entry) -> ui.element:
        doing = partial(do_in_queue, self._studio, entry.ask, self._job.id)
        return menu_item(entry.text, entry.icon, doing).mark(f"queue-{entry.ask}")

    def _item(self, action: Action) -> ui.element:
        return menu_item(*ACTIONS[action], lambda: do(self._studio, action, self._job.id))


def _notice(job: Job, waits_because: str) -> str:
    if job.status is Status.QUEUED:
        return waits_because
    if job.status is Status.CANCELLING:
        return f"{job.message} {job.stage}".strip()
    if job.health:
        return job.health
    if job.status is Status.PAUSED and job.cause:
        return ""  # the failure card says it
    told = (Status.CANCELLED, Status.INTERRUPTED, Status.PAUSING, Status.PAUSED)
    return job.message if job.status in told else ""
