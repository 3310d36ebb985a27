"""How a run came to its end and which step its output holds, where that is not simply the last."""

from collections.abc import Mapping

from ui.components.text import Text, box, heading


class EndingNote:
    """Invisible while there is nothing to say."""

    def __init__(self) -> None:
        with box("ts-card", "section").props("aria-label='How it ended'") as self._card:
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
        said.append(f"It stopped early at step {facts['stopped_early_step']:.0f}, as nothing got better any more.")
    if "best_step" in facts and "exported_step" in facts:
        exported = f"The output holds step {facts['exported_step']:.0f}"
        if facts["exported_step"] == facts["best_step"]:
            said.append(f"{exported}, the best that was evaluated ({facts['best_value']:.4g}).")
        else:
            said.append(f"{exported}; step {facts['best_step']:.0f} was better and has no checkpoint any more.")
    return " ".join(said)
