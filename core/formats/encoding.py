"""Which encoding a text file has: by its byte order mark, by its zeros, by being UTF-8, and last by guessing."""

import codecs
import re
from dataclasses import dataclass

from charset_normalizer import from_bytes

from core.formats.problems import FileProblem
from core.formats.source import Readable

UTF8 = "utf-8"
#: Longest first: UTF-32's mark begins with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")


@dataclass(frozen=True, slots=True)
class Encoding:
    name: str
    #: Bytes of the byte order mark.
    mark: int = 0
    guessed: bool = False


def detect(head: bytes, name: str) -> Encoding:
    """The encoding of a text that begins with `head`. Raises FileProblem where it is no text."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return Encoding(encoding, len(mark))
    if b"\0" in head:
        return Encoding(_wide(head, name), guessed=True)
    # A few bad bytes between good UTF-8 are damage, for the rows to be told of; else it is another encoding.
    if _is_utf8(head) or sum(map(len, _MULTIBYTE.findall(head))) > len(_HIGH.findall(head)) / 2:
        return Encoding(UTF8)
    best = from_bytes(_telling(head)).best()
    if best is None:
        raise FileProblem("binary", f"{name} is not text in any known encoding. Save the examples as UTF-8 JSONL.")
    return Encoding(best.encoding, guessed=True)


def checked(encoding: str) -> str:
    """The codec's own name. Raises FileProblem for a name that Python does not know as a text encoding."""
    try:
        info = codecs.lookup(encoding)
        "".encode(info.name)
    except (LookupError, UnicodeError, ValueError) as error:
        raise FileProblem("unknown_encoding", f"There is no encoding “{encoding}”. Try utf-8 or cp1252.") from error
    return info.name


class Recoded:
    """A stream in any encoding, read as UTF-8. What cannot be decoded becomes �, for the checks to find."""

    def __init__(self, stream: Readable, encoding: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")

    def read(self, size: int) -> bytes:
        data = b""
        while not data:
            chunk = self._stream.read(size)
            # Lone surrogates pass some decoders and no encoder.
            data = self._decoder.decode(chunk, final=not chunk).encode(errors="replace")
            if not chunk:
                break
        return data


def _wide(head: bytes, name: str) -> str:
    """UTF-16 without a mark: in a text of ASCII characters every other byte is zero."""
    even, odd = head[:2000:2].count(0), head[1:2000:2].count(0)
    half = len(head[:2000]) / 2
    if odd > half / 2 > even * 4:
        return "utf-16-le"
    if even > half / 2 > odd * 4:
        return "utf-16-be"
    raise FileProblem("binary", f"{name} holds zero bytes, so it is not text. Save the examples as UTF-8 JSONL.")


def _is_utf8(head: bytes) -> bool:
    """Whether it is, but for a character that the head's end cuts in two."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def _telling(head: bytes) -> bytes:
    """The part of the head around its first byte beyond ASCII: the rest says nothing about the encoding."""
    first = _HIGH.search(head)
    start = max(0, first.start() - 2_000) if first else 0
    return head[start : start + 50_000]
