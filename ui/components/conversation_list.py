"""The conversations of an export: searched, narrowed by day, and ticked. All are chosen at first."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nicegui import ui

from core.conversations.sources import LABELS
from core.conversations.store import Summary
from ui.components.button import Button
from ui.components.quantity import counted
from ui.components.text import Text, aria, box, heading, icon
from ui.texts import said, say

PAGE = 12
ANY, RATED = "any", "rated"


class ConversationList:
    """`chosen` holds the numbers of those that are ticked; `on_change` is called when they change."""

    def __init__(self, summaries: Sequence[Summary], on_change: Callable[[], Awaitable[None]]) -> None:
        self._summaries = summaries
        self._shown: Sequence[Summary] = summaries
        self._on_change = on_change
        self._page = 0
        self._is_drawing = False
        self.chosen = {summary.number for summary in summaries}
        with box("ts-card ts-talks", "section", label="Conversations"):
            heading("Conversations", 2)
            self._filters()
            with box("ts-talks-head"):
                self._all = (
                    ui.checkbox(say("Select all"), on_change=self._tick_all).props("dense").classes("ts-checkbox")
                )
                self._all.mark("select-all")
                self._count = Text("span", "", "ts-note").mark("chosen-count")
            self._rows = box("ts-talks-rows", "ul", label="Conversations of the export")
            with box("ts-pager") as self._pager:
                self._range = Text("span", "", "ts-note")
                self._previous = Button("Previous", lambda: self._turn(-1))
                self._next = Button("Next", lambda: self._turn(1))
        self._draw()

    @property
    def numbers(self) -> list[int]:
        return sorted(self.chosen)

    def _filters(self) -> None:
        self._thumbs: ui.select | None = None
        with box("ts-filters"):
            self._search = ui.input(placeholder=say("Search"), on_change=self._filter)
            self._search.props("outlined dense clearable debounce=250 type=search").classes("ts-input ts-search")
            self._search.mark("search-conversations").props["aria-label"] = say("Search titles and first questions")
            with self._search.add_slot("prepend"):
                icon("search")
            self._from, self._to = self._day("From"), self._day("To")
            if any(summary.up or summary.down for summary in self._summaries):
                self._thumbs = ui.select(said({ANY: "All", RATED: "With thumbs"}), value=ANY, on_change=self._filter)
                self._thumbs.props("outlined dense popup-content-class=ts-menu").props(aria("Thumbs")).classes(
                    "ts-input ts-thumbs"
                )

    def _day(self, title: str) -> ui.input:
        entry = ui.input(on_change=self._filter).props("outlined dense type=date").classes("ts-input ts-day")
        entry.props["prefix"] = say(title)
        entry.props["aria-label"] = say("{title} day", title=say(title))
        return entry.mark(title.lower())

    def _filter(self) -> None:
        words, first, last = self._search.value or "", self._from.value or "", self._to.value or ""
        rated = self._thumbs and self._thumbs.value == RATED
        self._shown = [
            summary
            for summary in self._summaries
            if summary.has(words)
            and (not first or first <= summary.day)
            and (not last or "" < summary.day <= last)
            and (not rated or summary.up or summary.down)
        ]
        self._page = 0
        self._draw()

    def _turn(self, pages: int) -> None:
        self._page += pages
        self._draw()

    def _draw(self) -> None:
        begin = self._page * PAGE
        rows = self._shown[begin : begin + PAGE]
        self._rows.clear()
        with self._rows:
            for summary in rows:
                self._row(summary)
            if not rows:
                Text("li", "No conversation matches.", "ts-muted ts-talk")
        self._range.text = (
            say("{first:,}–{last:,} of {total:,}", first=begin + 1, last=begin + len(rows), total=len(self._shown))
            if rows
            else ""
        )
        self._pager.visible = len(self._shown) > PAGE
        self._previous.set_enabled(self._page > 0)
        self._next.set_enabled(begin + PAGE < len(self._shown))
        self._tally()

    def _row(self, summary: Summary) -> None:
        with box("ts-talk", "li"):
            ticked = summary.number in self.chosen
            mark = ui.checkbox(value=ticked, on_change=partial(self._tick, summary.number)).props("dense")
            mark.classes("ts-checkbox").mark(f"talk-{summary.number}").props["aria-label"] = say(
                "Choose {title}", title=summary.title
            )
            with box("ts-talk-text"):
                Text("span", summary.title, "ts-talk-title")
                if summary.first and summary.first != summary.title:
                    Text("span", summary.first, "ts-sub ts-clip")
            Text("span", _about(summary), "ts-sub ts-talk-about")

    async def _tick(self, number: int) -> None:
        self.chosen ^= {number}
        self._tally()
        await self._on_change()

    def _tick_all(self) -> Awaitable[None] | None:
        """All that the filters show; the others stay as they are. Not a coroutine: `_is_drawing` counts now."""
        if self._is_drawing:
            return None
        shown = {summary.number for summary in self._shown}
        self.chosen = self.chosen | shown if self._all.value else self.chosen - shown
        self._draw()
        return self._on_change()

    def _tally(self) -> None:
        shown = {summary.number for summary in self._shown}
        self._is_drawing = True
        self._all.value = bool(shown) and shown <= self.chosen
        self._is_drawing = False
        narrowed = len(shown) < len(self._summaries)
        self._all.text = say("Select all {count:,} found", count=len(shown)) if narrowed else say("Select all")
        self._count.text = say(
            "{chosen:,} of {conversations} chosen",
            chosen=len(self.chosen),
            conversations=counted(len(self._summaries), "conversations"),
        )


def _about(summary: Summary) -> str:
    liked = say("{up:,} liked", up=summary.up) if summary.up else ""
    disliked = say("{down:,} disliked", down=summary.down) if summary.down else ""
    parts = (summary.day, counted(summary.answers, "answers"), liked, disliked, LABELS.get(summary.source, ""))
    return " · ".join(part for part in parts if part)
