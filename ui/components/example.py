"""A row as INPUT → OUTPUT, for every kind of dataset; and the whole of it, message by message."""

from core.checks.codes import CODES
from core.datasets.preview import Pair, pair_of, words
from storage.rows import Content, Kind, Message, Row
from ui.components.text import Text, box
from ui.texts import say

#: More of a text is not sent to the browser.
SHOWN_CHARACTERS = 6000


def example(pair: Pair, kind: Kind) -> None:
    """Texts are cut by the stylesheet to a few lines."""
    if pair.broken:
        _broken(pair)
        return
    if kind is Kind.TEXT:
        _side("TEXT", pair.answer, "ts-side ts-side-out")
        return
    with box("ts-pair"):
        _side("INPUT", pair.prompt, "ts-side")
        Text("span", "→", "ts-arrow").props("aria-hidden=true")
        match kind:
            case Kind.PREFERENCE:
                with box("ts-sides"):
                    _side("CHOSEN", pair.answer, "ts-side ts-side-out")
                    _side("REJECTED", pair.rejected, "ts-side ts-side-bad")
            case Kind.UNPAIRED:
                wanted = "👍 WANTED" if pair.is_wanted else "👎 UNWANTED"
                _side(wanted, pair.answer, f"ts-side {'ts-side-out' if pair.is_wanted else 'ts-side-bad'}")
            case Kind.REINFORCEMENT:
                _side("ITEM", pair.item, "ts-side ts-side-out")
            case _:
                _side("OUTPUT", pair.answer, "ts-side ts-side-out")


def example_of(content: Content, kind: Kind) -> None:
    """The same for a row that is not in a dataset yet."""
    example(pair_of(Row(0, 0, content), kind), kind)


def conversation(content: Content) -> None:
    """Everything that the row holds, in its order."""
    for part, title in (
        ("messages", ""),
        ("prompt", ""),
        ("chosen", "chosen"),
        ("rejected", "rejected"),
        ("completion", ""),
    ):
        for message in content.get(part, ()):
            _message(message, title)
    if "text" in content:
        _spoken("text", str(content["text"]), "")
    for name, value in content.get("item", {}).items():
        _spoken(f"item.{name}", str(value), "")
    if content.get("tools"):
        _spoken("tools", "\n".join(str(tool.get("function", tool).get("name", "")) for tool in content["tools"]), "")


def _message(message: Message, title: str) -> None:
    role = str(message.get("role", ""))
    weight = " (weight 0: not learned)" if message.get("weight") == 0 else ""
    thought = message.get("reasoning_content")
    if thought:
        _spoken(say("{who} thinking", who=say(title)).strip(), str(thought), role)
    _spoken(f"{title} {role}{weight}".strip(), words([message]), role)


def _spoken(title: str, text: str, role: str) -> None:
    tone = "bad" if title.startswith("rejected") else "out" if role == "assistant" else "in"
    with box(f"ts-message ts-message-{tone}"):
        Text("span", title, "ts-tag")
        Text("p", clipped(text))


def clipped(text: str) -> str:
    beyond = len(text) - SHOWN_CHARACTERS
    return (
        say(
            "{begin}… ({count:,} more character) | {begin}… ({count:,} more characters)",
            begin=text[:SHOWN_CHARACTERS],
            count=beyond,
        )
        if beyond > 0
        else text
    )


def _side(title: str, text: str, classes: str) -> None:
    with box(classes):
        Text("span", title, "ts-tag")
        Text("p", clipped(text))


def _broken(pair: Pair) -> None:
    known = CODES.get(pair.broken)
    with box("ts-side ts-side-bad"):
        Text("span", known.title if known else pair.broken, "ts-tag")
        Text("p", clipped(pair.prompt), "ts-mono")
