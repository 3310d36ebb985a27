"""Graders that only look at the text. Each returns a number; none can run for long."""

import json
import re
from typing import Any

import jsonschema
import regex

from graders.score import GraderError
from storage.graders import JsonSchema, Length, NumericAnswer, Regex, StringCheck

#: A pattern that takes longer is told; `re` could not be stopped.
PATTERN_S = 1.0
_NUMBER = re.compile(r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?")


def string_check(grader: StringCheck, text: str, reference: str) -> float:
    match grader.operation:
        case "eq":
            return float(text == reference)
        case "ne":
            return float(text != reference)
        case "like":
            return float(reference in text)
        case "ilike":
            return float(reference.casefold() in text.casefold())


def pattern(grader: Regex, text: str, reference: str) -> float:
    try:
        found = regex.search(grader.pattern, text, timeout=PATTERN_S)
    except TimeoutError:
        raise GraderError(f"The pattern took longer than {PATTERN_S:.0f} s on one answer; make it simpler.") from None
    except regex.error as error:
        raise GraderError(f"The pattern {grader.pattern[:80]!r} is not valid: {error}.") from error
    if found is None or not grader.reference:
        return float(found is not None)
    captured = found[1] if found.re.groups else found[0]
    return float((captured or "").strip() == reference.strip())


def json_schema(grader: JsonSchema, text: str) -> float:
    try:
        jsonschema.validate(json.loads(text), grader.json_schema)
    except (ValueError, RecursionError, jsonschema.ValidationError):
        return 0.0
    except jsonschema.SchemaError as error:
        raise GraderError(f"The JSON schema is not valid: {error.message[:200]}.") from error
    return 1.0


def numeric_answer(grader: NumericAnswer, text: str, reference: Any) -> float:
    wanted = last_number(str(reference))
    if wanted is None:
        raise GraderError(f"The reference “{str(reference)[:60]}” has no number in it.")
    said = last_number(text)
    return float(said is not None and abs(said - wanted) <= grader.tolerance * max(1.0, abs(wanted)))


def last_number(text: str) -> float | None:
    """1,234.5 counts as one number; the last one is the answer, as in GSM8K."""
    found = _NUMBER.findall(text)
    return float(found[-1].replace(",", "")) if found else None


def length(grader: Length, text: str) -> float:
    words = len(text.split())
    if words < grader.least:
        return words / grader.least
    return 1.0 if words <= grader.most else max(0.0, 2 - words / grader.most)
