"""What supervised fine-tuning is, in one picture: what goes in, what comes out."""

from ui.components.text import Text, box, emoji, heading


def hero() -> None:
    with box("ts-hero", "section").props("aria-labelledby=hero-title"):
        with box("ts-teach-title"):
            emoji("💡", "bulb")
            heading("What is Supervised Fine-Tuning?", 2).props("id=hero-title")
        Text(
            "p",
            "Supervised fine-tuning teaches your AI model by showing it labeled examples where each example contains:",
        )
        with box("ts-hero-pair"):
            _side("📥", "inbox", "INPUT", "User questions", "“What's the refund policy?”")
            Text("span", "→", "ts-arrow").props("aria-hidden=true")
            _side("📤", "outbox", "OUTPUT", "Desired responses", "“We offer a 30-day money-back guarantee...”")
        Text(
            "p",
            "The model learns patterns from these labeled pairs... and follows them when it is asked something new.",
            "ts-muted",
        )


def _side(character: str, name: str, term: str, text: str, example: str) -> None:
    with box("ts-hero-side"):
        with box("ts-hero-term"):
            emoji(character, name)
            Text("span", term, "ts-tag")
        Text("span", text, "ts-strong")
        Text("span", example, "ts-sub")
