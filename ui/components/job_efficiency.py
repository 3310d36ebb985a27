"""How efficient a job's method is, live and after: and beside it, full fine-tuning of the same model."""

from collections.abc import Iterator, Sequence

from core.efficiency import Efficiency, Figure, efficiency
from core.history import History
from storage.events import Metric
from storage.methods import Full
from storage.spec import RunSpec
from ui.components.facts import fact
from ui.components.method_words import METHOD_WORDS, millions, share_of
from ui.components.quantity import size_of
from ui.components.text import Text, box, heading
from ui.texts import say

#: The newest counts; of memory, which the events tell as it is now, the highest.
NEWEST = ("trainable_parameters", "total_parameters", "tokens_per_second", "step_seconds")
MEMORY = "memory_bytes"


class JobEfficiency:
    def __init__(self, spec: RunSpec) -> None:
        self._spec = spec
        self._told: dict[str, float] = {}
        self._kept: int | None = None
        self._shown: Efficiency | None = None
        self._outline: list[tuple[str, str]] = []
        self._values: list[Text] = []
        with box("ts-card", "section", label="Efficiency").mark("efficiency"):
            heading("Efficiency", 2)
            self._body = box("ts-stretch")
        self._draw()

    def show(self, history: History) -> None:
        """Replace everything by what the history holds."""
        points = history.series.get(MEMORY, ())
        found = {name: history.latest(name) for name in NEWEST}
        self._told = {name: value for name, value in found.items() if value is not None}
        self._remember_peak(max((point.value for point in points), default=0.0))
        if history.finished:
            facts = history.finished.facts
            self._told |= {name: facts[name] for name in (*NEWEST, "peak_memory_bytes") if name in facts}
        self._draw()

    def extend(self, metrics: Sequence[Metric]) -> None:
        for metric in metrics:
            self._told |= {name: value for name in NEWEST if (value := metric.values.get(name)) is not None}
            self._remember_peak(metric.values.get(MEMORY) or 0.0)
        if metrics:
            self._draw()

    def kept(self, size_bytes: int | None) -> None:
        """Bytes of the weights in the output, once they are there."""
        if size_bytes != self._kept:
            self._kept = size_bytes
            self._draw()

    def _remember_peak(self, now: float) -> None:
        if now > self._told.get("peak_memory_bytes", 0.0):
            self._told["peak_memory_bytes"] = now

    def _draw(self) -> None:
        """Values change with every step: where only they do, only their texts are sent."""
        found = efficiency(self._spec, self._told, self._kept)
        if found == self._shown:
            return
        self._shown = found
        is_full = isinstance(self._spec.method, Full)
        facts = [("Method", METHOD_WORDS[self._spec.method.kind].name, ""), *_facts(found, is_full=is_full)]
        rows = [] if is_full else list(_rows(found))
        outline = [(term, note) for term, _, note in facts] + [(row[0], "") for row in rows]
        if outline != self._outline:
            self._outline = outline
            self._build(facts, rows)
        values = [value for _, value, _ in facts] + [cell for row in rows for cell in row[1:]]
        for element, value in zip(self._values, values, strict=True):
            if element.text != value:
                element.text = value
                element.props["title"] = say(value)

    def _build(self, facts: Sequence[tuple[str, str, str]], rows: Sequence[tuple[str, str, str]]) -> None:
        self._body.clear()
        with self._body:
            with box("ts-facts", "dl"):
                self._values = [fact(term, value, note=note) for term, value, note in facts]
            if rows:
                self._values += _against_full(rows)


def _facts(found: Efficiency, *, is_full: bool) -> Iterator[tuple[str, str, str]]:
    trained = say(
        "{trainable} of {total} weights, {share}",
        trainable=millions(int(found.trainable.value)),
        total=millions(found.total),
        share=share_of(found.share),
    )
    yield "Trainable Parameters", trained, _mark(found.trainable)
    kept = "Model Size" if is_full else "Adapter Size"
    yield kept, size_of(int(found.output_bytes.value)), _mark(found.output_bytes)
    if found.peak_memory_bytes:
        yield "Peak Memory", size_of(int(found.peak_memory_bytes.value)), _mark(found.peak_memory_bytes)
    if found.tokens_per_second:
        yield "Tokens per Second", f"{found.tokens_per_second.value:,.0f}", _mark(found.tokens_per_second)
    if found.step_seconds:
        yield "Time per Step", f"{found.step_seconds.value:.3g} s", _mark(found.step_seconds)


def _against_full(rows: Sequence[tuple[str, str, str]]) -> list[Text]:
    """The cells whose text may change."""
    heading("This run against full fine-tuning", 3)
    with box("ts-cost", "table"):
        with box("", "thead"), box("", "tr"):
            for title in ("", "This run", "Full fine-tuning"):
                Text("th", title)
        with box("", "tbody"):
            return [cell for row in rows for cell in _table_row(*row)]


def _table_row(term: str, *values: str) -> list[Text]:
    with box("", "tr"):
        Text("td", term)
        return [Text("td", value) for value in values]


def _rows(found: Efficiency) -> Iterator[tuple[str, str, str]]:
    yield "Trained weights", f"{share_of(found.share)} ({_mark(found.trainable)})", "100 %"
    kept, full = size_of(int(found.output_bytes.value)), size_of(found.full_output_bytes)
    yield "Kept", f"{kept} ({_mark(found.output_bytes)})", say("{figure} (estimate)", figure=full)
    if memory := found.peak_memory_bytes:
        own = f"{size_of(int(memory.value))} ({_mark(memory)})"
        yield (
            "Peak memory",
            own,
            say("{figure} (estimate)", figure=size_of(found.full_memory_bytes)),
        )


def _mark(figure: Figure) -> str:
    return say("measured" if figure.measured else "estimate")
