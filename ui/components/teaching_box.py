"""💡 What is Supervised Fine-Tuning? Said where the labelled examples are chosen."""

from ui.components.text import Text, box, emoji, heading


def teaching_box() -> None:
    with box("ts-teach", "section").props("aria-label='What is Supervised Fine-Tuning?'"):
        with box("ts-teach-title"):
            emoji("💡", "bulb")
            heading("What is Supervised Fine-Tuning?", 3)
        Text("p", "Supervised fine-tuning teaches your AI model by showing it labeled examples:")
        with box("ts-list", "ul"):
            _point("INPUT:", "User questions or requests")
            _point("OUTPUT:", "Your desired AI responses")
        Text("p", "Example:", "ts-strong")
        with box("ts-example"):
            _line("INPUT:", "“What's the refund policy?”")
            _line("OUTPUT:", "“We offer a 30-day money-back guarantee...”")


def _point(term: str, text: str) -> None:
    with box("", "li"):
        Text("strong", term)
        Text("span", f" {text}")


def _line(term: str, text: str) -> None:
    Text("span", term, "ts-tag")
    Text("span", text)
