"""The datasets list: by kind, searched and paged on the server; its whole state is in the address."""

from dataclasses import replace

from nicegui import ui

from core.studio import Studio
from storage.datasets import DatasetPage, DatasetQuery
from storage.rows import Kind
from ui import routes
from ui.components.button import Button
from ui.components.dataset_card import dataset_card
from ui.components.empty_state import empty_state
from ui.components.quick_actions import quick_actions
from ui.components.text import Text, box, icon, link
from ui.kinds import UPLOADED_AS, UPLOADS, WORDS, kind_named
from ui.layout import frame, page_head
from ui.signals import Signals
from ui.texts import say
from ui.threads import in_thread

NONE_YET = {
    Kind.SUPERVISED: "No labeled examples yet",
    Kind.REINFORCEMENT: "No graded prompts yet",
    Kind.PREFERENCE: "No preference pairs yet",
    Kind.UNPAIRED: "No rated answers yet",
    Kind.TEXT: "No texts yet",
}


def register(studio: Studio, _signals: Signals) -> None:
    @ui.page(routes.DATASETS)
    async def datasets_page(kind: str = "supervised", q: str = "", tag: str = "", page: str = "1") -> None:
        query = _query(kind, q, tag, page)
        found = await _look(studio, query)
        words = WORDS[kind_named(kind)]
        async with frame(studio, words.title):
            with box("ts-page-head"):
                page_head(words.title, words.description)
            quick_actions(kind_named(kind))
            _tabs(kind_named(kind))
            DatasetsView(studio, query, found)


async def _look(studio: Studio, query: DatasetQuery) -> DatasetPage:
    actor = await in_thread(studio.people.actor)
    return await in_thread(studio.datasets.search, query, actor=actor)


class DatasetsView:
    def __init__(self, studio: Studio, query: DatasetQuery, found: DatasetPage) -> None:
        self._studio = studio
        self._query = query
        self._filters()
        self._cards = box("ts-datasets").mark("datasets")
        self._nothing = box("ts-stretch")
        with box("ts-pager", "nav", label="Pages") as self._pager:
            self._range = Text("span", "", "ts-muted").props("role=status").mark("range")
            self._previous = Button("Previous", lambda: self._turn(-1))
            self._next = Button("Next", lambda: self._turn(1))
        self._show(found)

    def _filters(self) -> None:
        with box("ts-filters"):
            search = ui.input(
                placeholder=say("Search by name, description, tag, file or created by"),
                value=self._query.search,
                on_change=lambda event: self._filter(event.value or ""),
            )
            search.props("outlined dense clearable debounce=250 type=search").classes("ts-input ts-search").mark(
                "search"
            )
            search.props["aria-label"] = say("Search by name, description, tag, file or created by")
            with search.add_slot("prepend"):
                icon("search")
            if self._query.tag:
                link(
                    say("Tag: {tag} ×", tag=self._query.tag),
                    _address(replace(self._query, tag="")),
                    "ts-badge ts-badge-violet",
                )

    async def _filter(self, words: str) -> None:
        self._query = replace(self._query, search=words[:200], page=1)
        await self._load()

    async def _turn(self, pages: int) -> None:
        self._query = replace(self._query, page=self._query.page + pages)
        await self._load()

    async def _load(self) -> None:
        query = self._query
        ui.navigate.history.replace(_address(query))
        found = await _look(self._studio, query)
        if query == self._query:  # a slow answer to an older question is dropped
            self._show(found)

    def _show(self, found: DatasetPage) -> None:
        first = (self._query.page - 1) * self._query.page_size
        self._cards.clear()
        with self._cards:
            for dataset in found.rows:
                dataset_card(dataset)
        self._cards.visible = bool(found.rows)
        self._range.text = (
            say("{first:,}–{last:,} of {total:,}", first=first + 1, last=first + len(found.rows), total=found.total)
            if found.rows
            else ""
        )
        self._pager.visible = found.total > self._query.page_size
        self._previous.set_enabled(self._query.page > 1)
        self._next.set_enabled(first + len(found.rows) < found.total)
        self._nothing.clear()
        if not found.rows:
            with self._nothing:
                self._explain_nothing()

    def _explain_nothing(self) -> None:
        kind = self._query.kind or Kind.SUPERVISED
        if self._query.search or self._query.tag or self._query.page > 1:
            with empty_state("No datasets match", "Try other words.", symbol="search"):
                link("Clear the filters", routes.datasets(kind), "ts-button ts-secondary ts-button-link")
            return
        words = UPLOADS[UPLOADED_AS.get(kind, kind)]
        text = say(
            "{form}. Ten are enough to begin; every row is checked, and nothing is changed silently.",
            form=say(words.format_line),
        )
        with empty_state(NONE_YET[kind], text):
            href = routes.dataset_upload(UPLOADED_AS.get(kind, kind))
            link(words.card_title, href, "ts-button ts-primary ts-button-link")


def _query(kind: str, words: str, tag: str, page: str) -> DatasetQuery:
    """Whatever stands in the address becomes a valid query."""
    return DatasetQuery(
        search=words[:200],
        kind=kind_named(kind),
        tag=tag[:60],
        page=min(max(int(page), 1), 1_000_000) if page.isascii() and page.isdecimal() else 1,
    )


def _address(query: DatasetQuery) -> str:
    page = str(query.page) if query.page > 1 else ""
    return routes.datasets(query.kind or Kind.SUPERVISED, q=query.search, tag=query.tag, page=page)


def _tabs(current: Kind) -> None:
    with box("ts-tabs", "nav", label="Kind of dataset"):
        for kind, words in WORDS.items():
            tab = link(words.tab, routes.datasets(kind), "ts-tab")
            if kind is current:
                tab.props("aria-current=page")
