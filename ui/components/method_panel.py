"""The chosen method's own parameters: every field it has, made from the spec."""

from core.models.library import ModelInfo
from ui.components.method_words import METHOD_WORDS
from ui.components.spec_field import spec_entry
from ui.components.spec_form import METHODS, SpecForm
from ui.components.text import Text, box, heading
from ui.texts import say

NOTHING_TO_SET = "Every weight is trained, so there is nothing to set here. The learning rate counts most: Step 3."


class MethodPanel:
    def __init__(self, form: SpecForm) -> None:
        self._form = form
        self._panel = box("ts-panel", "section").mark("method-panel")
        self._kind = ""
        self.draw()
        form.on_change(self.draw)

    def draw(self) -> None:
        """Anew where another method is chosen."""
        kind = self._form.get("method.kind")
        if kind == self._kind or self._panel.is_deleted:
            return
        self._kind, words = kind, METHOD_WORDS[kind]
        title = say("{method} Parameters", method=say(words.name))
        self._panel.props["aria-label"] = say(title)
        self._panel.classes(replace=f"ts-panel ts-tone ts-tone-{words.tone}")
        self._panel.clear()
        names = [name for name in METHODS[kind].model_fields if name != "kind"]
        with self._panel:
            heading(title, 3)
            if not names:
                Text("p", NOTHING_TO_SET, "ts-muted")
            with box("ts-grid"):
                for name in names:
                    spec_entry(self._form, f"method.{name}", scope="method")


def name_of(form: SpecForm, model: ModelInfo | None) -> str:
    """What the closed step says."""
    return f"{model.name} · {say(METHOD_WORDS[form.get('method.kind')].name)}" if model else "No model chosen yet"
