"""A real server in a process of its own, for the tiers that start, kill and look at one."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

import psutil

from core.errors import NoRunner
from core.runner_socket import call

TUNESMITH = Path(sys.executable).with_name("tunesmith")
START_TIMEOUT_S = 60


def clean_environment() -> dict[str, str]:
    """pytest's and NiceGUI's own variables would change how the server behaves."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NICEGUI_", "PYTEST"))}
    return {"TUNESMITH_SPARE": "off"} | kept


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServedStudio:
    """`tunesmith serve` on a data folder; can be killed and started again on the same port."""

    def __init__(self, home: Path, *options: str) -> None:
        self.home = home
        self.options = options
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        """Returns when it answers; `environment` adds to ours."""
        self._launch(environment)
        self._wait_until_it_answers()

    def start_until_it_ends(self, timeout_s: float = 60, **environment: str) -> int:
        """For one that is told to crash: its exit code."""
        self._launch(environment)
        assert self.process
        return self.process.wait(timeout_s)

    def _launch(self, environment: dict[str, str]) -> None:
        command = [TUNESMITH, "serve", "--no-browser", "--port", str(self.port), "--data-dir", self.home, *self.options]
        with (self.home.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=clean_environment() | environment)

    def kill(self) -> None:
        """As a power cut would: no chance to say goodbye."""
        assert self.process
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def kill_with_children(self) -> None:
        """As systemd ends a service: everything that it has started, sessions of their own included."""
        assert self.process
        kill_all([psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)])
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)

    def end(self) -> None:
        """Whatever state the test left: no server, and no trainer of this folder."""
        if self.process and self.process.poll() is None:
            self.kill()
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if str(self.home) in " ".join(process.cmdline()):
                    process.kill()

    def _wait_until_it_answers(self) -> None:
        assert self.process
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError((self.home.parent / "server.log").read_text())
            try:
                urllib.request.urlopen(f"{self.url}/dashboard/fine-tuning", timeout=5).close()
                return
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                time.sleep(0.05)
        raise AssertionError(f"{self.url} did not answer within {START_TIMEOUT_S} s")


class ServedRunner:
    """`tunesmith runner` on a data folder; can be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.home.parent / "runner.log"

    def start(self, **environment: str) -> None:
        """Returns when it greets."""
        with self.log.open("ab") as log:
            command = [TUNESMITH, "runner", "--data-dir", self.home]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=clean_environment() | environment)
        deadline = time.monotonic() + START_TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(NoRunner), call(self.home) as answered:
                assert answered.pid == self.process.pid
                return
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """Itself only, as systemd does with KillMode=process."""
        assert self.process
        self.process.kill()
        self.process.wait(10)

    def end(self) -> None:
        """Whatever state the test left: no runner, and nothing that it has started."""
        if self.process and self.process.poll() is None:
            kill_all(psutil.Process(self.process.pid).children(recursive=True))
            self.kill()


def kill_all(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
