"""Which runs are compared: each with its colour, state and a way out, and a field that adds one more."""

from collections.abc import Sequence
from functools import partial

from nicegui import ui

from core.comparing import MOST
from storage.tables import Job
from ui import design, routes
from ui.components.button import Button
from ui.components.chart_view import ChartView
from ui.components.status_pill import StatusPill
from ui.components.text import box, link
from ui.texts import say


class ComparePicker:
    """Every change is another address."""

    def __init__(self, jobs: Sequence[Job], others: Sequence[Job], view: ChartView) -> None:
        self._ids = [job.id for job in jobs]
        self._view = view
        self._pills: dict[str, StatusPill] = {}
        with box("ts-runs"):
            for at, job in enumerate(jobs):
                self._run(at, job)
            self._field(others)

    def show(self, job: Job) -> None:
        self._pills[job.id].show(job.status)

    def _run(self, at: int, job: Job) -> None:
        with box("ts-run").mark(f"run-{job.id}"):
            box("ts-run-dot").style(f"background: {design.CHART_OTHERS[at]}").props("aria-hidden=true")
            link(job.title, routes.job(job.id, job.objective))
            self._pills[job.id] = StatusPill(job.status)
            leave = partial(self._go, [one for one in self._ids if one != job.id])
            Button(kind="ghost", icon="close", label=say("Leave {title} out", title=job.title), on_click=leave).mark(
                f"leave-{job.id}"
            )

    def _field(self, others: Sequence[Job]) -> None:
        if len(self._ids) >= MOST or not others:
            return
        choices = {job.id: f"{job.title} · {job.id}" for job in others}
        field = ui.select(choices, with_input=True, on_change=lambda event: self._go([*self._ids, event.value]))
        field.props("outlined dense options-dense popup-content-class=ts-menu hide-selected")
        field.props["aria-label"] = field.props["placeholder"] = say("Add a job")
        field.props["fill-input"] = True
        field.classes("ts-input ts-run-field").mark("add-job")

    def _go(self, ids: Sequence[str]) -> None:
        ui.navigate.to(routes.compare(ids, **self._view.query()))
