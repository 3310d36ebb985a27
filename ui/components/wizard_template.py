"""A chat template in the place of the model's own, and what it makes of the chosen dataset's first rows."""

from nicegui import ui

from core.datasets.tokens import RowTokens
from core.errors import StudioError
from core.studio import Studio
from storage.spec import LONGEST_CHAT_TEMPLATE
from ui.components.button import Button
from ui.components.folded import Folded
from ui.components.row_tokens import legend, row_tokens
from ui.components.spec_form import SpecForm
from ui.components.text import Text, box, heading
from ui.texts import say
from ui.threads import in_thread

PATH = "chat_template"
CONTEXT = "hyperparameters.max_context_length"
ABOUT = (
    "How a conversation becomes the text that the model reads, as a Jinja template. Empty = the model's own, which is "
    "right unless you know better: the tuned model has to be asked with the same one, and its output carries it."
)


class ChatTemplate:
    def __init__(self, studio: Studio, form: SpecForm) -> None:
        self._studio = studio
        self._form = form
        with Folded("Chat template", is_open=bool(form.get(PATH))):
            Text("p", ABOUT, "ts-help").props("id=chat-template-help")
            self._text = ui.textarea(value=form.get(PATH), on_change=lambda event: form.set(PATH, event.value or ""))
            self._text.props(
                f"outlined spellcheck=false maxlength={LONGEST_CHAT_TEMPLATE} aria-describedby=chat-template-help"
            )
            self._text.props["aria-label"] = say("Chat template")
            self._text.props["placeholder"] = say("The model’s own")
            self._text.classes("ts-input ts-area ts-mono").mark("chat-template")
            with box("ts-actions"):
                Button("Preview", self._preview, icon="search").mark("preview-template")
                Button("Start from the model’s own", self._begin, kind="ghost").mark("own-template")
            self._problem = Text("p", "", "ts-error").props("role=alert").mark("template-problem")
            self._problem.visible = False
            self._shown = box("ts-stretch").props("role=status").mark("template-preview")

    async def _begin(self) -> None:
        self._complain("")
        try:
            own = await in_thread(self._studio.templates.own, self._form.get("model"))
        except StudioError as error:
            self._complain(str(error))
            return
        if own:
            self._text.value = own
        else:
            self._complain("This model has no single template of its own to begin from.")

    async def _preview(self) -> None:
        self._complain("")
        self._shown.clear()
        try:
            actor = await in_thread(self._studio.people.actor)
            rows = await in_thread(
                self._studio.templates.first_rows,
                self._text.value or "",
                model=self._form.get("model"),
                dataset=self._form.get("dataset"),
                context=_whole(self._form.get(CONTEXT)),
                actor=actor,
            )
        except StudioError as error:
            self._complain(str(error))
            return
        self._show(rows)

    def _show(self, rows: list[RowTokens]) -> None:
        with self._shown:
            if not rows:
                Text("p", "The dataset has no rows.", "ts-muted")
                return
            legend()
            for number, found in enumerate(rows, start=1):
                heading(say("Row {number} as the model will read it", number=number), 4)
                row_tokens(found)

    def _complain(self, sentence: str) -> None:
        self._problem.text, self._problem.visible = sentence, bool(sentence)


def _whole(typed: object) -> int:
    """The context as it stands in the form; the model's own limit where that is no number yet."""
    text = str(typed)
    return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 9 else 1 << 30
