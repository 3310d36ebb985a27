"""What a person may say about a file instead of leaving it to detection: format, columns, encoding, delimiter."""

from typing import Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from storage.rows import Kind

ITEM = "item."
IGNORE = "ignore"
#: What a column can be. Beside these there is `item.NAME`: a column for the graders of reinforcement.
ROLES = (
    "system",
    "prompt",
    "completion",
    "chosen",
    "rejected",
    "label",
    "text",
    "messages",
    "tools",
    IGNORE,
)


class Mapping(BaseModel):
    """The role of each column; columns without one are ignored. The roles decide what kind of dataset it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    roles: dict[str, str]

    @field_validator("roles")
    @classmethod
    def _known(cls, roles: dict[str, str]) -> dict[str, str]:
        for column, role in roles.items():
            if role not in ROLES and not (role.startswith(ITEM) and len(role) > len(ITEM)):
                raise ValueError(f"the column {column} has the role {role}; known are {', '.join(ROLES)} and item.NAME")
        taken = [role for role in roles.values() if role != IGNORE]
        twice = next((role for role in taken if taken.count(role) > 1), None)
        if twice:
            raise ValueError(f"two columns have the role {twice}; give it to one of them")
        return roles

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = _missing(set(self.roles.values()))
        if missing:
            raise ValueError(f"no column has the role {missing}; give it to one of {', '.join(self.roles)}")
        return self

    @property
    def columns(self) -> dict[str, str]:
        """role → column, without items and what is ignored."""
        return {role: column for column, role in self.roles.items() if role != IGNORE and not role.startswith(ITEM)}

    @property
    def items(self) -> dict[str, str]:
        """column → the item's name."""
        return {column: role.removeprefix(ITEM) for column, role in self.roles.items() if role.startswith(ITEM)}

    @property
    def kind(self) -> Kind:
        has = self.columns
        if "text" in has:
            return Kind.TEXT
        if "chosen" in has or "rejected" in has:
            return Kind.PREFERENCE
        if "label" in has:
            return Kind.UNPAIRED
        return Kind.REINFORCEMENT if self.items else Kind.SUPERVISED


def _missing(roles: set[str]) -> str | None:
    if "text" in roles or "messages" in roles:
        return None
    if roles & {"chosen", "rejected"}:
        return next((role for role in ("chosen", "rejected") if role not in roles), None)
    if "prompt" not in roles:
        return "prompt"
    if "completion" not in roles and not any(role.startswith(ITEM) for role in roles):
        return "completion"
    return None


class ReadOptions(BaseModel):
    """Nothing given: everything is detected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: str | None = None
    mapping: Mapping | None = None
    encoding: str | None = None
    delimiter: str | None = None
