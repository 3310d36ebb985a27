"""The formats that are understood, in the order in which a row is tried against them."""

from core.formats.alpaca import ALPACA, ALPACA_PREFERENCE
from core.formats.chat import BATCH, CHAT, PROMPT_COMPLETION, TEXT
from core.formats.format import Format
from core.formats.preference import OPENAI_PREFERENCE, PREFERENCE, UNPAIRED
from core.formats.reinforcement import REINFORCEMENT
from core.formats.sharegpt import SHAREGPT, SHAREGPT_PREFERENCE, SHAREGPT_UNPAIRED

#: The more a format asks of a row, the earlier it stands: a preference has a prompt too.
FORMATS: dict[str, Format] = {
    entry.name: entry
    for entry in (
        OPENAI_PREFERENCE,
        SHAREGPT_PREFERENCE,
        ALPACA_PREFERENCE,
        PREFERENCE,
        SHAREGPT_UNPAIRED,
        UNPAIRED,
        BATCH,
        REINFORCEMENT,
        CHAT,
        SHAREGPT,
        ALPACA,
        PROMPT_COMPLETION,
        TEXT,
    )
}
