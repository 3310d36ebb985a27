"""The jobs list: searched, filtered and paged on the server; its whole state is in the address."""

import asyncio
from dataclasses import dataclass, replace
from functools import partial

from nicegui import background_tasks, ui

from core.actions import Action
from core.studio import Studio
from storage.jobs import Page, Query
from storage.spec import Objective
from storage.status import Status
from storage.tables import Job
from ui import routes
from ui.components.button import Button
from ui.components.empty_state import empty_state
from ui.components.job_actions import do, do_in_queue, do_pin
from ui.components.job_commands import ask_cancel, ask_cancel_all, ask_delete
from ui.components.job_table import JobTable
from ui.components.method_modal import method_modal
from ui.components.quantity import counted
from ui.components.selection_bar import SelectionBar
from ui.components.text import Text, aria, box, icon, link
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.texts import said, say
from ui.threads import in_thread

REFRESH_S = 1.0
STATUSES = {"": "All", **{s.value: s.value.title() for s in (
    Status.RUNNING, Status.COMPLETED, Status.FAILED, Status.QUEUED, Status.PAUSED, Status.CANCELLED
)}}  # fmt: skip
TEACHING = {
    Objective.SFT: (
        "Teach a model with your own examples",
        "A fine-tuning job shows a base model labeled examples (input → output pairs) until it answers in your way. "
        "The starter model and dataset are on this machine: the first job takes a few minutes.",
    ),
    Objective.DPO: (
        "Teach a model what people prefer",
        "A preference job shows a base model two answers to each question, the preferred and the rejected one, until "
        "it answers more like the first.",
    ),
    Objective.RFT: (
        "Teach a model by scoring its answers",
        "A reinforcement job lets a base model answer each prompt several times; a grader scores the answers, and what "
        "scores better becomes likelier.",
    ),
}


def register(studio: Studio, signals: Signals) -> None:
    @ui.page(routes.JOBS)
    async def jobs_page(type: str = "supervised", status: str = "", q: str = "", page: str = "1") -> None:
        query = _query(type, status, q, page)
        # Queried before the table is built: a table that is filled later echoes its empty state back.
        found = await in_thread(_look, studio, query)
        async with frame(studio, "Fine-Tuning Jobs"):
            _head(query.objective)
            _tabs(query.objective)
            view = JobsView(studio, query, found)
            signals.jobs.subscribe(view.on_job)


@dataclass(frozen=True, slots=True)
class Found:
    """`pinned` stand on the first page before all others, wherever their place would be."""

    page: Page
    reasons: dict[str, str]
    pinned: tuple[Job, ...] = ()

    def rows(self, query: Query) -> tuple[Job, ...]:
        pinned = {job.id for job in self.pinned}
        others = tuple(job for job in self.page.rows if job.id not in pinned)
        return (*self.pinned, *others) if query.page == 1 else self.page.rows


def _look(studio: Studio, query: Query) -> Found:
    """The rows, and for those that wait, why."""
    page, pinned = studio.runs.search(query), studio.pins.found(query)
    waits = any(job.status is Status.QUEUED for job in (*page.rows, *pinned))
    return Found(page, studio.queue.reasons() if waits else {}, pinned)


