"""A version in a model's tokens: how long its rows are, what the context cuts off, and what of a row is learned."""

from collections.abc import Sequence

from nicegui import ui

from core.checks.codes import CODES
from core.datasets.tokens import Examination, TokenReport
from core.errors import StudioError
from core.models.library import ModelInfo
from core.studio import Studio
from storage.tables import Dataset
from ui import routes
from ui.components.button import Button
from ui.components.empty_state import empty_state
from ui.components.quantity import counted
from ui.components.row_tokens import legend, row_tokens
from ui.components.text import Text, aria, box, heading, link
from ui.components.token_chart import token_chart
from ui.texts import say
from ui.threads import in_thread

LOOK_EVERY_S = 0.3
SMALLEST_CONTEXT = 128
LONGEST_LISTED = 8


class DatasetTokens:
    """`await start(…)` with what the address says. Counting begins by itself, in a process of its own."""

    def __init__(self, studio: Studio, dataset: Dataset) -> None:
        self._studio = studio
        self._dataset = dataset

    async def start(self, model: str, context: str, row: str) -> None:
        models = [known for known in await in_thread(self._studio.models.all) if known.ready]
        if not models:
            empty_state(
                "There is no model to count with", "Tokens depend on the model; bring one first.", symbol="clock"
            )
            return
        self._model = next((known for known in models if known.id == model), models[0])
        self._contexts = _contexts(self._model.context_length)
        asked = int(context) if context.isascii() and context.isdecimal() and len(context) < 9 else 0
        self._context = min(max(asked, SMALLEST_CONTEXT), self._model.context_length) if asked else self._contexts[-1]
        self._row = int(row) if row.isascii() and row.isdecimal() and len(row) < 12 else 0
        self._controls(models)
        self._body = box("ts-tab-body").mark("tokens")
        await self._count()

    def _controls(self, models: Sequence[ModelInfo]) -> None:
        with box("ts-card ts-token-controls"):
            with box("ts-field"):
                Text("label", "Model", "ts-label").props["for"] = "token-model"
                names = {known.id: known.name for known in models}
                chosen = ui.select(
                    names, value=self._model.id, on_change=lambda event: self._go(model=str(event.value))
                )
                chosen.props("outlined dense for=token-model popup-content-class=ts-menu").classes("ts-input").mark(
                    "model"
                )
            with box("ts-field"):
                label = Text("span", _label(self._context), "ts-label").props("id=token-context").mark("context-label")
                nearest = min(range(len(self._contexts)), key=lambda at: abs(self._contexts[at] - self._context))
                slider = ui.slider(min=0, max=len(self._contexts) - 1, step=1, value=nearest).props("snap markers")
                slider.props("aria-labelledby=token-context").mark("context")
                slider.on_value_change(lambda event: label.set_text(_label(self._contexts[int(event.value)])))
                slider.on("change", lambda event: self._go(context=str(self._contexts[int(event.args)])))

    def _go(self, **state: str) -> None:
        kept = {"row": str(self._row) if self._row else "", "model": self._model.id, "context": "", **state}
        ui.navigate.to(routes.dataset(self._dataset.id, tab="tokens", **kept))

    async def _count(self) -> None:
        try:
            self._examination = await in_thread(self._examined)
            known = await in_thread(self._examination.known)
            if known is None:
                await in_thread(self._examination.start)
        except StudioError as error:
            self._refuse(str(error))
            return
        if known:
            await self._show(known)
        else:
            self._wait()

    def _examined(self) -> Examination:
        dataset = self._studio.datasets.ref(self._dataset.id)
        return self._studio.tokens.of(dataset, self._studio.models.get(self._model.id), self._context)

    def _wait(self) -> None:
        with self._body, box("ts-card ts-arrived").mark("counting"):
            heading("Counting tokens", 2)
            bar = ui.element("progress").classes("ts-progress").props(aria("Counting tokens"))
            text = Text("p", "", "ts-muted").props("role=status")
            with box("ts-step-foot"):
                Button("Cancel", self._cancel)

        async def look() -> None:
            progress = self._examination.progress
            text.text = progress.phase.capitalize()
            if progress.total:
                bar.props["max"], bar.props["value"] = progress.total, progress.done
            if not self._examination.is_running:
                timer.cancel()
                await self._finish()

        timer = ui.timer(LOOK_EVERY_S, look)

    async def _finish(self) -> None:
        try:
            report = await in_thread(self._examination.result)
        except StudioError as error:
            self._refuse(str(error))
            return
        await self._show(report)

    async def _cancel(self) -> None:
        await in_thread(self._examination.cancel)
        ui.navigate.to(routes.dataset(self._dataset.id, tab="rows"))

    def _refuse(self, sentence: str) -> None:
        self._body.clear()
        with self._body:
            Text("p", sentence, "ts-error").props("role=alert").mark("token-problem")

    async def _show(self, report: TokenReport) -> None:
        longest = await in_thread(self._examination.rows_by_length, 0, LONGEST_LISTED)
        self._body.clear()
        with self._body:
            if objection := report.objection():
                Text("p", objection, "ts-error").props("role=alert").mark("objection")
            _figures(report)
            with box("ts-card", "section", label="Histogram"):
                heading("Tokens a row", 2)
                token_chart(report)
            self._found(report)
            self._rendered = box("ts-card", "section", label="One row")
        await self._show_row(self._row or (longest[0] + 1 if longest else 1), longest)

    def _found(self, report: TokenReport) -> None:
        for code, found in report.codes.items():
            known = CODES.get(code)
            with box("ts-card ts-code-card", "section"):
                heading(f"{known.title if known else code}: {counted(found.count, 'rows')}", 2)
                Text("p", known.fix if known else "", "ts-muted")
                self._links("Rows", found.rows)

    def _links(self, title: str, rows: Sequence[int]) -> None:
        with box("ts-row-links"):
            Text("span", title, "ts-muted")
            for number in rows[:20]:
                state = {"model": self._model.id, "context": str(self._context), "row": str(number + 1)}
                link(f"{number + 1:,}", routes.dataset(self._dataset.id, tab="tokens", **state))

    async def _show_row(self, number: int, longest: Sequence[int]) -> None:
        number = min(max(number, 1), max(self._dataset.rows, 1))
        with self._rendered:
            heading(say("Row {number:,} as the model reads it", number=number), 2)
            legend()
            self._links("Longest rows", longest)
            waiting = Text("p", "Rendering…", "ts-muted").props("role=status")
        try:
            found = await in_thread(self._examination.spans, number - 1)
        except StudioError as error:
            waiting.text = str(error)
            return
        waiting.delete()
        with self._rendered:
            row_tokens(found)


def _label(context: int) -> str:
    return say("Max context length: {count:,} tokens", count=context)


def _figures(report: TokenReport) -> None:
    share = f"{100 * report.learned / report.tokens:.0f} %" if report.tokens else "0 %"
    with box("ts-figures", "dl").mark("token-figures"):
        for term, value in (
            ("All tokens", f"{report.tokens:,}"),
            ("Learned", f"{report.learned:,} ({share})"),
            ("p50", f"{report.p50:,}"),
            ("p95", f"{report.p95:,}"),
            ("p99", f"{report.p99:,}"),
            ("Longest", f"{report.max:,}"),
            ("Cut off", f"{report.truncated_tokens:,}"),
        ):
            with box("ts-figure"):
                Text("dt", term)
                Text("dd", value)


def _contexts(longest: int) -> list[int]:
    """Powers of two up to the model's own limit."""
    steps = [SMALLEST_CONTEXT << power for power in range(20) if SMALLEST_CONTEXT << power < longest]
    return [*steps, longest]
