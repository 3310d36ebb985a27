"""Rows as tokens, many texts a call of the rust tokenizer, with a mark on those that are learned."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from storage.rows import Kind, Row
from training.conversations import Refused, conversations_of
from training.render import Rendered, Renderer

#: One call of the tokenizer: large enough to be quick, small enough that a cancel is heard.
CALL_ROWS = 256
CALL_CHARACTERS = 1_000_000


@dataclass(frozen=True, slots=True)
class Sequence:
    """`learned` is one flag a token."""

    input_ids: np.ndarray
    learned: np.ndarray


@dataclass(frozen=True, slots=True)
class Tokenised:
    """A row: its sequences, or why it has none."""

    row: Row
    sequences: tuple[Sequence, ...] = ()
    refused: Refused | None = None
    notes: tuple[str, ...] = ()


def tokenised(rows: Iterable[Row], kind: Kind, tokenizer: PreTrainedTokenizerBase) -> Iterator[Tokenised]:
    """Every row, in order."""
    renderer = Renderer(tokenizer)
    waiting: list[tuple[Row, tuple[Rendered, ...] | Refused]] = []
    characters = 0
    for row in rows:
        rendered = render_row(row, kind, renderer)
        waiting.append((row, rendered))
        characters += 0 if isinstance(rendered, Refused) else sum(len(part.text) for part in rendered)
        if len(waiting) >= CALL_ROWS or characters >= CALL_CHARACTERS:
            yield from encode(waiting, tokenizer)
            waiting, characters = [], 0
    yield from encode(waiting, tokenizer)


def render_row(row: Row, kind: Kind, renderer: Renderer) -> tuple[Rendered, ...] | Refused:
    try:
        return tuple(renderer.render(conversation) for conversation in conversations_of(row, kind))
    except Refused as refused:
        return refused


def encode(
    waiting: list[tuple[Row, tuple[Rendered, ...] | Refused]], tokenizer: PreTrainedTokenizerBase
) -> Iterator[Tokenised]:
    parts = [part for _, rendered in waiting if not isinstance(rendered, Refused) for part in rendered]
    encodings = encodings_of(parts, tokenizer)
    for row, rendered in waiting:
        if isinstance(rendered, Refused):
            yield Tokenised(row, refused=rendered)
            continue
        sequences = tuple(sequence_of(part, next(encodings), tokenizer) for part in rendered)
        notes = tuple(sorted({note for part in rendered for note in part.notes}))
        yield Tokenised(row, sequences, notes=notes)


def encodings_of(parts: list[Rendered], tokenizer: PreTrainedTokenizerBase) -> Iterator[Any]:
    """All of a kind are alike in whether special tokens are added, so the first one speaks for all."""
    if not parts:
        return iter(())
    texts = [part.text for part in parts]
    # Whole texts: in pieces, tokens would merge differently.
    found = tokenizer(texts, add_special_tokens=parts[0].adds_special, verbose=False)
    return iter(found.encodings)


def sequence_of(part: Rendered, encoding: Any, tokenizer: PreTrainedTokenizerBase) -> Sequence:
    ids = np.array(encoding.ids, dtype=np.int32)
    learned = np.zeros(len(ids), dtype=bool)
    for start, end in part.learned:
        learned[first_token(encoding, len(ids), start, ends=True) : first_token(encoding, len(ids), end)] = True
    if part.adds_special:
        learned &= np.array(encoding.special_tokens_mask, dtype=bool) == 0
    closes = len(ids) and learned.any() and int(ids[learned][-1]) in tokenizer.all_special_ids
    if part.is_open and not closes and tokenizer.eos_token_id is not None:
        # A template without an end-of-turn token would teach the model never to stop.
        ids, learned = np.append(ids, np.int32(tokenizer.eos_token_id)), np.append(learned, True)
    return Sequence(ids, learned)


def first_token(encoding: Any, count: int, character: int, *, ends: bool = False) -> int:
    """The first token that begins at this character or later; with `ends`, that ends after it.

    A token across an answer's beginning (line breaks merge) is learned with it, or its first character would be lost.
    Halving, because the offsets of a long row as a list cost more than its tokens.
    """
    low, high = 0, count
    while low < high:
        middle = (low + high) // 2
        start, end = encoding.token_to_chars(middle) or (0, 0)
        low, high = (low, middle) if (end > character if ends else start >= character) else (middle + 1, high)
    return low
