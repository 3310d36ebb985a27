"""One row's JSON, read strictly: what readers would disagree about is refused, with the reason and the place."""

import json
import math
import re
from typing import Any, NoReturn

from core.formats.limits import DEPTH
from core.formats.problems import RowProblem
from storage.rows import Content

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(r"\\u[dD][89a-fA-F]")


def parse_object(text: bytes) -> Content:
    """The object in `text`. Raises RowProblem: not_utf8, not_json, not_object, duplicate_keys, nan_or_inf, …"""
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise RowProblem("not_utf8", f"Byte {error.start + 1} is 0x{text[error.start]:02x}.") from error
    try:
        value = json.loads(decoded, object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        raise RowProblem("not_json", f"{error.msg} at character {error.pos + 1}.") from error
    except ValueError as error:
        raise RowProblem("number_too_large", "A number has thousands of digits.") from error
    except RecursionError as error:
        raise _too_deep() from error
    return checked_object(value, decoded)


def checked_object(value: Any, text: str) -> Content:
    """A parsed value as a row. `text` saves looking into values that cannot be wrong."""
    if not isinstance(value, dict):
        raise RowProblem("not_object", f"The row is {_named(value)}.")
    if text.count("[") + text.count("{") > DEPTH:
        _measure(value)
    if _ESCAPED_HALF.search(text) and _HALF_CHARACTER.search(json.dumps(value, ensure_ascii=False)):
        raise RowProblem("surrogate", "A \\ud800 to \\udfff stands alone.")
    return value


def strict_decoder() -> json.JSONDecoder:
    """For readers that take one value after the other out of a longer text."""
    return json.JSONDecoder(object_pairs_hook=_pairs, parse_constant=_constant, parse_float=_float)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RowProblem("duplicate_keys", f"“{twice[:40]}” stands there twice.")
    return found


def _constant(name: str) -> NoReturn:
    raise RowProblem("nan_or_inf", f"A value is {name}.")


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise RowProblem("nan_or_inf", f"{text[:40]} is too large for a number.")
    return value


def _measure(value: Any) -> None:
    """Without recursion: depth is what it is about."""
    level = [value]
    for _ in range(DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise _too_deep()


def _children(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value
    return [child for child in inner if isinstance(child, dict | list)]


def _too_deep() -> RowProblem:
    return RowProblem("too_deep", f"Lists and objects inside each other: {DEPTH} levels are allowed.")


def _named(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return "a list" if isinstance(value, list) else "a text" if isinstance(value, str) else "a number"
