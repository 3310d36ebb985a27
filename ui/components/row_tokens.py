"""A row as the model reads it: the rendered conversation, with what is learned in colour."""

from core.checks.codes import CODES
from core.datasets.tokens import Piece, RowTokens
from ui.components.text import Text, box
from ui.texts import say

SEQUENCES = {1: ("",), 2: ("Chosen", "Rejected")}


def row_tokens(found: RowTokens) -> None:
    if found.refused:
        known = CODES.get(found.refused)
        Text("p", f"{known.title if known else found.refused}. {found.detail}", "ts-error").props("role=alert")
    titles = SEQUENCES.get(len(found.sequences), tuple("" for _ in found.sequences))
    for title, sequence in zip(titles, found.sequences, strict=True):
        tokens = sum(piece.tokens for piece in sequence)
        learned = sum(piece.tokens for piece in sequence if piece.trained and not piece.cut)
        Text(
            "p",
            (f"{say(title)}: " if title else "")
            + say(
                "{count:,} token, {learned:,} of them learned | {count:,} tokens, {learned:,} of them learned",
                count=tokens,
                learned=learned,
            ),
            "ts-muted",
        )
        with box("ts-rendered", label="The row as the model reads it").props("tabindex=0 role=group"):
            for piece in sequence:
                _piece(piece)


def legend() -> None:
    with box("ts-legend"):
        Text("span", "learned", "ts-piece ts-piece-learned")
        Text("span", "read, not learned", "ts-piece")
        Text("span", "beyond the context: never seen", "ts-piece ts-piece-cut")


def _piece(piece: Piece) -> None:
    kind = "ts-piece-cut" if piece.cut else "ts-piece-learned" if piece.trained else ""
    # Not by colour alone: screen readers are told, and what is learned is underlined.
    Text("mark" if piece.trained and not piece.cut else "span", piece.text, f"ts-piece {kind}")
