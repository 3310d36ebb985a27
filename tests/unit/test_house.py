"""The house rules that a machine can keep: the file map, the documented fields, and no torch in the web process."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.fields import fields

ROOT = Path(__file__).parents[2]
ROOMS = ("app.py", "api", "cli", "ui", "core", "graders", "storage", "serving", "training")


def modules() -> list[Path]:
    found = [ROOT / "app.py", *(path for room in ROOMS[1:] for path in (ROOT / room).rglob("*.py"))]
    return [path for path in found if "versions" not in path.parts and path.read_text().strip()]


def test_the_file_map_names_every_module_and_nothing_else() -> None:
    mapped = set(re.findall(r"^\| `([\w/]+\.py)` \|", (ROOT / "ARCHITECTURE.md").read_text(), flags=re.MULTILINE))
    assert mapped == {path.relative_to(ROOT).as_posix() for path in modules()}


def test_every_field_of_the_spec_is_documented() -> None:
    documented = (ROOT / "docs" / "command-line.md").read_text()
    assert [field.name for field in fields() if f"`{field.name}`" not in documented] == []


def test_the_web_process_never_loads_the_training_stack() -> None:
    program = "import sys, app, ui.pages, ui.guard; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert (
        loaded & {"torch", "transformers", "peft", "trl", "datasets", "training", "serving", "numpy", "xllamacpp"}
        == set()
    )


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_module_or_function_outgrows_the_house(path: Path) -> None:
    text = path.read_text()
    assert sum(1 for line in text.splitlines() if line.strip()) <= 400
    functions = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    long = [node.name for node in functions if (node.end_lineno or 0) - node.lineno + 1 > 60]
    assert long == []


def test_no_class_of_the_stylesheet_means_two_things() -> None:
    """Outside of media queries, which are indented, a class is written once."""
    sheet = (ROOT / "ui" / "static" / "tunesmith.css").read_text()
    classes = re.findall(r"^(\.[\w-]+) \{", sheet, flags=re.MULTILINE)
    assert sorted({name for name in classes if classes.count(name) > 1}) == []


def test_remote_code_is_never_trusted() -> None:
    guilty = [path.name for path in modules() if re.search(r"trust_remote_code\s*=\s*True", path.read_text())]
    assert guilty == []
