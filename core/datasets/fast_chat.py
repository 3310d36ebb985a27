"""The fast way in for chat rows in which there is nothing to say: typed, checked and written a block at a time.

Whatever is odd about a block returns None for it, and the slow way explains. So this may be strict, never lenient.
"""

import re
from dataclasses import dataclass
from typing import Literal

import msgspec

from core.formats.limits import LINE_BYTES

_Absent = msgspec.UnsetType


class _Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    # In the order of the canonical row's keys, so that msgspec writes what storage.rows.encode would.
    content: str
    role: Literal["system", "user", "assistant"]


class _Row(msgspec.Struct, gc=False):
    messages: list[_Message]


class _Incoming(_Row, gc=False):
    """Other columns are ignored, but for those that say something about the answer."""

    tools: _Absent = msgspec.UNSET
    functions: _Absent = msgspec.UNSET


_DECODE = msgspec.json.Decoder(_Incoming).decode_lines
_ENCODE = msgspec.json.Encoder().encode_lines
#: Wider than the real patterns: what they may match must be in here.
_SUSPECT = re.compile(rb"<[|/s\xef<be_pu]|INST\]")
_DAMAGE = re.compile(rb"\xef\xbf\xbd|\xc3[\x82\x83]|\xc3\xa2\xe2\x82\xac")


@dataclass(frozen=True, slots=True)
class Clean:
    """Canonical rows, one for each line of the block."""

    rows: list[bytes]
    characters: int


class FastChat:
    """Remembers which orders of roles were found good."""

    def __init__(self) -> None:
        self._good: set[tuple[str, ...]] = set()

    def accept(self, block: bytes) -> Clean | None:
        """The block's rows, or None when the slow way has to look at one of them. `block` is whole lines."""
        if len(block) > LINE_BYTES:
            return None
        try:
            rows = _DECODE(block)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        characters = self._characters(rows)
        if characters is None or len(rows) != block.count(b"\n") + (not block.endswith(b"\n")):
            return None
        # Without tools and functions there are only messages left to write.
        encoded = _ENCODE(rows)
        if _is_suspect(encoded) or _hides_keys(block, encoded, rows):
            return None
        return Clean(encoded.removesuffix(b"\n").split(b"\n"), characters)

    def _characters(self, rows: list[_Incoming]) -> int | None:
        total = 0
        good = self._good
        for row in rows:
            roles = []
            for message in row.messages:
                content = message.content
                if not content or content.isspace():
                    return None
                total += len(content)
                roles.append(message.role)
            if (order := tuple(roles)) not in good:
                if not _is_plain(order):
                    return None
                good.add(order)
            # Perhaps very short: the slow way decides.
            if len(content) < 8 and not content.isalnum():
                return None
        return total


def _is_plain(roles: tuple[str, ...]) -> bool:
    """Perhaps a system message, then user and assistant in turn, the assistant last."""
    turns = roles[1:] if roles[:1] == ("system",) else roles
    return len(turns) > 0 and len(turns) % 2 == 0 and turns == ("user", "assistant") * (len(turns) // 2)


def _is_suspect(encoded: bytes) -> bool:
    if (b"<" in encoded or b"INST]" in encoded) and _SUSPECT.search(encoded):
        return True
    return not encoded.isascii() and _DAMAGE.search(encoded) is not None


def _hides_keys(block: bytes, encoded: bytes, rows: list[_Incoming]) -> bool:
    """Whether a key stands twice in an object: decoders keep one of them and say nothing.

    As many quotes as in what we write: nothing is hidden. Else columns were ignored, and the keys are counted.
    """
    if block.count(b'"') == encoded.count(b'"'):
        return False
    messages = sum(len(row.messages) for row in rows)
    expected = {b'"messages"': len(rows), b'"role"': messages, b'"content"': messages}
    return any(block.count(key) != count for key, count in expected.items())
