"""An export that has been read: its conversations, what becomes of them, and the dataset."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from nicegui import ui

from core.conversations.options import ImportOptions
from core.conversations.sources import LABELS
from core.conversations.store import Overview, Summary
from ui.components.button import Button
from ui.components.conversation_list import ConversationList
from ui.components.import_options import ImportOptionsForm
from ui.components.import_preview import ImportPreview
from ui.components.quantity import counted
from ui.components.text import Text, box, heading
from ui.texts import say

#: name, numbers of the conversations, options
OnCreate = Callable[[str, list[int], ImportOptions], Awaitable[None]]


class ConversationChooser:
    """Built at once; `await start()` makes the first preview."""

    def __init__(
        self,
        store: Path,
        overview: Overview,
        summaries: Sequence[Summary],
        *,
        on_create: OnCreate,
        on_discard: Callable[[], Awaitable[None]],
        problem: str = "",
    ) -> None:
        self._on_create = on_create
        self._head(overview, on_discard, problem)
        with box("ts-import-columns"):
            with box("ts-column-narrow"):
                self._form = ImportOptionsForm(self._refresh)
                self._foot(overview)
            with box("ts-column-wide"):
                self._list = ConversationList(summaries, self._refresh)
                self._preview = ImportPreview(store, self._ready)

    async def start(self) -> None:
        await self._refresh()

    def _head(self, overview: Overview, on_discard: Callable[[], Awaitable[None]], problem: str) -> None:
        with box("ts-card ts-import-head", "section", label="The export").mark("export"):
            with box("ts-arrived-head"):
                heading(overview.name, 2)
                for source, count in overview.sources.items():
                    Text("span", f"✓ {LABELS.get(source, source)} · {count:,}", "ts-badge ts-badge-green")
                Button("Choose another file", on_discard, kind="ghost").mark("another-file")
            if overview.left_out:
                left = ", ".join(f"{count:,} {reason}" for reason, count in overview.left_out.items())
                Text(
                    "p",
                    say("Left out of {rows}: {reasons}.", rows=counted(_total(overview), "rows"), reasons=left),
                    "ts-note",
                ).mark("left-out")
            if problem:
                Text("p", problem, "ts-error").props("role=alert").mark("import-problem")

    def _foot(self, overview: Overview) -> None:
        labels = " and ".join(LABELS.get(source, source) for source in overview.sources)
        with box("ts-card ts-import-foot", "section", label="The dataset"):
            with box("ts-field"):
                Text("label", "Dataset name", "ts-label").props["for"] = "dataset-name"
                self._name = ui.input(value=say("{service} conversations", service=labels)[:120])
                self._name.props("outlined dense for=dataset-name maxlength=120").classes("ts-input").mark(
                    "dataset-name"
                )
            with box("ts-step-foot"):
                self._create = Button("Create dataset", self._take, kind="primary").mark("create-dataset")
        self._create.set_enabled(False)

    def _ready(self, is_ready: bool) -> None:
        self._create.set_enabled(is_ready)

    async def _refresh(self) -> None:
        await self._preview.show(self._list.numbers, self._form.options)

    async def _take(self) -> None:
        if self._form.options and self._list.chosen:
            await self._on_create((self._name.value or "").strip(), self._list.numbers, self._form.options)


def _total(overview: Overview) -> int:
    return sum(overview.sources.values()) + sum(overview.left_out.values())
