"""The runner's door: who may ask, for what, and what the server makes of a runner that is not as it should be."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from served import ServedRunner
from typer.testing import CliRunner

from app import main
from core.errors import BadHome, BadInput, NobodyRuns, NoRunner, NotStarted, Unanswered
from core.home import Home
from core.launcher import REQUIRED, RUNNER_VARIABLE, Launcher
from core.people import Actor
from core.runner import Order
from core.runner_socket import FOLDER, MOST_BYTES, PROTOCOL, SOCKET, call, line_of, short_path
from core.spawn import spawn
from core.studio import Studio
from storage.files import write_json
from storage.process import FOLDER_VARIABLE, TOKEN_VARIABLE
from storage.run_folder import Attempt
from storage.spec import JobSpec
from storage.status import Cause, Status

ROOT = Path(__file__).parents[2]
TOKEN = "f" * 32


@pytest.fixture
def attempt(home: Home) -> Attempt:
    attempt = Attempt(home.runs / "job-1" / "attempts" / "1")
    attempt.claim(TOKEN)
    return attempt


@pytest.fixture
def runner(home: Home) -> Iterator[ServedRunner]:
    runner = ServedRunner(home.path)
    runner.start()
    yield runner
    runner.end()


def order(attempt: object, **environment: object) -> bytes:
    return json.dumps({"attempt": str(attempt), "environment": {TOKEN_VARIABLE: TOKEN} | environment}).encode()


def test_only_what_a_trainer_may_inherit_is_passed_on(home: Home, attempt: Attempt) -> None:
    told = {"HF_TOKEN": "s", "LD_PRELOAD": "/tmp/x.so", "PYTHONPATH": "/tmp", "LC_ALL": "C", FOLDER_VARIABLE: "/etc"}
    read = Order.read(order(attempt.path, **told), home.runs)
    assert read.environment == {"LC_ALL": "C", TOKEN_VARIABLE: TOKEN, FOLDER_VARIABLE: str(home.runs / "job-1")}


@pytest.mark.parametrize(
    "asked",
    ["", ".", "/", "/etc", "{runs}", "{runs}/job-1", "{runs}/job-1/attempts", "{runs}/job-1/attempts/2",
     "{runs}/job-1/attempts/1/deeper", "{runs}/job-1/attempts/../attempts/1", "{runs}/link/attempts/1",
     "job-1/attempts/1", "{runs}/job-1/attempts/1\0", "{runs}/" + "x" * 5000, "~/attempts/1"],
)  # fmt: skip
def test_other_places_than_its_own_attempts_are_refused(
    asked: str, home: Home, attempt: Attempt, tmp_path: Path
) -> None:
    outside = Attempt(tmp_path / "elsewhere" / "attempts" / "1")
    outside.claim(TOKEN)
    (home.runs / "link").symlink_to(outside.path.parents[1])
    (attempt.path / "deeper").mkdir()
    with pytest.raises(BadInput, match="of its own data folder only"):
        Order.read(order(asked.format(runs=home.runs)), home.runs)


@pytest.mark.parametrize(
    "line",
    [b"\n", b"\xff\xfe", b"null", b"[]", b"{}", b"[" * 60_000, b'{"attempt": 1}', b'{"environment": {"PATH": 1}}',
     b'{"environment": [], "attempt": "x"}', b'{"a": "' + b"x" * MOST_BYTES + b'"}'],
)  # fmt: skip
def test_what_is_no_request_is_refused(line: bytes, home: Home) -> None:
    with pytest.raises(BadInput, match="The runner"):
        Order.read(line, home.runs)


@pytest.mark.parametrize("token", ["", "f", "0" * 32])
def test_who_does_not_know_the_attempts_token_starts_nothing(token: str, home: Home, attempt: Attempt) -> None:
    with pytest.raises(BadInput, match="is not claimed with this token"):
        Order.read(order(attempt.path, **{TOKEN_VARIABLE: token}), home.runs)


def test_hostile_visitors_get_a_sentence_and_the_runner_serves_on(
    runner: ServedRunner, home: Home, attempt: Attempt
) -> None:
    for line in (b"GET / HTTP/1.1\r\n", order("/etc") + b"\n", b"x" * (2 * MOST_BYTES)):
        with visitor(home) as connection:
            connection.recv(MOST_BYTES)
            with contextlib.suppress(BrokenPipeError):  # it need not hear all of a long one
                connection.sendall(line)
            assert b'"error"' in connection.recv(MOST_BYTES)
    refused = pytest.raises(NotStarted, match="is not claimed with this token")
    with visitor(home), call(home.path) as answered, refused:  # the first was greeted, says nothing and stays
        answered.start(attempt.path, {TOKEN_VARIABLE: "0" * 32})
    with visitor(home) as connection:
        connection.recv(MOST_BYTES)
        connection.sendall(b'{"attempt"')  # and goes in the middle of a word
    assert not (attempt.path / "supervisor.log").exists()
    assert runner.process
    assert runner.process.poll() is None


STRANGER = """
import os, socket, sys
os.setresuid(65534, 65534, 65534)
connection = socket.socket(socket.AF_UNIX)
connection.connect(f"/proc/self/fd/{sys.argv[1]}/runner.sock")
sys.exit(len(connection.recv(100)))
"""


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_another_user_is_hung_up_on_even_through_an_open_door(runner: ServedRunner, home: Home) -> None:
    folder = home.path / FOLDER
    folder.chmod(0o755)
    (folder / SOCKET).chmod(0o666)
    door = os.open(folder, os.O_PATH)
    said = subprocess.run([sys.executable, "-c", STRANGER, str(door)], pass_fds=[door], check=False, timeout=20)
    assert said.returncode == 0
    with visitor(home) as ours:
        assert b'"protocol"' in ours.recv(MOST_BYTES)
    os.close(door)


def test_an_attempt_is_started_once(runner: ServedRunner, home: Home, attempt: Attempt) -> None:
    (attempt.path / "supervisor.log").touch()
    with call(home.path) as answered, pytest.raises(NotStarted, match="was started before"):
        answered.start(attempt.path, {TOKEN_VARIABLE: TOKEN})


def test_the_socket_is_its_owners_and_one_runner_has_it(runner: ServedRunner, home: Home) -> None:
    assert (home.path / FOLDER).stat().st_mode & 0o777 == 0o700
    assert (home.path / FOLDER / SOCKET).stat().st_mode & 0o777 == 0o600
    second = ServedRunner(home.path)
    with pytest.raises(AssertionError):
        second.start()
    assert second.process
    assert second.process.wait(10) == 1
    assert "one is enough" in second.log.read_text()


def test_a_killed_runner_leaves_a_socket_that_the_next_one_replaces(runner: ServedRunner, home: Home) -> None:
    runner.kill()
    assert (home.path / FOLDER / SOCKET).exists()
    with pytest.raises(NobodyRuns), call(home.path):
        pass
    runner.start()
    assert runner.process
    runner.process.terminate()
    assert runner.process.wait(10) == 0
    assert not (home.path / FOLDER / SOCKET).exists()


def test_a_data_folder_may_lie_deeper_than_a_socket_address_is_long(tmp_path: Path) -> None:
    home = Home(tmp_path.joinpath(*["a-folder-of-a-deep-place"] * 8))
    home.prepare()
    runner = ServedRunner(home.path)
    runner.start()
    runner.end()


def test_the_runner_stays_small() -> None:
    program = "import sys, core.runner; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert loaded & {"torch", "nicegui", "pydantic", "sqlmodel", "psutil", "typer", "training"} == set()


def test_without_a_runner_the_server_starts_trainers_unless_it_must_not(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Launcher.find(home.path).ready() as start:
        assert start is spawn
    monkeypatch.setenv(RUNNER_VARIABLE, REQUIRED)
    bound = Launcher.find(home.path)
    with pytest.raises(NoRunner), bound.ready():
        pass
    assert "systemctl start tunesmith-runner" in bound.obstacle()
    monkeypatch.setenv(RUNNER_VARIABLE, "yes")
    with pytest.raises(BadHome, match="leave it out or set it to “required”"):
        Studio(home)


@pytest.mark.parametrize(
    ("greeting", "said"),
    [
        (line_of({"runner": 1, "protocol": PROTOCOL + 1}), "a runner of this version"),
        (b"", "timed out"),
        (b"what?\n", "does not speak JSON"),
        (b"[]\n", "a runner of this version"),
    ],
)
def test_a_runner_of_no_use_is_waited_for_and_named(greeting: bytes, said: str, home: Home) -> None:
    with impostor(home, greeting):
        assert said in Launcher(home.path).obstacle()


def test_a_runner_that_goes_away_while_it_is_asked_does_not_fail_the_job(
    home: Home, monkeypatch: pytest.MonkeyPatch, studio: Studio, asked: JobSpec
) -> None:
    job = studio.runs.submit(asked, actor=Actor("Alice", "alice@example.org"))
    greeting = line_of({"runner": 1, "protocol": PROTOCOL})
    with impostor(home, greeting), call(home.path) as answered, pytest.raises(Unanswered):
        answered.start(home.runs / job.id, {})
    with impostor(home, greeting):
        studio.scheduler.tick()
    row = studio.runs.get(job.id)
    assert (row.status, row.attempt) == (Status.PREPARING, 1)


def test_a_runner_that_cannot_start_it_fails_the_job_with_its_reason(
    home: Home, studio: Studio, asked: JobSpec
) -> None:
    job = studio.runs.submit(asked, actor=Actor("Alice", "alice@example.org"))
    answer = line_of({"error": "Cannot allocate memory"})
    with impostor(home, line_of({"runner": 1, "protocol": PROTOCOL}), answer):
        studio.scheduler.tick()
    failed = studio.runs.get(job.id)
    assert (failed.status, failed.cause) == (Status.FAILED, Cause.OOM_HOST)
    assert failed.message == "The trainer could not be started: Cannot allocate memory."


def test_the_doctor_says_who_starts_trainers(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def said() -> list[dict[str, str]]:
        printed = CliRunner().invoke(main, ["doctor", "--json", "--data-dir", str(home.path)]).output
        findings = [json.loads(line) for line in printed.splitlines()]
        return [finding for finding in findings if "unner" in finding["what"]]

    assert [finding["verdict"] for finding in said()] == ["note"]
    monkeypatch.setenv(RUNNER_VARIABLE, REQUIRED)
    assert [finding["verdict"] for finding in said()] == ["problem"]
    runner = ServedRunner(home.path)
    runner.start()
    assert runner.process
    assert said()[0]["what"].startswith(f"The runner (process {runner.process.pid}) starts trainers")
    runner.end()


def test_the_doctor_reads_the_server_that_must_not_start_trainers_itself(home: Home) -> None:
    sleeper = subprocess.Popen(["sleep", "600"], env={**os.environ, RUNNER_VARIABLE: REQUIRED})
    lock = home.lock("http://127.0.0.1:1")
    write_json(home.path / "studio.json", {"pid": sleeper.pid, "url": ""})
    program = [sys.executable, "-m", "app", "doctor", "--json", "--data-dir", str(home.path)]
    printed = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    lock.release()
    sleeper.kill()
    sleeper.wait()
    assert "Until then jobs stay queued." in printed


@contextlib.contextmanager
def visitor(home: Home) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        with short_path(home.path / FOLDER) as path:
            connection.connect(path)
        yield connection


@contextlib.contextmanager
def impostor(home: Home, greeting: bytes, answer: bytes = b"") -> Iterator[None]:
    """Somebody else at the runner's place, who says the same to everybody and hangs up."""
    (home.path / FOLDER).mkdir(exist_ok=True)
    (home.path / FOLDER / SOCKET).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        with short_path(home.path / FOLDER) as path:
            listener.bind(path)
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(greeting)
                    if connection.recv(MOST_BYTES):
                        connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)
