"""Every field of the spec by its dotted name, with default and help: for `tunesmith fields` and the docs."""

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from storage.spec import JobSpec


@dataclass(frozen=True, slots=True)
class Field:
    """`default` is as it is written after `=`; `choices` or bounds as a reader wants them."""

    name: str
    default: str
    allowed: str
    help: str


def fields(model: type[BaseModel] = JobSpec, prefix: str = "") -> Iterator[Field]:
    """Depth first, in the order of the spec. A union's members are listed by their `kind`."""
    for name, info in model.model_fields.items():
        path = f"{prefix}{name}"
        members = _models(info.annotation)
        if len(members) > 1 and "type" in members[0].model_fields:
            # Graders nest, and have a page of their own.
            yield Field(path, _default(info), " | ".join(_tags(members, "type")), info.description or "")
            continue
        if len(members) > 1:
            yield Field(f"{path}.kind", str(info.default.kind), " | ".join(_tags(members, "kind")), "")
        for member in members:
            own = (field for field in fields(member, f"{path}.") if not field.name.endswith(".kind"))
            label = f"{member.model_fields['kind'].default} only. " if len(members) > 1 else ""
            yield from (Field(field.name, field.default, field.allowed, label + field.help) for field in own)
        if not members:
            yield Field(path, _default(info), _allowed(info), info.description or "")


def _tags(members: list[type[BaseModel]], name: str) -> list[str]:
    return [str(member.model_fields[name].default) for member in members]


def _models(annotation: Any) -> list[type[BaseModel]]:
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _models(typing.get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [model for part in typing.get_args(annotation) for model in _models(part)]
    if origin is tuple or origin is dict:
        return []
    return [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    default = info.get_default(call_default_factory=True)
    default = default.value if isinstance(default, Enum) else list(default) if isinstance(default, tuple) else default
    return str(default).lower() if isinstance(default, bool) else str(default)


def _allowed(info: FieldInfo) -> str:
    if typing.get_origin(info.annotation) is Literal:
        return " | ".join(map(str, typing.get_args(info.annotation)))
    if isinstance(info.annotation, type) and issubclass(info.annotation, Enum):
        return " | ".join(str(member.value) for member in info.annotation)
    if typing.get_origin(info.annotation) is tuple:
        most = next((rule.max_length for rule in info.metadata if hasattr(rule, "max_length")), None)
        return f"at most {most}" if most else ""
    signs = {"Ge": "≥", "Gt": ">", "Le": "≤", "Lt": "<"}
    bounds = [
        f"{sign} {getattr(rule, type(rule).__name__.lower())}"
        for rule in info.metadata
        if (sign := signs.get(type(rule).__name__))
    ]
    return ", ".join(bounds)
