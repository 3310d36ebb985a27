"""JSON schemas that answers have to follow, checked before any engine sees them: both follow them by llguidance.

A schema is somebody else's program as much as a template is: nested alternatives and long patterns can take the time
and memory of a worker. So its size is bounded, and it is compiled once under llguidance's own limits.
"""

import json
from typing import Any

import llguidance

from serving.failures import BadRequest

MOST_CHARACTERS, MOST_PARTS, DEEPEST, LONGEST_PATTERN = 65_536, 4_000, 32, 500
#: Models of a few hundred million parameters would otherwise write line breaks until their tokens are used up.
WHITESPACE = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


def checked(schema: dict[str, Any]) -> dict[str, Any]:
    """What llguidance is to follow. Raises BadRequest where it cannot, or where it would take too much."""
    wanted = {**(schema or {"type": "object"}), "x-guidance": WHITESPACE}
    require_modest(wanted)
    try:
        problem = llguidance.LLMatcher.validate_grammar(llguidance.LLMatcher.grammar_from_json_schema(wanted), None)
    except ValueError as error:
        problem = str(error)
    if problem:
        said = problem.partition("\n")[0][:300].rstrip(".")
        raise BadRequest(f"The JSON schema cannot be followed: {said}.", param="response_format")
    return wanted


def require_modest(schema: dict[str, Any]) -> None:
    parts, nested = 0, [(schema, 0)]
    while nested:
        value, depth = nested.pop()
        parts += 1
        if depth > DEEPEST or parts > MOST_PARTS:
            raise BadRequest(
                f"The JSON schema is too large: {MOST_PARTS} parts and {DEEPEST} levels are the most.",
                "response_format",
            )
        if isinstance(value, dict):
            if len(str(value.get("pattern", ""))) > LONGEST_PATTERN:
                raise BadRequest(f"A pattern has {LONGEST_PATTERN} characters at most.", param="response_format")
            nested += [(inner, depth + 1) for inner in value.values()]
        elif isinstance(value, list):
            nested += [(inner, depth + 1) for inner in value]
    if len(json.dumps(schema)) > MOST_CHARACTERS:
        raise BadRequest(f"The JSON schema has {MOST_CHARACTERS} characters at most.", param="response_format")
