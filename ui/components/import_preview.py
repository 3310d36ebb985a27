"""What the chosen conversations become: counted, and the first examples as they will be. Made anew at every change."""

from collections.abc import Callable
from pathlib import Path

from nicegui import ui

from core.conversations.anonymise import Change
from core.conversations.children import make_in_child
from core.conversations.making import SHOWN_EXAMPLES, Made
from core.conversations.options import ImportOptions, Result
from core.datasets.intake import MINIMUM_EXAMPLES
from core.errors import Cancelled, StudioError
from storage.rows import Kind
from ui.components.example import conversation, example_of
from ui.components.quantity import counted
from ui.components.text import Text, box, heading
from ui.texts import say
from ui.threads import in_own_thread

KINDS = {Result.PAIRS: Kind.PREFERENCE, Result.RATED: Kind.UNPAIRED}
LOOK_EVERY_S = 0.4


class ImportPreview:
    """`on_ready` hears whether what is shown can become a dataset."""

    def __init__(self, store: Path, on_ready: Callable[[bool], None]) -> None:
        self._store = store
        self._on_ready = on_ready
        self._turn = 0
        self._so_far: Made | None = None
        self._options = ImportOptions()
        self._has_examples = False
        with box("ts-card ts-import-preview", "section", label="Preview") as self._card:
            heading("Preview", 2)
            self._counts = Text("p", "", "ts-strong").props("aria-live=polite").mark("counts")
            self._note = Text("p", "", "ts-note").mark("counts-note")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("preview-problem")
            self._changes = box("ts-stretch").mark("changes")
            self._examples = box("ts-stretch ts-import-examples").mark("examples")
        self._timer = ui.timer(LOOK_EVERY_S, self._look, active=False)

    async def show(self, numbers: list[int], options: ImportOptions | None) -> None:
        """The last call wins; an earlier one ends at its next word."""
        self._turn += 1
        turn = self._turn
        self._on_ready(False)
        if options is None or not numbers:
            self._draw(Made(), options or ImportOptions())
            return
        self._so_far, self._options, self._has_examples = None, options, False
        self._timer.active = True

        def tell(made: Made) -> None:
            if turn != self._turn or self._card.is_deleted:
                raise Cancelled("The preview is made anew.")
            self._so_far = made

        try:
            made = await in_own_thread(make_in_child, self._store, numbers, options, None, tell)
        except Cancelled:
            return
        except (StudioError, OSError) as error:
            if turn == self._turn and not self._card.is_deleted:
                self._timer.active = False
                self._complain(str(error))
            return
        if turn == self._turn and not self._card.is_deleted:
            self._timer.active = False
            self._draw(made, options)

    def _look(self) -> None:
        """Of a large export the first examples are there long before the counts."""
        if made := self._so_far:
            self._counts.text = say("{examples} so far…", examples=counted(made.rows, "examples"))
            if len(made.shown) == SHOWN_EXAMPLES and not self._has_examples:
                self._draw_examples(made, self._options)

    def _draw(self, made: Made, options: ImportOptions) -> None:
        used = made.conversations - made.skipped
        self._counts.text = say(
            "{examples} from {conversations}",
            examples=counted(made.rows, "examples"),
            conversations=counted(used, "conversations"),
        )
        self._note.text = " ".join(_notes(made, options))
        self._note.visible = bool(self._note.text)
        enough = made.rows >= MINIMUM_EXAMPLES
        self._complain("" if enough else say("At least {count} examples are needed.", count=MINIMUM_EXAMPLES))
        self._draw_changes(made)
        self._draw_examples(made, options)
        self._on_ready(enough)

    def _draw_examples(self, made: Made, options: ImportOptions) -> None:
        self._has_examples = True
        self._examples.clear()
        with self._examples:
            for row in made.shown:
                if kind := KINDS.get(options.result):
                    example_of(row, kind)
                else:
                    with box("ts-import-example"):
                        conversation(row)

    def _draw_changes(self, made: Made) -> None:
        self._changes.clear()
        if not made.anonymised:
            return
        replaced = ", ".join(f"{count:,} × {label}" for label, count in sorted(made.anonymised.items()))
        with self._changes, box("ts-panel ts-swaps"):
            heading("Replaced", 3)
            Text("p", replaced, "ts-note").mark("replaced")
            for change in made.changes:
                _change(change)

    def _complain(self, sentence: str) -> None:
        self._problem.text, self._problem.visible = sentence, bool(sentence)


def _notes(made: Made, options: ImportOptions) -> list[str]:
    notes: list[str] = []
    if made.skipped and options.result in KINDS:
        notes.append(say("{conversations} without such answers.", conversations=counted(made.skipped, "conversations")))
    elif made.skipped:
        notes.append(
            say("{conversations} with nothing to learn.", conversations=counted(made.skipped, "conversations"))
        )
    if made.alone and options.result is Result.PAIRS:
        notes.append(
            say(
                "{answers} with a thumb but no counterpart: rated answers (KTO) would use them.",
                answers=counted(made.alone, "answers"),
            )
        )
    return notes


def _change(change: Change) -> None:
    with box("ts-swap"):
        Text("span", f"…{change.before}…", "ts-swap-before")
        Text("span", f"…{change.after}…", "ts-swap-after")
