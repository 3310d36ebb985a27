"""Which format a file has: its first rows vote. Where none fits, which columns look like what."""

import difflib
from collections import Counter
from collections.abc import Iterable

from core.formats import FORMATS
from core.formats.format import Format
from core.formats.options import Mapping
from storage.rows import Content

#: Names that people give to columns, the most telling first.
_NAMES: dict[str, tuple[str, ...]] = {
    "system": ("system", "system_prompt", "system_message"),
    "prompt": ("prompt", "question", "instruction", "query", "user", "human", "input", "problem", "context"),
    "completion": ("completion", "response", "answer", "output", "assistant", "reply", "target", "solution", "gpt"),
    "chosen": ("chosen", "preferred", "good", "winner", "chosen_response", "accepted"),
    "rejected": ("rejected", "dispreferred", "bad", "loser", "rejected_response"),
    "label": ("label", "thumbs_up", "liked", "rating"),
    "messages": ("messages", "conversation", "conversations", "dialogue", "dialog", "chat", "turns"),
    "text": ("text", "content", "document", "body"),
}


def format_of(row: Content) -> Format | None:
    return next((entry for entry in FORMATS.values() if entry.matches(row)), None)


def vote(rows: Iterable[Content]) -> tuple[Format | None, bool]:
    """The format of most rows, and whether more than half of all are of it."""
    found = [format_of(row) for row in rows]
    counted = Counter(entry.name for entry in found if entry)
    if not counted:
        return None, False
    name, count = counted.most_common(1)[0]
    return FORMATS[name], count * 2 > len(found)


def propose(columns: list[str]) -> Mapping | None:
    """A mapping for columns of no known format, by their names. Always to be confirmed by a person."""
    roles: dict[str, str] = {}
    lowered = {column.lower().strip().replace(" ", "_"): column for column in reversed(columns)}
    for role, names in _NAMES.items():
        column = next((lowered[name] for name in names if name in lowered and lowered[name] not in roles), None)
        if column is not None:
            roles[column] = role
    wanted = _wanted(set(roles.values()))
    kept = {column: role for column, role in roles.items() if role in wanted}
    return Mapping(roles=kept | {column: "ignore" for column in columns if column not in kept}) if wanted else None


def _wanted(found: set[str]) -> set[str]:
    """The roles of one complete kind among those that were found."""
    for complete in ({"chosen", "rejected"}, {"messages"}, {"prompt", "completion", "label"}, {"prompt", "completion"}):
        if complete <= found:
            return complete | (found & {"system", "prompt"} if "messages" not in complete else {"system"} & found)
    return {"text"} if "text" in found else set()


def nearest_name(columns: list[str]) -> str:
    """'Did you mean “messages”?' for a column that is a typo away from one that a format needs; else empty."""
    known = sorted({name for entry in FORMATS.values() for name in entry.columns if len(name) > 4})
    for column in columns:
        close = difflib.get_close_matches(column.lower(), known, n=1, cutoff=0.8)
        if close and close[0] != column:
            return f" Did you mean “{close[0]}” instead of “{column}”?"
    return ""
