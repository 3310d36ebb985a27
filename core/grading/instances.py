"""A small JSON value for a schema: something that a JSON schema grader is likely to accept, to try it with."""

import json
from typing import Any

#: A schema may describe itself without end.
MOST_DEPTH = 8

_PLAIN = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "null": None}


def instance_text(schema: dict[str, Any]) -> str:
    return json.dumps(instance_of(schema), ensure_ascii=False)


def instance_of(schema: Any, depth: int = 0) -> Any:
    """Knows const, enum, default, examples, types, properties, items, simple bounds; neither patterns nor $ref."""
    if not isinstance(schema, dict) or depth > MOST_DEPTH:
        return None
    for name in ("const", "default"):
        if name in schema:
            return schema[name]
    for name in ("enum", "examples"):
        if isinstance(schema.get(name), list) and schema[name]:
            return schema[name][0]
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            return instance_of(schema[name][0], depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "null")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        return {name: instance_of(part, depth + 1) for name, part in properties.items()}
    if kind == "array":
        count = schema.get("minItems", 1)
        return [instance_of(schema.get("items", {}), depth + 1)] * (
            count if isinstance(count, int) and count < 20 else 1
        )
    if kind in ("integer", "number") and isinstance(schema.get("minimum"), int | float):
        return schema["minimum"]
    if kind == "string" and isinstance(schema.get("minLength"), int):
        return "text".ljust(min(schema["minLength"], 1000), "x")
    return _PLAIN.get(str(kind))
