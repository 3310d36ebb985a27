"""How a run came to its end and which step its output holds, where that is not simply the last."""

from collections.abc import Mapping

from ui.components.text import Text, box, heading
from ui.texts import say


class EndingNote:
    """Invisible while there is nothing to say."""

    def __init__(self) -> None:
        with box("ts-card", "section", label="How it ended") as self._card:
            heading("How it ended", 2)
            self._text = Text("p", "").mark("ending-note")
        self._card.visible = False

    def show(self, facts: Mapping[str, float] | None) -> None:
        self._text.text = ending(facts or {})
        self._card.visible = bool(self._text.text)


def ending(facts: Mapping[str, float]) -> str:
    """From the facts of the last event."""
    said = []
    if "stopped_early_step" in facts:
        said.append(
            say(
                "It stopped early at step {step:.0f}, as nothing got better any more.", step=facts["stopped_early_step"]
            )
        )
    if "best_step" in facts and "exported_step" in facts:
        exported = say("The output holds step {step:.0f}", step=facts["exported_step"])
        if facts["exported_step"] == facts["best_step"]:
            said.append(
                say(
                    "{exported}, the best that was evaluated ({value:.4g}).",
                    exported=exported,
                    value=facts["best_value"],
                )
            )
        else:
            said.append(
                say(
                    "{exported}; step {step:.0f} was better and has no checkpoint any more.",
                    exported=exported,
                    step=facts["best_step"],
                )
            )
    return " ".join(said)
