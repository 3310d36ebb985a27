"""vLLM's own OpenAI server as a child: started on a socket in the worker's folder, watched, and ended."""

import os
import secrets
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path

import httpx

from serving.engine import Tell
from serving.failures import CannotHold, ServingError
from serving.vllm_command import command_of, environment_of
from serving.vllm_trouble import STARTS, cause_of, doing
from storage.serving import WorkerSpec

#: In the worker's folder.
SOCKET, LOG = "vllm.sock", "vllm.log"
LOOK_S = 0.1
END_S = 4.0
#: Of its log: what is read to say why it ended.
TAIL_BYTES = 64 * 1024
ROOT = Path(__file__).parents[1]


class VllmServer:
    """`broken` has an exception once it has ended without being asked to."""

    def __init__(self, spec: WorkerSpec, folder: Path, broken: "Future[None]") -> None:
        self.socket = folder / SOCKET
        self._log, self._broken = folder / LOG, broken
        key = secrets.token_hex(32)
        #: vLLM's key protects `/v1` only; the socket lies in a folder that nobody else may enter.
        self.headers = {"authorization": f"Bearer {key}"}
        self._is_ending = False
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(ROOT / "serving" / "vllm_child.py"), *command_of(spec, self.socket)],
                cwd=folder,
                env=environment_of(spec, key),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self, tell: Tell) -> None:
        """Raises CannotHold with the cause where it ends before. Loading takes what it takes: no time limit."""
        said = ""
        with self.client(timeout_s=5) as client:
            while not is_healthy(client):
                if self._process.poll() is not None:
                    raise CannotHold(f"vLLM {self._how()} before it was ready: {self.cause}.")
                said, before = doing(self.tail), said
                if said != before:
                    tell(said, 0, 0)
                time.sleep(LOOK_S)
        threading.Thread(target=self._watch, name="watch vLLM", daemon=True).start()

    def client(self, timeout_s: float | None = None) -> httpx.Client:
        transport = httpx.HTTPTransport(uds=str(self.socket), verify=False)
        return httpx.Client(
            transport=transport, base_url="http://vllm", headers=self.headers, trust_env=False, timeout=timeout_s
        )

    def end(self) -> None:
        """Returns when it and what it has started are gone."""
        self._is_ending = True
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.stdin.close()  # type: ignore[union-attr]
            self._process.wait()

    @property
    def tail(self) -> str:
        with self._log.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - TAIL_BYTES))
            return log.read().decode(errors="replace")

    @property
    def cause(self) -> str:
        return cause_of(self.tail) or f"it wrote nothing, and {STARTS} was the last that is known of it"

    def _watch(self) -> None:
        self._process.wait()
        if not self._is_ending:
            self._broken.set_exception(ServingError(f"vLLM {self._how()} while it served: {self.cause}."))

    def _how(self) -> str:
        code = self._process.wait()
        return f"ended by signal {-code}" if code < 0 else f"ended with code {code}"


def is_healthy(client: httpx.Client) -> bool:
    """`/health` answers 200 from the moment on when the model is loaded."""
    try:
        return client.get("/health").status_code == 200
    except httpx.HTTPError:
        return False
