"""The import in its own process: it tells how far it is, stops when asked, and dies with who asked."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from core.datasets.importing import Import, Progress, import_file
from core.errors import Cancelled, StudioError
from core.formats.options import Mapping, ReadOptions
from core.formats.problems import FileProblem

pytestmark = pytest.mark.process


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / ".version.partial"
    folder.mkdir()
    return folder


def questions(path: Path, count: int) -> Path:
    with path.open("w") as file:
        for number in range(count):
            file.write(json.dumps({"question": f"{number} + 1?", "answer": str(number + 1)}) + "\n")
    return path


GRADED = ReadOptions(mapping=Mapping(roles={"question": "prompt", "answer": "item.answer"}))


def test_the_report_is_the_same_as_without_a_process(tmp_path: Path, into: Path) -> None:
    source = questions(tmp_path / "rows.jsonl", 30_000)
    (tmp_path / "here").mkdir()
    told: list[Progress] = []
    importing = Import(source, into, GRADED, told.append)
    assert importing.wait() == import_file(source, tmp_path / "here", GRADED)
    assert (into / "rows.jsonl").read_bytes() == (tmp_path / "here" / "rows.jsonl").read_bytes()
    assert importing.progress == told[-1] == Progress(1, 1, 30_000, "Done")
    assert told[0].phase == "Reading"


def test_a_refusal_comes_through_with_code_and_line(tmp_path: Path, into: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("text,text\n" + "a,b\n" * 20)
    with pytest.raises(FileProblem, match="“text”") as refused:
        Import(source, into).wait()
    assert (refused.value.code, refused.value.line) == ("duplicate_columns", 1)
    assert not into.exists()


def test_a_cancelled_import_leaves_nothing(tmp_path: Path, into: Path) -> None:
    source = questions(tmp_path / "rows.jsonl", 200_000)
    begun = threading.Event()
    importing = Import(source, into, GRADED, lambda _: begun.set())
    assert begun.wait(60)
    importing.cancel()
    with pytest.raises(Cancelled, match="nothing of it was kept"):
        importing.wait()
    assert [path for path in tmp_path.iterdir() if path != source] == []


def test_a_killed_import_is_a_sentence(tmp_path: Path, into: Path) -> None:
    source = questions(tmp_path / "rows.jsonl", 200_000)
    begun = threading.Event()
    importing = Import(source, into, GRADED, lambda _: begun.set())
    assert begun.wait(60)
    [child] = psutil.Process().children()
    child.kill()
    with pytest.raises(StudioError, match="ended unexpectedly"):
        importing.wait()
    assert not into.exists()


def test_an_import_dies_with_who_asked_for_it(tmp_path: Path, into: Path) -> None:
    """Its source is a pipe that nobody writes to: left alone it would wait for ever."""
    source = tmp_path / "rows.jsonl"
    os.mkfifo(source)
    program = (
        "import sys; from pathlib import Path; from core.datasets.importing import Import; "
        "asked = Import(Path(sys.argv[1]), Path(sys.argv[2])); print(asked._child.pid, flush=True); asked.wait()"
    )
    command = [sys.executable, "-c", program, str(source), str(into)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    child.wait(60)
    assert not child.is_running()
