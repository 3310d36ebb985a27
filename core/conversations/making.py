"""Examples out of a store: for a preview, or into a file that is imported as a dataset. The same code for both."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from core.conversations.anonymise import Anonymiser, Change
from core.conversations.conversation import Conversation
from core.conversations.examples import examples, is_left_out
from core.conversations.options import ImportOptions, Result
from core.conversations.store import Store
from core.conversations.thumbs import Pairing, rated_answers
from storage.rows import Content, encode

SHOWN_EXAMPLES = 5
SHOWN_CHANGES = 8
_TELL_EVERY_S = 0.1


@dataclass(slots=True)
class Made:
    """`skipped` conversations gave no example; `alone` rated answers found no counterpart. `anonymised`: label → how
    often, `changes` the first of these; both in conversations that gave an example. `shown` are the first rows."""

    conversations: int = 0
    skipped: int = 0
    rows: int = 0
    alone: int = 0
    anonymised: dict[str, int] = field(default_factory=dict)
    shown: list[Content] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


OnMade = Callable[[Made], None]


def make(
    store: Store,
    numbers: Iterable[int] | None,
    options: ImportOptions,
    into: Path | None = None,
    on_progress: OnMade = lambda _: None,
) -> Made:
    """Examples of the conversations of these numbers (None: all), written to `into` as JSONL where it is given.

    `on_progress` gets what was made so far; what it raises ends the work.
    """
    made = Made()
    anonymiser = Anonymiser(options.names, SHOWN_CHANGES) if options.anonymise else None
    pairing = Pairing()
    told = 0.0
    with into.open("wb") if into else nullcontext() as file:
        for conversation in store.conversations(numbers):
            made.conversations += 1
            before = made.rows
            for row in _rows(conversation, options, anonymiser, pairing):
                made.rows += 1
                if len(made.shown) < SHOWN_EXAMPLES:
                    made.shown.append(row)
                if file:
                    file.write(encode(row) + b"\n")
            if made.rows == before:
                made.skipped += 1
            elif anonymiser:
                anonymiser.count()
            if time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                _tally(made, anonymiser, pairing)
                on_progress(made)
    _tally(made, anonymiser, pairing)
    return made


def _rows(
    conversation: Conversation, options: ImportOptions, anonymiser: Anonymiser | None, pairing: Pairing
) -> Iterator[Content]:
    if is_left_out(conversation, options):
        return
    if anonymiser:
        conversation = anonymiser.conversation(conversation)
    match options.result:
        case Result.PAIRS:
            for rated in rated_answers(conversation, options):
                yield from pairing.add(rated)
        case Result.RATED:
            for rated in rated_answers(conversation, options):
                yield rated.row
        case _:
            yield from examples(conversation, options)


def _tally(made: Made, anonymiser: Anonymiser | None, pairing: Pairing) -> None:
    made.alone = pairing.alone
    if anonymiser:
        made.anonymised = dict(anonymiser.counts)
        made.changes = anonymiser.changes
