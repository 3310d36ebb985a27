"""Several runs in tables: how each went, and what was set differently."""

from collections.abc import Callable, Iterator, Sequence

from core.comparing import Row, best, differences
from core.history import History
from storage.spec import RunSpec
from storage.tables import Job
from ui import design
from ui.components.quantity import duration, size_of
from ui.components.text import Text, box, heading
from ui.texts import say


class CompareFigures:
    """How good each became, and what that took."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        with box("ts-card", "section", label="Results").mark("compare-results"):
            heading("Results", 2)
            self._body = box("ts-stretch")
        self._shown: list[Row] | None = None

    def show(self, histories: Sequence[History]) -> None:
        rows = list(_figures(self._jobs, histories))
        if rows == self._shown:
            return
        self._shown = rows
        self._body.clear()
        with self._body:
            _table(self._jobs, rows)


def compare_settings(jobs: Sequence[Job], runs: Sequence[RunSpec]) -> None:
    rows = differences(runs)
    with box("ts-card", "section", label="Different settings").mark("compare-settings"):
        heading("Different settings", 2)
        if rows:
            Text("p", "Only what is not the same in all of them.", "ts-muted")
            _table(jobs, rows)
        else:
            Text("p", "They were all set in the same way.", "ts-muted")


def run_name(job: Job, at: int) -> None:
    """A run's colour in the chart, and its title."""
    with box("ts-run-name"):
        box("ts-run-dot").style(f"background: {design.CHART_OTHERS[at]}").props("aria-hidden=true")
        Text("span", job.title)


def _table(jobs: Sequence[Job], rows: Sequence[Row]) -> None:
    with box("ts-wide", label="Table").props("tabindex=0 role=region"), box("ts-compare", "table"):
        with box("", "thead"), box("", "tr"):
            box("", "td")
            for at, job in enumerate(jobs):
                with box("", "th").props("scope=col"):
                    run_name(job, at)
        with box("", "tbody"):
            for row in rows:
                with box("", "tr"):
                    Text("th", row.label).props("scope=row")
                    for value in row.values:
                        Text("td", value)


def _figures(jobs: Sequence[Job], histories: Sequence[History]) -> Iterator[Row]:
    def row(label: str, tell: Callable[[Job, History], str]) -> Row:
        pairs = zip(jobs, histories, strict=True)
        return Row(label, tuple(tell(job, history) or "–" for job, history in pairs))

    yield row("Best checkpoint", _best_step)
    yield row("Best evaluation", _best_value)
    yield row("Train loss, last", lambda _, history: _shown(history.latest("loss")))
    yield row("Steps", lambda _, history: f"{history.last.step:,}" if history.last else "")
    yield row("Tokens learned from", lambda _, history: f"{history.odometer.tokens:,.0f}" if history.last else "")
    yield row("Tokens per second", lambda _, history: _shown(_fact(history, "tokens_per_second"), ",.0f"))
    yield row("Peak memory", _memory)
    yield row("Wall time", lambda _, history: duration(history.odometer.seconds) if history.last else "")


def _best_step(job: Job, history: History) -> str:
    found = best(history, job.objective)
    if found is None:
        return "No evaluation"
    is_saved = any(saved.step == found.step for saved in history.checkpoints)
    return say("Step {step:,}", step=found.step) if is_saved else say("Step {step:,}, not saved", step=found.step)


def _best_value(job: Job, history: History) -> str:
    found = best(history, job.objective)
    return f"{found.value:.4g} ({say(found.measure.title)})" if found else ""


def _memory(_: Job, history: History) -> str:
    peak = max((point.value for point in history.series.get("memory_bytes", ())), default=0.0)
    told = history.finished.facts.get("peak_memory_bytes", 0.0) if history.finished else 0.0
    return size_of(int(max(peak, told))) if max(peak, told) else ""


def _fact(history: History, name: str) -> float | None:
    """The whole run's where it has ended, else the newest step's."""
    told = history.finished.facts.get(name) if history.finished else None
    return told or history.latest(name)


def _shown(value: float | None, form: str = ".4g") -> str:
    return "" if value is None else format(value, form)
