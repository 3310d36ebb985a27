"""Files of this machine, under the folders that its owner has opened for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nicegui import ui

from core.datasets.roots import VARIABLE, Entry, Roots
from core.errors import StudioError
from ui.components.empty_state import empty_state
from ui.components.quantity import size_of
from ui.components.text import Text, box, emoji, heading
from ui.texts import say
from ui.threads import in_thread


class MachineFiles:
    """`await start()` lists the opened folders; `on_file` gets the file that was chosen."""

    def __init__(self, roots: Roots, on_file: Callable[[Path], Any]) -> None:
        self._roots = roots
        self._on_file = on_file
        with box("ts-card", "section", label="Files of this machine") as self._card:
            heading("Choose a file of this machine", 2)
            self._problem = Text("p", "", "ts-error").props("role=alert")
            self._list = box("ts-options ts-files").props("role=list")

    async def start(self) -> None:
        if self._roots.folders:
            await self._open(None)
            return
        self._card.clear()
        text = say(
            "Whoever runs the studio can open folders for it: {variable}=/data:/srv/examples, then start it again.",
            variable=VARIABLE,
        )
        with self._card:
            empty_state("No folder is open for import", text, symbol="open")

    async def _open(self, folder: Path | None) -> None:
        self._problem.text = ""
        try:
            entries = await in_thread(self._roots.list, folder)
        except (StudioError, OSError) as error:
            self._problem.text = str(error)
            return
        self._list.clear()
        with self._list:
            if folder is not None:
                parent = None if folder in self._roots.folders else folder.parent
                self._entry("⬅", "Back", "", lambda: self._open(parent))
            for entry in entries:
                self._line(entry, is_root=folder is None)
            if not entries:
                Text("p", "Nothing in here can be imported.", "ts-options-empty")

    def _line(self, entry: Entry, *, is_root: bool) -> None:
        name = str(entry.path) if is_root else entry.path.name
        if entry.is_folder:
            self._entry("📁", name, "", lambda: self._open(entry.path))
        else:
            self._entry("📄", name, size_of(entry.bytes), lambda: self._on_file(entry.path))

    def _entry(self, character: str, name: str, size: str, on_click: Callable[[], Any]) -> None:
        with ui.element("button").classes("ts-option").props("type=button role=listitem") as option:
            option.on("click", on_click, []).mark(f"file-{name}")
            if character == "📁":
                emoji(character, "folder")
            Text("span", name, "ts-option-name")
            Text("span", size, "ts-muted ts-file-size")