class JobsView:
    def __init__(self, studio: Studio, query: Query, found: Found) -> None:
        self._studio = studio
        self._query = query
        self._explained: Query | None = None
        self._jobs = ""
        self._task = f"jobs page {ui.context.client.id}"
        self._filters()
        self._selection = SelectionBar(studio, self._choose_none)
        self._table = JobTable(
            found.rows(query),
            found.reasons,
            [job.id for job in found.pinned],
            on_action=self._act,
            on_queue=partial(do_in_queue, studio),
            on_pin=partial(do_pin, studio),
            on_select=self._selection.show,
        )
        self._nothing = box("ts-stretch")
        with box("ts-pager", "nav", label="Pages") as self._pager:
            self._range = Text("span", "", "ts-muted").props("role=status").mark("range")
            self._previous = Button("Previous", lambda: self._turn(-1))
            self._next = Button("Next", lambda: self._turn(1))
        self._show(found)

    def on_job(self, _job_id: str) -> None:
        """At most one look per second, however fast jobs change; only changed rows are sent."""
        background_tasks.create_lazy(self._refresh(), name=self._task)

    def _filters(self) -> None:
        with box("ts-filters"):
            search = ui.input(
                placeholder=say("Search by id, name, dataset, or created by"),
                value=self._query.search,
                on_change=lambda event: self._filter(search=event.value or ""),
            )
            search.props("outlined dense clearable debounce=250 type=search").classes("ts-input ts-search").mark(
                "search"
            )
            search.props["aria-label"] = say("Search by id, name, dataset, or created by")
            with search.add_slot("prepend"):
                icon("search")
            chosen = ui.select(
                said(STATUSES),
                value=self._query.status or "",
                on_change=lambda event: self._filter(status=Status(event.value) if event.value else None),
            )
            chosen.props("outlined dense options-dense popup-content-class=ts-menu").props(aria("Status"))
            chosen.classes("ts-input ts-status-filter").mark("status")
            chosen.props["prefix"] = say("Status:")
            self._cancel_all = Button("Cancel all", self._ask_cancel_all, icon="stop").mark("cancel-all")

    async def _filter(self, **changes: str | Status | None) -> None:
        self._query = replace(self._query, **changes, page=1)  # type: ignore[arg-type]
        self._choose_none()  # what is out of sight is not to be deleted by surprise
        await self._load()

    async def _turn(self, pages: int) -> None:
        self._query = replace(self._query, page=self._query.page + pages)
        await self._load()

    async def _load(self) -> None:
        query = self._query
        ui.navigate.history.replace(_address(query))
        found = await in_thread(_look, self._studio, query)
        if query == self._query:  # a slow answer to an older question is dropped
            self._show(found)

    async def _refresh(self) -> None:
        query = self._query
        found = await in_thread(_look, self._studio, query)
        if query == self._query:
            self._show(found)
        await self._forget_deleted()
        await asyncio.sleep(REFRESH_S)

    def _choose_none(self) -> None:
        self._table.choose(())
        self._selection.show(())

    async def _forget_deleted(self) -> None:
        chosen = self._table.selected
        known = await in_thread(lambda: {job_id for job_id in chosen if self._studio.runs.is_known(job_id)})
        if len(known) < len(chosen):
            self._table.choose(known)
            self._selection.show(self._table.selected)

    def _show(self, looked: Found) -> None:
        found = looked.page
        first = self._query.offset
        count = say("{total:,} and more", total=found.total) if found.more else f"{found.total:,}"
        self._jobs = say("{count} jobs", count=count) if found.more else counted(found.total, "jobs")
        self._table.show(looked.rows(self._query), looked.reasons, [job.id for job in looked.pinned])
        self._range.text = (
            say("{first:,}–{last:,} of {total}", first=first + 1, last=first + len(found.rows), total=count)
            if found.rows
            else ""
        )
        self._cancel_all.visible = bool(found.rows) and self._query.status in (Status.QUEUED, Status.RUNNING)
        self._pager.visible = found.total > self._query.page_size
        self._previous.set_enabled(self._query.page > 1)
        self._next.set_enabled(first + len(found.rows) < found.total)
        self._nothing.visible = not found.rows
        if not found.rows and self._explained != self._query:
            self._explain_nothing()

    def _explain_nothing(self) -> None:
        self._explained = self._query
        self._nothing.clear()
        with self._nothing:
            if self._query == Query(objective=self._query.objective):
                _teach(self._query.objective)
            else:
                with empty_state("No jobs match", "Try other words or another status.", symbol="search"):
                    link("Clear the filters", routes.jobs(), "ts-button ts-secondary ts-button-link")

    def _ask_cancel_all(self) -> None:
        ask_cancel_all(self._studio, self._query, self._jobs)

    async def _act(self, action: Action, job_id: str) -> None:
        if action is Action.CANCEL:
            ask_cancel(self._studio, job_id)
        elif action is Action.DELETE:
            ask_delete(self._studio, job_id)
        else:
            await do(self._studio, action, job_id)


def _query(kind: str, status: str, words: str, page: str) -> Query:
    """Whatever stands in the address becomes a valid query."""
    objectives = {name: objective for objective, name in routes.TYPES.items()}
    return Query(
        objective=objectives.get(kind, Objective.SFT),
        search=words[:200],
        status=Status(status) if status in set(Status) else None,
        page=min(max(int(page), 1), 1_000_000) if page.isascii() and page.isdecimal() else 1,
    )


def _address(query: Query) -> str:
    return routes.jobs(
        routes.TYPES[query.objective],
        status=query.status or "",
        q=query.search,
        page=str(query.page) if query.page > 1 else "",
    )


def _head(objective: Objective) -> None:
    modal = method_modal(objective)
    with box("ts-page-head"):
        page_head("Fine-Tuning Jobs", "View your past fine-tuning jobs and create new ones.")
        Button("Fine-tune a Model", modal.open, kind="primary", icon="plus").mark("new-job")


def _tabs(current: Objective) -> None:
    with box("ts-tabs", "nav", label="Kind of fine-tuning"):
        for objective, name in routes.TYPES.items():
            tab = link(name.title(), routes.jobs(name), "ts-tab")
            if objective is current:
                tab.props("aria-current=page")


def _teach(objective: Objective) -> None:
    modal = method_modal(objective)
    with empty_state(*TEACHING[objective]):
        Button("Fine-tune a Model", modal.open, kind="primary", icon="plus")
