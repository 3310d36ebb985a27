"""docs/datasets.md and docs/methods.md say what the code does: scripts/formats writes their tables."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from core.checks.codes import CODES
from core.checks.file_codes import NOTES, REFUSALS
from core.combinations import RULES

ROOT = Path(__file__).parents[2]


def test_the_pages_are_as_the_script_writes_them(tmp_path: Path) -> None:
    for folder in ("docs", "scripts", "core", "storage"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "screenshots"))
    subprocess.run([sys.executable, tmp_path / "scripts" / "formats"], check=True)
    written, methods = ((tmp_path / "docs" / name).read_text() for name in ("datasets.md", "methods.md"))
    assert methods == (ROOT / "docs" / "methods.md").read_text()
    assert all(rule.instead in methods for rule in RULES)
    assert written == (ROOT / "docs" / "datasets.md").read_text()
    assert [name for name in (*CODES, *REFUSALS, *NOTES) if f"| `{name}` |" not in written] == []


def test_every_code_that_is_raised_is_explained() -> None:
    source = "".join(path.read_text() for path in [*(ROOT / "core" / "formats").glob("*.py"), *checkers()])
    rows = set(re.findall(r'(?:RowProblem\(|yield|\[\()\s*"(\w+)"', source))
    files = set(re.findall(r'FileProblem\(\s*"(\w+)"', source))
    notes = set(re.findall(r'notes\.add\(\s*"(\w+)"', source))
    assert len(rows) > 30
    assert rows - set(CODES) == set()
    assert files - set(REFUSALS) == set()
    assert notes == set(NOTES)


def checkers() -> list[Path]:
    """Where files and rows are judged on their way in."""
    modules = ("importing", "intake", "canonical")
    return [ROOT / "core" / "checks" / "structure.py", *(ROOT / "core" / "datasets" / f"{name}.py" for name in modules)]
