"""A first look at a file, in a process of its own: the web process parses nothing that comes from outside.

`python -m core.datasets.looking` is that process.
"""

from pathlib import Path
from typing import Any

from core.datasets import child
from core.formats.containers import Container
from core.formats.inspection import Inspection, Sample, inspect_file
from core.formats.mapped import convert
from core.formats.options import Mapping, ReadOptions
from core.formats.problems import RowProblem
from core.formats.raw import Note, Raw
from storage.rows import Kind

#: A value longer than this is cut: it is only shown.
SHOWN_CHARACTERS = 100_000

Told = dict[str, Any]


def look(path: Path, options: ReadOptions | None = None) -> Inspection:
    """What the file is and what its first rows become. Raises StudioError for what is no file of examples."""
    request = {"path": str(path.absolute()), "options": (options or ReadOptions()).model_dump()}
    return _inspection(child.run("core.datasets.looking", request))


def convert_sample(sample: Sample, mapping: Mapping) -> Sample:
    """The same row read through another mapping."""
    if sample.raw.problem:
        return sample
    try:
        return Sample(sample.raw, convert(sample.raw.content, mapping))
    except RowProblem as problem:
        return Sample(sample.raw, {}, problem)


def _work(request: Told, _tell: object) -> Told:
    return _told(inspect_file(Path(request["path"]), ReadOptions.model_validate(request["options"])))


def _told(found: Inspection) -> Told:
    return {
        "container": str(found.container),
        "packed": found.packed,
        "encoding": found.encoding,
        "delimiter": found.delimiter,
        "format": found.format,
        "kind": found.kind,
        "confident": found.confident,
        "columns": found.columns,
        "mapping": found.mapping.model_dump() if found.mapping else None,
        "samples": [_sample_told(sample) for sample in found.samples],
        "notes": [{"code": note.code, "text": note.text, "line": note.line} for note in found.notes],
        "ignored": found.ignored,
    }


def _sample_told(sample: Sample) -> Told:
    problem = sample.problem
    return {
        "line": sample.raw.line,
        "raw": _cut(sample.raw.content),
        "text": sample.raw.text[:SHOWN_CHARACTERS],
        "is_broken": sample.raw.problem is not None,
        "content": _cut(sample.content),
        "problem": [problem.code, problem.detail] if problem else None,
    }


def _inspection(told: Told) -> Inspection:
    return Inspection(
        **{
            **told,
            "container": Container(told["container"]),
            "kind": Kind(told["kind"]) if told["kind"] else None,
            "mapping": Mapping.model_validate(told["mapping"]) if told["mapping"] else None,
            "samples": [_sample(sample) for sample in told["samples"]],
            "notes": [Note(**note) for note in told["notes"]],
        }
    )


def _sample(told: Told) -> Sample:
    problem = RowProblem(*told["problem"]) if told["problem"] else None
    raw = Raw(told["line"], told["raw"], told["text"], problem if told["is_broken"] else None)
    return Sample(raw, told["content"], problem)


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:SHOWN_CHARACTERS]
    if isinstance(value, dict):
        return {str(key): _cut(inner) for key, inner in value.items()}
    return [_cut(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    child.serve(_work)
