"""Starts attempts, and signals them only with proof of who they are."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import psutil

from core.crashpoints import reach
from core.devices import CPU
from core.errors import BadHome, NobodyRuns, NoRunner
from core.runner_socket import call
from core.spare import Spare
from core.spawn import SPARE_FOLDER, grader_variables, inherited, spawn, spawn_spare
from graders.allowance import asks_model
from storage.process import FOLDER_VARIABLE, LEAST_TOKEN, TOKEN_VARIABLE, ProcessIdentity, has_token
from storage.run_folder import Attempt, RunFolder
from storage.spec import Objective

#: Starts the supervisor of this attempt with this environment.
Start = Callable[[Path, Mapping[str, str]], object]
#: What TUNESMITH_RUNNER may say: jobs wait for the runner instead of being started by the server.
REQUIRED = "required"
RUNNER_VARIABLE = "TUNESMITH_RUNNER"


@dataclass(frozen=True, slots=True)
class Launcher:
    """Attempts are started by the runner where one serves the data folder, else (unless it is `required`) by us."""

    home: Path
    required: bool = False
    spare: Spare | None = None

    @classmethod
    def find(cls, home: Path, *, keeps_spare: bool = False) -> "Launcher":
        """As the environment says. Raises BadHome where it says what nobody understands."""
        asked = os.environ.get(RUNNER_VARIABLE, "")
        if asked not in ("", REQUIRED):
            raise BadHome(f"{RUNNER_VARIABLE} is “{asked[:80]}”; leave it out or set it to “{REQUIRED}”.")
        found = cls(home, required=asked == REQUIRED)
        return replace(found, spare=Spare(home / SPARE_FOLDER, found.start_spare)) if keeps_spare else found

    def start_spare(self, folder: Path) -> int:
        """By whoever starts the attempts, so that it is in their control group; its pid, or 0 where nobody may."""
        try:
            with call(self.home) as runner:
                return runner.start_spare(inherited())
        except NobodyRuns:
            return 0 if self.required else spawn_spare(folder, inherited()).pid

    @contextlib.contextmanager
    def ready(self) -> Iterator[Start]:
        """Who starts the next attempt, known before a job is claimed for it. Raises NoRunner where jobs have to wait.

        A runner that is there and does not answer is waited for, required or not: it was meant to be used.
        """
        with contextlib.ExitStack() as stack:
            start: Start = spawn
            try:
                start = stack.enter_context(call(self.home)).start
            except NobodyRuns:
                if self.required:
                    raise
            yield self._warm(start) if self.spare else start

    def _warm(self, cold: Start) -> Start:
        """By the spare where one waits that fits."""

        def start(attempt: Path, environment: Mapping[str, str]) -> None:
            if not (self.spare and self.spare.hand_over(attempt, environment)):
                cold(attempt, environment)

        return start

    def obstacle(self) -> str:
        """Why nothing can be started now, as a sentence; empty where something can."""
        try:
            with self.ready():
                return ""
        except NoRunner as error:
            return str(error)


def launch(folder: RunFolder, number: int, token: str, devices: tuple[str, ...] = (CPU,), start: Start = spawn) -> None:
    """Claim the attempt's folder and have its supervisor started in a session of its own; it outlives this process."""
    attempt = folder.attempt(number)
    attempt.claim(token, devices)
    reach("launch: attempt folder written")
    told = {**inherited(), **(grader_variables() if asks_model_of(folder) else {})}
    start(attempt.path, {**told, TOKEN_VARIABLE: token, FOLDER_VARIABLE: str(folder.path)})


def asks_model_of(folder: RunFolder) -> bool:
    """Whether this run's grader asks another model, whose key no other run gets to see."""
    spec = folder.spec()
    return spec.objective is Objective.RFT and spec.rft.grader is not None and asks_model(spec.rft.grader)


def is_alive(attempt: Attempt) -> bool:
    """Whether supervisor or trainer of this very attempt still runs."""
    return any(identity.is_alive for identity in attempt.processes())


def send(attempt: Attempt, number: signal.Signals) -> None:
    """Signal the trainer's processes (never the supervisor, which must live to write `exit.json`)."""
    for process in attempt.processes()[1:]:
        # A stopped process does not see SIGTERM until it goes on.
        _signal(process, signal.SIGCONT)
        _signal(process, number)


def kill_tree(attempt: Attempt, *, spare_supervisor: bool) -> None:
    """SIGKILL everything that carries the attempt's token, grandchildren in sessions of their own included."""
    processes = attempt.processes()
    kill_all_with(attempt.token(), spare=processes[0].pid if spare_supervisor and processes else 0)


def kill_all_with(token: str, *, spare: int = 0) -> None:
    for pid in _pids_with(token):
        # It may end by itself between our look and our signal.
        with contextlib.suppress(ProcessLookupError):
            if pid != spare:
                _signal(ProcessIdentity.of(pid, token), signal.SIGKILL)


def _signal(process: ProcessIdentity, number: signal.Signals) -> None:
    """Through a pidfd, which stays with the process that was checked: its pid may be given away in between."""
    if process.pid < 2:
        return
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if process.is_alive:
            signal.pidfd_send_signal(handle, number)
    finally:
        os.close(handle)


def survivors(attempt: Attempt) -> list[int]:
    return list(_pids_with(attempt.token()))


def _pids_with(token: str) -> Iterator[int]:
    if len(token) < LEAST_TOKEN:
        return
    for pid in psutil.pids():
        if pid >= 2 and pid != os.getpid() and has_token(pid, token):
            yield pid
