"""Tokens per second of the serving worker beside others on the same model and prompts, one after another in one run.

.venv/bin/python benchmarks/serving_speed.py MODEL_FOLDER [--rounds 3] [--tokens 32] [--bits 16] [--only NAME,…]
.venv/bin/python benchmarks/serving_speed.py MODEL_FOLDER --details     # cold start, first token, adapters

Greedy, every answer of the same number of tokens. One request at a time, then eight at once. Processor seconds are
those of the process that answers, its children included; who asks is another process.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
import psutil

sys.path += [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests")]
from asked import AskedWorker

from storage.spec import ModelRef

PLACES = ("France", "Japan", "Peru", "Kenya", "Canada", "Norway", "India", "Egypt")
QUESTIONS = [f"Write a few sentences about the history and the landscape of {place}." for place in PLACES]
PROGRAMS = Path(__file__).with_name("serving_programs.py")


class Contender:
    """A process that answers; `answer` writes so many tokens to each question, all of them at once."""

    def __init__(self, name: str, process: psutil.Process) -> None:
        self.name, self._process = name, process
        self.rates: dict[int, list[tuple[float, float]]] = {1: [], 8: []}

    def answer(self, questions: list[str], tokens: int) -> int:
        raise NotImplementedError

    def cpu_s(self) -> float:
        alive = [self._process, *self._process.children(recursive=True)]
        return sum(sum(process.cpu_times()[:2]) for process in alive)

    def measure(self, at_once: int, tokens: int) -> None:
        asked = [QUESTIONS] if at_once == 8 else [[question] for question in QUESTIONS[:2]]
        began, cpu = time.perf_counter(), self.cpu_s()
        written = sum(self.answer(questions, tokens) for questions in asked)
        self.rates[at_once].append((written / (time.perf_counter() - began), written / (self.cpu_s() - cpu)))


class Ours(Contender):
    """The serving worker."""

    def __init__(self, name: str, worker: AskedWorker, ends: list[int]) -> None:
        super().__init__(name, psutil.Process(worker.process.pid))
        self._worker, self._more = worker.ready(), {"logit_bias": {str(end): -100 for end in ends}}

    def answer(self, questions: list[str], tokens: int) -> int:
        def ask(question: str) -> int:
            return int(self._worker.ask(question=question, max_tokens=tokens, **self._more).usage.completion_tokens)

        with ThreadPoolExecutor(len(questions)) as pool:
            return sum(pool.map(ask, questions))


class Program(Contender):
    """One of `serving_programs.py`: a question a line on its input, so many tokens on its output."""

    def __init__(self, name: str, model: Path, prompts: dict[str, list[int]], *more: str) -> None:
        command = [sys.executable, str(PROGRAMS), name, str(model), *more]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        super().__init__(name, psutil.Process(self._child.pid))
        self._prompts = prompts
        self.said = self._read()

    def _read(self) -> Any:
        assert self._child.stdout
        return json.loads(next(line for line in self._child.stdout if line.startswith("{")))

    def answer(self, questions: list[str], tokens: int) -> int:
        assert self._child.stdin
        self._child.stdin.write(json.dumps([[self._prompts[question] for question in questions], tokens]) + "\n")
        self._child.stdin.flush()
        return int(self._read()["tokens"])

    def close(self) -> None:
        self._child.kill()
        self._child.wait()


class LlamaServer(Program):
    """llama.cpp's own server, asked over HTTP."""

    def answer(self, questions: list[str], tokens: int) -> int:
        def ask(question: str) -> int:
            body = {"prompt": self._prompts[question], "n_predict": tokens, "temperature": 0, "ignore_eos": True}
            said = httpx.post(f"{self.said['address']}/completion", json=body, timeout=300)
            return int(said.json()["tokens_predicted"])

        with ThreadPoolExecutor(len(questions)) as pool:
            return sum(pool.map(ask, questions))


def contenders(model: ModelRef, asked: argparse.Namespace, stack: ExitStack, folder: Path) -> list[Contender]:
    from serving.converted import Converted
    from serving.ends import ends_of
    from training.conversations import Conversation
    from training.render import Renderer
    from training.tokenizer import load_tokenizer

    path, tokenizer = Path(model.path), load_tokenizer(model)
    renderer, ends = Renderer(tokenizer), sorted(ends_of(path))
    prompts = {}
    for question in QUESTIONS:
        text = renderer.render(Conversation(1, [{"role": "user", "content": question}], asks=True)).text
        prompts[question] = list(tokenizer(text, add_special_tokens=False)["input_ids"])
    cache, threads = folder / "cache", str(asked.threads)
    base = Converted(cache, path, bits=asked.bits).base()

    def worker(name: str, engine: str) -> Ours:
        spec = {"engine": engine, "threads": asked.threads, "bits": asked.bits, "slots": 8, "cache": str(cache)}
        return Ours(name, stack.enter_context(closing(AskedWorker(model, {}, **spec))), ends)

    made: dict[str, Any] = {
        "generate": lambda name: stack.enter_context(closing(Program(name, path, prompts, threads))),
        "generate_batch": lambda name: stack.enter_context(closing(Program(name, path, prompts, threads))),
        "llama-server": lambda name: stack.enter_context(closing(LlamaServer(name, base, prompts, threads))),
        "ours-llama": lambda name: worker(name, "llama.cpp"),
        "ours-openvino": lambda name: worker(name, "openvino"),
        "ours-transformers": lambda name: worker(name, "transformers"),
    }
    chosen = asked.only.split(",") if asked.only else list(made)
    return [made[name](name) for name in chosen]


