"""What a run goes through, and what its trainer prints: followed, searched and downloaded. Only the end is read."""

from collections.abc import Iterable, Sequence
from functools import partial

from nicegui import background_tasks, ui

from core.diary import MOST_ENTRIES, Entry, Kind, entry_of
from core.errors import NotFound
from core.history import History
from core.run_logs import Lines, LogFile, log_files, search, tail
from core.studio import Studio
from storage.events import Event, Phase
from storage.status import Status
from storage.tables import Job
from ui import routes
from ui.components.button import Button
from ui.components.clock import full_date, time_of_day
from ui.components.text import Text, aria, box, heading
from ui.texts import say
from ui.threads import in_thread

EVENTS, LOGS = "Events", "Logs"
FOLLOW_S = 2.0
#: The rest comes on request.
SHOWN = 12
LAST_WORDS = (Kind.ENDED, Kind.FAILED)
_TO_END = "getHtmlElement({id})?.scrollTo(0, 1e9)"
_IN_SIGHT = "getHtmlElement({id})?.scrollIntoView()"


class JobLogs:
    def __init__(self, studio: Studio, job: Job) -> None:
        self._studio = studio
        self._job = job
        self._entries: list[Entry] = []
        self._end: Entry | None = _end_of(job)
        self._phase: Phase | None = None
        self._attempt = 1
        self._tab, self._words, self._shows_all = EVENTS, "", False
        self._files: tuple[LogFile, ...] = ()
        self._lines: Lines | None = None
        with box("ts-card", "section", label="Events and logs").mark("job-logs") as self._card:
            with box("ts-card-line"):
                heading("Events and logs", 2)
                with box("ts-ways-out"):
                    Button("Download", self._download, kind="ghost", icon="download").mark("download-log")
            self._tools()
            self._events = box("ts-diary", "ol")
            self._log = Text("pre", "", "ts-log").props("tabindex=0 role=log").props(aria("Trainer log")).mark("log")
            self._note = Text("p", "", "ts-note")
            self._more = Button("", self._show_all, kind="ghost")
        self._timer: ui.timer | None = None
        self._draw()

    def show(self, history: History) -> None:
        """These events and no others."""
        self._entries = list(history.diary)
        self._phase, self._attempt = history.phase, max(history.attempt, 1)
        self._draw()

    def add(self, events: Iterable[Event]) -> None:
        found = []
        for event in events:
            if entry := entry_of(event, self._phase, self._attempt):
                found.append(entry)
            self._phase = event if isinstance(event, Phase) else self._phase
        if found:
            self._entries = [*self._entries, *found][-MOST_ENTRIES:]
            self._draw()

    def show_job(self, job: Job) -> None:
        """A log is followed while somebody writes into it; and read once more when that is over."""
        was_live, said, self._job = self._job.status.is_live, self._end, job
        self._end = _end_of(job)
        if was_live and not job.status.is_live and self._tab == LOGS:
            background_tasks.create_lazy(self._read(), name=f"log of {job.id} {self._log.id}")
        if (was_live, said) != (job.status.is_live, self._end):
            self._draw()

    async def open_log(self) -> None:
        """What the trainer printed, in sight."""
        await self._choose(LOGS)
        ui.run_javascript(_IN_SIGHT.format(id=self._card.id))

    def _tools(self) -> None:
        with box("ts-log-tools"):
            with box("ts-segments", label="What is shown").props("role=group"):
                self._tabs = {name: self._tab_button(name) for name in (EVENTS, LOGS)}
            self._file = ui.select({}, on_change=self._read).props("outlined dense options-dense")
            self._file.props("popup-content-class=ts-menu").props(aria("Log file")).classes("ts-input ts-log-file")
            self._file.mark("log-file")
            field = ui.input(placeholder=say("Search"), on_change=lambda event: self._search(event.value or ""))
            field.props("outlined dense clearable debounce=250 type=search").props(aria("Search events and logs"))
            field.classes("ts-input ts-log-search").mark("log-search")
            self._follow = Text("button", "Follow", "ts-toggle").props("type=button aria-pressed=true").mark("follow")
            self._follow.on("click", self._toggle_follow, [])

    def _tab_button(self, name: str) -> Text:
        button = Text("button", name, "ts-segment").props("type=button").mark(f"show-{name.lower()}")
        button.on("click", partial(self._choose, name), [])
        return button

    async def _choose(self, tab: str) -> None:
        self._tab = tab
        self._draw()
        await self._read()

    async def _search(self, words: str) -> None:
        self._words = words[:200]
        self._draw()
        await self._read()

    def _toggle_follow(self) -> None:
        self._follow.props["aria-pressed"] = "false" if self._follows else "true"
        self._draw()

    @property
    def _follows(self) -> bool:
        return bool(self._follow.props["aria-pressed"] == "true")

    def _show_all(self) -> None:
        self._shows_all = not self._shows_all
        self._draw()

    async def _read(self) -> None:
        if self._tab != LOGS:
            return
        chosen, words = self._file.value, self._words
        try:
            files, lines = await in_thread(_look, self._studio, self._job.id, chosen, words)
        except NotFound:  # deleted while the page was open
            return
        if words != self._words or (lines == self._lines and files == self._files):
            return  # a slow answer to an older question, or nothing new
        self._files, self._lines = files, lines
        titles = {file.key: file.title for file in files}
        if titles != self._file.options:
            self._file.set_options(titles, value=chosen if chosen in titles else next(iter(titles), None))
        self._draw()
        if self._follows:
            ui.run_javascript(_TO_END.format(id=self._log.id))

    def _draw(self) -> None:
        is_log = self._tab == LOGS
        for name, button in self._tabs.items():
            button.props["aria-pressed"] = "true" if name == self._tab else "false"
        self._tick(is_log and self._follows and self._job.status.is_live)
        self._follow.visible = is_log and self._job.status.is_live
        self._file.visible = is_log and len(self._files) > 1
        self._events.visible, self._log.visible = not is_log, is_log
        if is_log:
            self._draw_log()
        else:
            self._draw_events()

    def _tick(self, is_on: bool) -> None:
        """Made when it is first needed: a page with a timer is sent before it is complete."""
        if is_on and self._timer is None:
            with self._card:
                self._timer = ui.timer(FOLLOW_S, self._read)
        elif self._timer is not None:
            self._timer.active = is_on

    def _draw_log(self) -> None:
        self._more.visible = False
        lines = self._lines or Lines((), is_cut=False)
        self._log.visible = bool(lines.lines)
        self._log.text = "\n".join(lines.lines)
        cut = (
            say("Only the last {count:,} lines are shown; the download has all.", count=len(lines.lines))
            if lines.is_cut
            else ""
        )
        nothing = "No line holds these words." if self._words else "The trainer has printed nothing yet."
        self._note.text = cut if lines.lines else nothing
        self._note.visible = bool(self._note.text)

    def _draw_events(self) -> None:
        """The newest first: that is what one comes back for."""
        words = self._words.lower().split()
        found = [one for one in reversed(self._all()) if all(word in say(one.text).lower() for word in words)]
        self._events.clear()
        with self._events:
            for entry in found if self._shows_all else found[:SHOWN]:
                _line(entry)
        self._more.text = "Show fewer" if self._shows_all else say("Show all {count}", count=len(found))
        self._more.visible = len(found) > SHOWN
        self._note.text = "No event holds these words." if words else "Nothing has happened yet."
        self._note.visible = not found

    def _all(self) -> list[Entry]:
        """A trainer that was killed has no last word: the job's row knows how it ended."""
        newest = self._entries[-1].kind if self._entries else None
        return self._entries if self._end is None or newest in LAST_WORDS else [*self._entries, self._end]

    def _download(self) -> None:
        if self._tab == LOGS and self._file.value:
            ui.navigate.to(routes.job_file(self._job.id, self._job.objective, f"logs/{self._file.value}"))
        else:
            ui.download.content(_text(self._all()), f"{self._job.id}-events.txt", "text/plain")


