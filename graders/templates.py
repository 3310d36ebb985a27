"""`{{ item.path }}` and `{{ sample.path }}` in a grader's texts. No expressions, no filters: a look-up, nothing more.

Source: OpenAI, "Graders", templating. A text that is one template and nothing else keeps the value's type.
"""

import json
import re
from typing import Any

from graders.score import GraderError

_TEMPLATE = re.compile(r"\{\{\s*(item|sample)((?:\.\w+|\[\d+\])*)\s*\}\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def fill(text: str, item: dict[str, Any], sample: dict[str, Any]) -> Any:
    """Raises GraderError naming a path that is not there."""
    spaces = {"item": item, "sample": sample}
    whole = _TEMPLATE.fullmatch(text.strip())
    if whole:
        return look_up(spaces, whole[1], whole[2])
    return _TEMPLATE.sub(lambda found: as_text(look_up(spaces, found[1], found[2])), text)


def fill_text(text: str, item: dict[str, Any], sample: dict[str, Any]) -> str:
    return as_text(fill(text, item, sample))


def look_up(spaces: dict[str, dict[str, Any]], space: str, path: str) -> Any:
    value: Any = spaces[space]
    for name, index in _STEP.findall(path):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError):
            known = ", ".join(map(str, list(spaces[space])[:10])) or "nothing"
            raise GraderError(f"There is no {space}{path}; {space} has {known}.") from None
    return value


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def paths(text: str) -> list[str]:
    """What a text refers to, as `item.answer`."""
    return [f"{space}{path}" for space, path in _TEMPLATE.findall(text)]
