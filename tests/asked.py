"""A serving worker of the tests' own: a real process, asked by OpenAI's own client through its unix socket."""

import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
from openai import OpenAI

from storage.files import read_json, write_json
from storage.serving import FAILED, READY, SOCKET, SPEC, ServedAdapter, WorkerSpec
from storage.spec import ModelRef

ROOT = Path(__file__).parents[1]
QUESTION = "Question 3: why is the sky blue?"


class AskedWorker:
    """Ends with `close`, its folder with it."""

    def __init__(self, model: ModelRef, adapters: dict[str, Path], **spec: Any) -> None:
        # Not pytest's: a socket's address has 108 bytes, and those names grow with each run and test.
        folder = self.folder = Path(tempfile.mkdtemp(prefix="tunesmith-asked-"))
        served = tuple(ServedAdapter(name=name, folder=str(path)) for name, path in adapters.items())
        asked = {"base_name": "base", "cache": str(folder / "cache"), "context_length": 512, "slots": 4} | spec
        write_json(folder / SPEC, WorkerSpec(model=model, adapters=served, **asked).model_dump(mode="json"))
        with (folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "serving", str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        transport = httpx.HTTPTransport(uds=str(folder / SOCKET))
        self.http = httpx.Client(transport=transport, base_url="http://worker", timeout=120)
        self.client = OpenAI(base_url="http://worker/v1", api_key="-", http_client=self.http, max_retries=0)

    def ready(self, timeout_s: float = 120) -> "AskedWorker":
        deadline = time.monotonic() + timeout_s
        while not (self.folder / READY).exists():
            assert self.process.poll() is None, self.failure
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)
        return self

    @property
    def failure(self) -> dict[str, Any]:
        return read_json(self.folder / FAILED) or {"message": self.log}

    @property
    def ready_told(self) -> dict[str, Any]:
        return read_json(self.folder / READY) or {}

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()[-3000:]

    @property
    def health(self) -> dict[str, Any]:
        return self.http.get("/health").json()

    def ask(self, model: str = "base", question: str = QUESTION, **more: Any) -> Any:
        """Greedy, unless something else is asked for."""
        asked = {"max_tokens": 16, "temperature": 0} | more
        return self.client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": question}], **asked
        )

    def say(self, model: str = "base", question: str = QUESTION, **more: Any) -> str:
        return str(self.ask(model, question, **more).choices[0].message.content)

    def say_at_once(self, questions: list[tuple[str, str]], threads: int = 8) -> list[str]:
        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(lambda asked: self.say(*asked), questions))

    def wait_until_idle(self, timeout_s: float = 60) -> None:
        deadline = time.monotonic() + timeout_s
        while (health := self.health)["running"] or health["waiting"]:
            assert time.monotonic() < deadline, health
            time.sleep(0.02)

    def close(self) -> int:
        assert self.process.stdin
        self.process.stdin.close()
        self.http.close()
        code = self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)
        return code