def compare(model: ModelRef, asked: argparse.Namespace) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        racing = contenders(model, asked, stack, folder)
        for contender in racing:
            contender.answer(QUESTIONS[:1], 4)  # whatever is made at the first request
        for _ in range(asked.rounds):
            for at_once in (1, 8):
                for contender in racing:
                    contender.measure(at_once, asked.tokens)
        print(f"{asked.tokens} tokens an answer, {asked.threads} thread(s), {asked.bits} bits, {asked.rounds} rounds")
        print(f"{'':20}{'1: tok/s':>10}{'tok/cpu-s':>11}{'8: tok/s':>10}{'tok/cpu-s':>11}")
        for contender in racing:
            told = [statistics.median(rates) for at in (1, 8) for rates in zip(*contender.rates[at], strict=True)]
            print(f"{contender.name:20}{told[0]:>10.1f}{told[1]:>11.1f}{told[2]:>10.1f}{told[3]:>11.1f}")


def details(model: ModelRef, asked: argparse.Namespace) -> None:
    """Cold start with the files there, first token, adapters: of each engine."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = subprocess.run([sys.executable, str(PROGRAMS), "adapters", model.path, str(folder / "adapters"), "20"])
        made.check_returncode()
        adapters = {path.name: path for path in sorted((folder / "adapters").iterdir())}
        for engine in ("llama.cpp", "openvino", "transformers"):
            spec = {
                "engine": engine,
                "threads": asked.threads,
                "bits": asked.bits,
                "slots": 8,
                "cache": str(folder / "c"),
            }
            tell(engine, folder, model, adapters, spec)


def tell(engine: str, folder: Path, model: ModelRef, adapters: dict[str, Path], spec: dict[str, Any]) -> None:
    for number in range(2):  # the first one makes the files
        began = time.perf_counter()
        with closing(AskedWorker(model, {}, **spec)) as worker:
            worker.ready()
            started = time.perf_counter() - began
            said = [
                f"{'first' if number == 0 else 'cold'} start {started:.1f} s",
                f"{worker.health['memory_bytes'] / 1e6:.0f} MB",
            ]
            if number:
                said.append(f"first token after {first_token(worker):.2f} s")
                began = time.perf_counter()
                worker.http.put("/adapters/one", json={"folder": str(next(iter(adapters.values())))}).raise_for_status()
                said.append(f"an adapter loaded in {time.perf_counter() - began:.2f} s")
            print(f"{engine}: {', '.join(said)}", flush=True)
    with closing(AskedWorker(model, adapters, **spec)) as worker:
        worker.ready()
        names = list(adapters)[:2]
        for name in names:
            worker.say(name, max_tokens=8)
        memory = worker.health["memory_bytes"] / 1e6
        same = statistics.median(timed(worker, names[0], at) for at in range(9))
        other = statistics.median(timed(worker, names[at % 2], at) for at in range(9, 18))
        print(f"{engine}: base and 20 adapters {memory:.0f} MB; one token {same:.3f} s with the adapter of before, "
              f"{other:.3f} s with another one", flush=True)  # fmt: skip


def first_token(worker: AskedWorker) -> float:
    worker.say(max_tokens=1)
    times = []
    for question in QUESTIONS[:5]:
        began = time.perf_counter()
        next(
            chunk
            for chunk in worker.ask(question=question, stream=True, max_tokens=4)
            if chunk.choices[0].delta.content
        )
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def timed(worker: AskedWorker, name: str, number: int) -> float:
    began = time.perf_counter()
    worker.say(name, f"{number} is a number. Why?", max_tokens=1)
    return time.perf_counter() - began


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--tokens", type=int, default=32)
    arguments.add_argument("--bits", type=int, default=16)
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--only", default="")
    arguments.add_argument("--details", action="store_true")
    asked = arguments.parse_args()
    sizes = {"context_length": 2048, "parameters": 0, "hidden_size": 0, "layers": 0}
    model = ModelRef(id="m", name="m", path=str(asked.model.resolve()), revision="0", **sizes)
    (details if asked.details else compare)(model, asked)


if __name__ == "__main__":
    main()
