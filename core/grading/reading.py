"""A grader as people write it, JSON or YAML, in our form or OpenAI's; what is wrong with it becomes sentences."""

import json
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from core.errors import BadInput
from storage.graders import Grader

Content = dict[str, Any]

GRADER: TypeAdapter[Grader] = TypeAdapter(Grader)
MOST_CHARACTERS = 1_000_000
#: Of a value, in a sentence about it.
SHOWN = 60


class _PlainLoader(yaml.SafeLoader):
    """Without aliases: a few lines of them stand for gigabytes."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed here")
        return super().compose_node(parent, index)


def content_of(text: str) -> Content:
    """Raises BadInput. JSON is read as YAML too, which knows all of it."""
    if len(text) > MOST_CHARACTERS:
        raise BadInput(
            "The grader has {count:,} characters; at most {most:,} are read.", count=len(text), most=MOST_CHARACTERS
        )
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else yaml.load(text, _PlainLoader)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise BadInput("This is neither JSON nor YAML: {error}.", error=" ".join(str(error).split())[:200]) from None
    if not isinstance(found, dict):
        raise BadInput('A grader is an object with a “type”, for example {"type": "string_check", …}.')
    return ours(found)


def ours(content: Content) -> Content:
    """OpenAI also writes a multi grader's members as a list, or as one."""
    members = content.get("graders")
    if isinstance(members, dict) and isinstance(members.get("type"), str):
        members = [members]
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        return content
    return {
        **content,
        "graders": {str(member.get("name", f"grader_{at}")): member for at, member in enumerate(members)},
    }


def read_grader(content: Content) -> Grader:
    """Raises BadInput with the first thing that is wrong with it."""
    try:
        return GRADER.validate_python(content)
    except ValidationError as error:
        place, sentence = next(iter(_sentences(error)))
        raise BadInput(f"{place}: {sentence}" if place else sentence) from None


def problems(content: Content) -> dict[str, str]:
    """Place (`reference`, `graders.brief.most`) → sentence."""
    try:
        GRADER.validate_python(content)
    except ValidationError as error:
        found: dict[str, str] = {}
        for place, sentence in _sentences(error):
            found.setdefault(place, sentence)
        return found
    return {}


def as_text(content: Content, *, is_yaml: bool) -> str:
    if is_yaml:
        return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return json.dumps(content, indent=2, ensure_ascii=False)


def _sentences(error: ValidationError) -> Iterator[tuple[str, str]]:
    for details in error.errors():
        keys = [str(key) for key in details["loc"]]
        keys = keys[1:]  # the form of the grader, which pydantic puts first
        if keys[:1] == ["graders"] and len(keys) > 2:
            del keys[2]  # the member's form
        shown = str(details["input"])[:SHOWN]
        match details["type"]:
            case "missing":
                sentence = "is missing; give a value."
            case "string_too_short" | "too_short":
                sentence = "is empty; give a value."
            case "union_tag_invalid":
                sentence = f"There is no grader of this type. {details['msg'].split(' does not ')[-1][:1].upper()}" + (
                    f"{details['msg'].split(' does not ')[-1][1:]}."
                )
            case "union_tag_not_found":
                sentence = "The grader has no “type”; name one, for example string_check."
            case "dict_type":
                sentence = f"cannot be “{shown}”: it has to be a JSON object."
            case _:
                sentence = f"cannot be “{shown}”: {details['msg'][0].lower()}{details['msg'][1:]}."
        yield ".".join(keys), sentence
