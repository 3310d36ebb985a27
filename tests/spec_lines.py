"""The specifications' lines and where each is found: read from `browser/spec_lines.toml`, written into the docs.

python tests/spec_lines.py    writes docs/spec-coverage.md
"""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "browser" / "spec_lines.toml"
DOCS = Path(__file__).parents[1] / "docs" / "spec-coverage.md"
TEST = "tests/browser/test_spec_coverage.py"
KINDS = (
    "text",
    "part",
    "heading",
    "button",
    "link",
    "column",
    "option",
    "placeholder",
    "field",
    "check",
    "fact",
    "address",
    "seen",
    "style",
)
HEAD = """\
# What was asked for, and where it is

Two specifications say what the pages should hold: A describes a fine-tuning service's pages, B how such pages teach.
Each of their lines is looked up in Chromium by `{test}`, on the page named here. This table is written from
`tests/browser/spec_lines.toml` by `python tests/spec_lines.py`. Each page below, and others that no specification
draws, is also looked at by axe-core there, light and dark, and in light at the width of a phone; so are the dialogs and
menus that open over them.

| spec | line | page | found as |
|---|---|---|---|
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`kind` and `name` say what to look for; `holds` what stands in it, `of` and `is_` belong to a few kinds."""

    spec: str
    kind: str
    name: str
    holds: str | None = None
    of: str = ""
    is_: str = ""
    wanted: str = ""
    why: str = ""

    @classmethod
    def read(cls, values: dict[str, Any]) -> "Line":
        [kind] = [name for name in values if name in KINDS]
        return cls(
            spec=values.pop("spec"),
            kind=kind,
            name=values.pop(kind),
            is_=values.pop("is", ""),
            **values,
        )

    @property
    def found_as(self) -> str:
        """“text”, “field, 8”: what the browser looks for."""
        match self.kind:
            case "seen":
                return f"`{self.name}`" + (f", {self.is_}" if self.is_ else "")
            case "style":
                return f"`{self.name}` of `{self.of}` is `{self.is_}`"
            case _:
                told = f"{self.kind} “{self.name}”" if self.wanted else self.kind
                return told + (f", holds “{self.holds}”" if self.holds is not None else "")

    def __str__(self) -> str:
        return f"{self.spec}: {self.kind} {self.name!r}" + (f" = {self.holds or self.is_!r}" if self.is_ else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """A page, what is clicked there before it is looked at, and the selector of what that opens."""

    name: str
    title: str
    open: str
    clicks: tuple[str, ...] = ()
    opens: str = ""
    lines: tuple[Line, ...] = field(default=())


def states() -> list[State]:
    found = tomllib.loads(DATA.read_text(encoding="utf-8"))["state"]
    return [
        State(
            name=one["name"],
            title=one["title"],
            open=one["open"],
            clicks=tuple(one.get("clicks", ())),
            opens=one.get("opens", ""),
            lines=tuple(Line.read(dict(line)) for line in one.get("lines", ())),
        )
        for one in found
    ]


def as_markdown() -> str:
    rows = [
        f"| {line.spec} | {_cell(line.wanted or line.name)} | [{state.title}]({state.open}) | "
        f"{_cell(line.found_as)}{'. ' + _cell(line.why) if line.why else ''} |"
        for state in states()
        for line in state.lines
    ]
    rows.sort(key=lambda row: row.split("|")[1])
    return HEAD.format(test=TEST) + "\n".join(rows) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


if __name__ == "__main__":
    DOCS.write_text(as_markdown(), encoding="utf-8")
