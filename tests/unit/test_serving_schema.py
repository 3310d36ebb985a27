"""JSON schemas of requests: what is followed, and what is refused before it costs anything."""

from typing import Any

import pytest

from serving.failures import BadRequest
from serving.schema import checked


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def test_an_ordinary_schema_is_followed_and_any_object_where_none_is_said():
    assert checked(nested(5))["properties"]
    assert checked({})["type"] == "object"


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (nested(40), "too large"),
        ({"enum": list(range(5000))}, "too large"),
        ({"const": "x" * 70_000}, "characters"),
        ({"type": "string", "pattern": "a" * 600}, "pattern"),
        (
            {"allOf": [{"oneOf": [{"type": "string", "minLength": a + b} for a in range(10)]} for b in range(8)]},
            "large",
        ),
        ({"allOf": [{"type": "string", "pattern": f".*{letter}.{{40}}"} for letter in "abcdefghij"]}, "regex"),
        ({"$ref": "http://example.com/schema.json"}, "Resource"),
        ({"$ref": "file:///etc/passwd"}, "Resource"),
        ({"type": "integer", "maximum": 10**300}, "JSON"),
        ({"type": "banana"}, "banana"),
    ],
)
def test_a_schema_that_would_cost_too_much_is_refused_in_a_sentence(schema, says):
    with pytest.raises(BadRequest, match=says) as refused:
        checked(schema)
    assert str(refused.value).endswith(".")
    assert refused.value.param == "response_format"
