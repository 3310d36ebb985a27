"""The Hugging Face Hub: find a dataset, choose one of its files, fetch it."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from core.datasets.hub import Hub, HubDataset, HubFile
from core.errors import StudioError
from ui.components.button import Button
from ui.components.quantity import size_of
from ui.components.text import Text, box, heading, icon
from ui.texts import say
from ui.threads import in_thread


class HubSearch:
    """`on_file` gets (dataset, file)."""

    def __init__(self, hub: Hub, on_file: Callable[[str, str], Any]) -> None:
        self._hub = hub
        self._on_file = on_file
        with box("ts-card ts-hub", "section", label="Hugging Face Hub"):
            heading("Fetch from the Hugging Face Hub", 2)
            Text(
                "p",
                "One file is fetched, checked and kept here. Gated datasets need HF_TOKEN at the start.",
                "ts-muted",
            )
            with box("ts-filters"):
                self._search = ui.input(placeholder=say("Search datasets, or owner/name")).props(
                    "outlined dense type=search"
                )
                self._search.classes("ts-input ts-search").mark("hub-search").on("keydown.enter", self._find, [])
                self._search.props["aria-label"] = say("Search the Hugging Face Hub")
                with self._search.add_slot("prepend"):
                    icon("search")
                Button("Search", self._find).mark("hub-find")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("hub-problem")
            self._list = box("ts-options ts-files")

    async def _find(self) -> None:
        await self._ask(lambda words: self._hub.search(words), self._search.value or "", self._show_datasets)

    async def _open(self, dataset: str) -> None:
        await self._ask(self._hub.files, dataset, lambda files: self._show_files(dataset, files))

    async def _ask(self, asking: Callable[[str], Any], words: str, show: Callable[[Any], None]) -> None:
        self._problem.text = ""
        try:
            found = await in_thread(asking, words)
        except StudioError as error:
            self._problem.text = str(error)
            return
        self._list.clear()
        with self._list:
            show(found)

    def _show_datasets(self, found: Sequence[HubDataset]) -> None:
        for dataset in found:
            about = say("{count:,} download | {count:,} downloads", count=dataset.downloads)
            about += f" · {say('gated')}" if dataset.is_gated else ""
            self._entry(dataset.id, dataset.description or about, about, partial(self._open, dataset.id))
        if not found:
            Text("p", "The hub has no dataset of that name.", "ts-options-empty")

    def _show_files(self, dataset: str, files: Sequence[HubFile]) -> None:
        heading(dataset, 3)
        for file in files:
            self._entry(file.path, "", size_of(file.bytes), partial(self._on_file, dataset, file.path))
        if not files:
            Text("p", "It has no JSONL, JSON, CSV or Parquet file.", "ts-options-empty")

    def _entry(self, name: str, text: str, note: str, on_click: Callable[[], Any]) -> None:
        with (
            ui.element("button").classes("ts-option").props("type=button").on("click", on_click, []).mark(f"hub-{name}")
        ):
            with box("ts-option-text", "span"):
                Text("span", name, "ts-option-name")
                Text("span", text, "ts-option-sub")
            Text("span", note, "ts-muted ts-file-size")
