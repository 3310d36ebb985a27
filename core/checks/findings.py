"""`findings.jsonl`: one verdict a line, sorted by row."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from core.formats.problems import Finding

FINDINGS = "findings.jsonl"


def encode_finding(finding: Finding) -> bytes:
    return orjson.dumps(
        {"row": finding.row, "line": finding.line, "code": finding.code, "detail": finding.detail},
        option=orjson.OPT_APPEND_NEWLINE,
    )


def read_findings(path: Path) -> Iterator[Finding]:
    """The findings of a version's folder, or of such a file; none where there is no file."""
    file = path / FINDINGS if path.is_dir() else path
    if not file.exists():
        return
    with file.open("rb") as lines:
        for line in lines:
            yield Finding(**orjson.loads(line))
