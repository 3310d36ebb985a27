"""A file that is here but no dataset yet: what it is, what its rows become, and the import."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from nicegui import ui

from core.checks.codes import CODES
from core.datasets.labels import file_title
from core.datasets.looking import look
from core.errors import StudioError
from core.formats import FORMATS
from core.formats.inspection import Inspection, Sample
from core.formats.options import Mapping, ReadOptions
from storage.rows import Kind
from ui.components.button import Button
from ui.components.column_mapper import ColumnMapper
from ui.components.example import clipped, example_of
from ui.components.text import Text, box, emoji, heading, icon
from ui.kinds import UPLOADED_AS, WORDS
from ui.texts import say
from ui.threads import in_thread

OWN_COLUMNS = ""
#: name, options
OnImport = Callable[[str, ReadOptions], Awaitable[None]]


class ArrivedFile:
    """Built from a first look; `await start()` makes it. `wanted` is the kind whose page this is."""

    def __init__(
        self, path: Path, name: str, wanted: Kind, *, on_import: OnImport, on_discard: Callable[[], object]
    ) -> None:
        self._wanted = wanted
        self._path = path
        self._name = name
        self._on_import = on_import
        self._on_discard = on_discard
        self._options: ReadOptions | None = None
        self._kind: Kind | None = None
        self._card = box("ts-card ts-arrived", "section", label="The uploaded file").mark("arrived")

    async def start(self, options: ReadOptions | None = None) -> None:
        try:
            found = await in_thread(look, self._path, options)
        except StudioError as error:
            self._refused(str(error))
            return
        self._options = options or ReadOptions()
        self._card.clear()
        with self._card:
            self._show(found)

    def _refused(self, sentence: str) -> None:
        self._card.clear()
        with self._card:
            heading(self._name, 2)
            Text("p", sentence, "ts-error").props("role=alert").mark("file-problem")
            with box("ts-actions"):
                Button("Choose another file", self._on_discard)

    def _show(self, found: Inspection) -> None:
        is_clear = bool(found.format) and found.confident
        self._kind = found.kind
        with box("ts-arrived-head"):
            emoji("📁", "folder")
            heading(self._name, 2)
            self._badge = Text("span", "", "ts-badge")
        self._facts(found)
        if not is_clear:
            with box("ts-warning"):
                icon("alert")
                Text("p", "It is not clear what the columns are. Say it below; the preview shows what the rows become.")
        for note in found.notes:
            Text("p", f"{note.text}{say(' (line {line})', line=note.line) if note.line else ''}", "ts-note")
        self._mapping = box("ts-stretch")
        self._preview = box("ts-stretch ts-arrived-preview").mark("preview")
        self._foot(found)
        if is_clear:
            self._preview_of(found.kind, found.samples)
            self._offer_mapper(found)
        else:
            self._open_mapper(found)

    def _facts(self, found: Inspection) -> None:
        parts = [str(found.container).upper() if len(str(found.container)) < 6 else str(found.container).title()]
        parts += [found.packed] if found.packed else []
        parts += (
            [found.encoding] if found.encoding and found.encoding.lower().replace("_", "-") not in ("utf-8", "") else []
        )
        parts += (
            [say("separated by “{delimiter}”", delimiter=found.delimiter)]
            if found.delimiter and found.delimiter != ","
            else []
        )
        with box("ts-arrived-facts"):
            Text("span", ", ".join(parts), "ts-muted").mark("container")
            with box("ts-arrived-format"):
                Text("label", "Rows as", "ts-label").props["for"] = "format-select"
                known = {
                    known.name: f"{say(known.label)} · {say(WORDS[known.kind].badge)}" for known in FORMATS.values()
                }
                labels = {OWN_COLUMNS: say("Your own columns"), **known}
                shown = found.format if found.format in known else OWN_COLUMNS
                chosen = ui.select(labels, value=shown, on_change=lambda event: self._reread(str(event.value), found))
                chosen.props("outlined dense options-dense for=format-select popup-content-class=ts-menu")
                chosen.classes("ts-input ts-format-select").mark("format")
        if found.ignored:
            Text("p", say("Not read: {ignored}", ignored=clipped(", ".join(found.ignored))[:300]), "ts-note")

    async def _reread(self, name: str, found: Inspection) -> None:
        if name == OWN_COLUMNS:
            self._open_mapper(found)
        else:
            await self.start(ReadOptions(format=name))

    def _offer_mapper(self, found: Inspection) -> None:
        with self._mapping:
            Button("Not right? Map the columns", lambda: self._open_mapper(found), kind="ghost").mark("map-columns")

    def _open_mapper(self, found: Inspection) -> None:
        self._mapping.clear()
        with self._mapping:
            ColumnMapper(found, self._wanted, self._remap)

    def _remap(self, mapping: Mapping | None, samples: Sequence[Sample]) -> None:
        self._options = ReadOptions(mapping=mapping) if mapping else None
        self._kind = mapping.kind if mapping else None
        self._preview_of(self._kind, samples)

    def _preview_of(self, kind: Kind | None, samples: Sequence[Sample]) -> None:
        self._badge.visible = kind is not None
        self._import.set_enabled(kind is not None)
        self._preview.clear()
        if kind is None:
            return
        words = WORDS[kind]
        with self._preview:
            if UPLOADED_AS.get(kind, kind) is not self._wanted:
                Text(
                    "p",
                    say(
                        "This is a dataset of another kind than {wanted}: {found}.",
                        wanted=say(WORDS[self._wanted].tab),
                        found=say(words.tab),
                    ),
                    "ts-note",
                )
        self._badge.text = f"✓ {say(words.badge)}"
        self._badge.classes(replace=f"ts-badge ts-badge-{words.tone}")
        with self._preview:
            heading(say("What the first row becomes | What the first {count} rows become", count=len(samples)), 3)
            for sample in samples:
                _sample(sample, kind)

    def _foot(self, found: Inspection) -> None:
        with box("ts-field"):
            Text("label", "Dataset name", "ts-label").props["for"] = "dataset-name"
            name = ui.input(value=file_title(Path(self._name))).props("outlined dense for=dataset-name maxlength=120")
            name.classes("ts-input").mark("dataset-name")
        with box("ts-step-foot"):
            Button("Discard", self._on_discard)
            self._import = Button("Import", lambda: self._take(name.value or ""), kind="primary").mark("import")

    async def _take(self, name: str) -> None:
        if self._options is not None:
            await self._on_import(name.strip(), self._options)


def _sample(sample: Sample, kind: Kind) -> None:
    if sample.problem is None:
        example_of(sample.content, kind)
        return
    known = CODES.get(sample.problem.code)
    with box("ts-side ts-side-bad"):
        Text(
            "span",
            say("Line {line}: {title}", line=sample.raw.line, title=known.title if known else sample.problem.code),
            "ts-tag",
        )
        Text("p", str(sample.problem))