def _look(studio: Studio, job_id: str, chosen: str | None, words: str) -> tuple[tuple[LogFile, ...], Lines]:
    """The files there are, and the lines of the chosen one, or of the newest."""
    files = log_files(studio.runs.folder(job_id))
    file = next((one for one in files if one.key == chosen), files[0] if files else None)
    if file is None:
        return files, Lines((), is_cut=False)
    return files, search(file.path, words) if words.split() else tail(file.path)


def _end_of(job: Job) -> Entry | None:
    if job.ended_at is None or job.status not in (Status.FAILED, Status.CANCELLED):
        return None
    kind = Kind.FAILED if job.status is Status.FAILED else Kind.ENDED
    return Entry(job.ended_at, kind, job.message or f"{job.status.value.title()}.")


def _line(entry: Entry) -> None:
    with box(f"ts-diary-line ts-diary-{entry.kind.value}", "li"):
        box("ts-diary-dot").props("aria-hidden=true")
        Text("time", time_of_day(entry.at), "ts-diary-time").props["title"] = full_date(entry.at)
        Text("span", (say("Warning: ") if entry.kind is Kind.WARNED else "") + say(entry.text), "ts-diary-text")


def _text(entries: Sequence[Entry]) -> str:
    return "".join(f"{entry.at.isoformat(timespec='seconds')} {entry.kind.value}: {entry.text}\n" for entry in entries)
