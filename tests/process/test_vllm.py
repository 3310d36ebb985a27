"""The vLLM engine through a real worker, and through a studio with a simulated GPU. vLLM itself is a simulated one.

See serving/simulated_vllm.py: its answers name who answers, and how many tokens it was asked with.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import openai
import psutil
import pytest
from asked import AskedWorker
from deployed import ALICE, adapter, brought, said

from core.home import Home
from core.serving.standing import Standing, State
from core.studio import Studio
from storage.process import SIMULATION_VARIABLE
from storage.serving import SIMULATED_VLLM_VARIABLE
from storage.spec import ModelRef

pytestmark = pytest.mark.process

#: Two adapters and their ranks.
RANKS = {"polite": 8, "brief": 16}
ENDLESS = 400


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> ModelRef:
    sizes = {"context_length": 512, "parameters": 0, "hidden_size": 64, "layers": 2}
    return ModelRef(id="tiny", name="Tiny", path=str(tiny_model), revision="0", **sizes)


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("adapters")
    return {name: adapter(folder / name, r=rank) for name, rank in RANKS.items()}


@pytest.fixture(scope="module")
def worker(
    model: ModelRef, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AskedWorker]:
    """Its tokens take so long that one can hang up between them."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(SIMULATED_VLLM_VARIABLE, json.dumps({"token_s": 0.01, "refuse": ["broken"]}))
        cache = tmp_path_factory.mktemp("cache")
        with closing(AskedWorker(model, adapters, engine="vllm", device="cuda", cache=str(cache))) as worker:
            yield worker.ready()


@pytest.fixture
def start(model: ModelRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., AskedWorker]]:
    """A worker whose vLLM is in that mood. What it falls back to computes on the processor."""
    gpus = tmp_path / "gpus.json"
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a"}]}))
    monkeypatch.setenv(SIMULATION_VARIABLE, str(gpus))
    started: list[AskedWorker] = []

    def start(**mood: Any) -> AskedWorker:
        monkeypatch.setenv(SIMULATED_VLLM_VARIABLE, json.dumps({"token_s": 0.01} | mood))
        started.append(AskedWorker(model, {}, engine="vllm", device="cuda"))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


def family(worker: AskedWorker) -> list[psutil.Process]:
    """vLLM and what it has started: those that nobody may leave behind."""
    children = psutil.Process(worker.process.pid).children(recursive=True)
    return [child for child in children if any("vllm" in word or "EngineCore" in word for word in child.cmdline())]


def vllm_of(ancestor: psutil.Process) -> psutil.Process:
    return next(
        one
        for one in ancestor.children(recursive=True)
        if one.cmdline()[2:3] and "simulated_vllm.py" in one.cmdline()[2]
    )


def test_the_base_and_two_adapters_answer_side_by_side(worker: AskedWorker) -> None:
    assert worker.health["engine"] == "vllm"
    assert worker.health["adapters"] == sorted(RANKS)
    asked = [(name, "Hi") for name in ("base", *RANKS)] * 3
    said = worker.say_at_once(asked)
    tokens = worker.ask("base", "Hi").usage.prompt_tokens
    names = {"base": "base model"} | {name: name for name in RANKS}
    assert all(
        answer.startswith(f"{names[name]} of {tokens} tokens. ") for (name, _), answer in zip(asked, said, strict=True)
    )


def test_a_stream_brings_the_same_text_and_its_usage(worker: AskedWorker) -> None:
    whole = worker.ask("polite", max_tokens=24)
    chunks = list(worker.ask("polite", max_tokens=24, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert whole.choices[0].finish_reason == "length"
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens == 24
    assert len(chunks) > 20


def test_stop_schema_and_log_probabilities_are_passed_on(worker: AskedWorker) -> None:
    assert worker.say("polite", stop=["tokens"], max_tokens=24).split() == ["polite", "of", "26"]
    shape = {"type": "json_schema", "json_schema": {"name": "sky", "schema": {"type": "object"}}}
    assert json.loads(worker.say("base", response_format=shape)) == {"sky": "blue", "day": True}
    told = worker.ask("base", logprobs=True, top_logprobs=2, max_tokens=3).choices[0].logprobs.content
    assert [(token.logprob, len(token.top_logprobs)) for token in told] == [(-0.25, 2)] * 3


def test_a_client_that_hangs_up_ends_its_answer_in_vllm(worker: AskedWorker) -> None:
    for _ in range(2):
        with worker.ask("polite", max_tokens=ENDLESS, stream=True) as stream:
            next(iter(stream))
            assert worker.health["running"] == 1
    worker.wait_until_idle(1)
    wait_until(lambda: running_in_vllm(worker) == 0, 1)


def running_in_vllm(worker: AskedWorker) -> int:
    """As vLLM's own metrics have it."""
    transport = httpx.HTTPTransport(uds=str(worker.folder / "vllm.sock"))
    with httpx.Client(transport=transport) as client:
        return int(float(client.get("http://vllm/metrics").text.split()[-1]))


def test_adapters_come_and_go_and_break_no_answer(worker: AskedWorker, tmp_path: Path) -> None:
    put = worker.http.put("/adapters/passing", json={"folder": str(adapter(tmp_path / "passing"))})
    assert put.status_code == 200
    stream = worker.ask("passing", max_tokens=50, stream=True)
    begun = next(stream).choices[0].delta.content or ""
    again = worker.http.put("/adapters/passing", json={"folder": str(adapter(tmp_path / "newer"))})
    assert again.status_code == 200
    assert worker.say("passing").startswith("newer of")
    assert "passing" not in worker.http.delete("/adapters/passing").json()["adapters"]
    rest = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert (begun + rest).count("passing of") == 13
    with pytest.raises(openai.NotFoundError, match="passing"):
        worker.ask("passing")


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "PREFIX_TUNING"),
        ({"use_dora": True}, "DoRA"),
        ({"r": 128}, "TUNESMITH_SERVING_LORA_RANK=128"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({}, "vLLM does not take the adapter: Its target modules are not there"),
    ],
)
def test_an_adapter_that_vllm_cannot_hold_is_refused_in_a_sentence(
    worker: AskedWorker, tmp_path: Path, config: dict[str, Any], says: str
) -> None:
    answer = worker.http.put("/adapters/odd", json={"folder": str(adapter(tmp_path / "broken", **config))})
    assert answer.status_code == 409
    assert says in answer.json()["error"]["message"]
    assert worker.say("base", max_tokens=2) == "base model "


def test_what_vllm_refuses_is_an_error_of_ours(worker: AskedWorker) -> None:
    with pytest.raises(openai.BadRequestError, match="vLLM refuses the request: token_id -1"):
        worker.ask("base", logit_bias={"-1": 1})
    with pytest.raises(openai.BadRequestError, match="context holds 512"):
        worker.ask("base", "why? " * 2000)


def test_its_key_is_in_no_command_line_and_its_socket_opens_to_it_only(worker: AskedWorker) -> None:
    key = vllm_of(psutil.Process(worker.process.pid)).environ()["VLLM_API_KEY"]
    assert len(key) == 64
    for process in psutil.Process(worker.process.pid).children(recursive=True):
        assert key not in " ".join(process.cmdline())
        assert "--trust-remote-code" not in process.cmdline()
    transport = httpx.HTTPTransport(uds=str(worker.folder / "vllm.sock"))
    with httpx.Client(transport=transport) as stranger:
        assert stranger.get("http://vllm/v1/models").status_code == 401


def test_a_vllm_that_was_killed_ends_the_worker_and_leaves_nothing(start: Callable[..., AskedWorker]) -> None:
    worker = start().ready()
    left = family(worker)
    assert len(left) == 3, "our child, vLLM, its EngineCore"
    stream = worker.ask("base", max_tokens=ENDLESS, stream=True)
    next(stream)
    vllm_of(psutil.Process(worker.process.pid)).kill()
    with pytest.raises((openai.APIError, httpx.HTTPError)):
        list(stream)
    assert worker.process.wait(20) == 1
    assert "vLLM ended by signal 9 while it served" in worker.failure["message"]
    assert psutil.wait_procs(left, 10)[1] == []


@pytest.mark.parametrize("way", ["kill", "close"])
def test_a_worker_that_ends_leaves_no_vllm(start: Callable[..., AskedWorker], way: str) -> None:
    worker = start().ready()
    left = family(worker)
    worker.process.kill() if way == "kill" else worker.close()
    assert psutil.wait_procs(left, 10)[1] == []


def test_where_vllm_does_not_start_transformers_answers_and_the_cause_is_named(
    start: Callable[..., AskedWorker],
) -> None:
    said = (
        "(EngineCore_DP0 pid=7) ERROR [core.py:708] ValueError: Free memory on device (1.2/23.6 GiB) is too low.\n"
        "(APIServer pid=6) RuntimeError: Engine core initialization failed. See root cause above."
    )
    worker = start(says=said, fail=1).ready()
    assert worker.health["engine"] == "transformers"
    assert worker.ready_told["instead"] == (
        "vLLM ended with code 1 before it was ready: Free memory on device (1.2/23.6 GiB) is too low."
    )
    assert worker.ask("base").choices
    assert family(worker) == []


@pytest.fixture
def studio(tiny_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """With a GPU and vLLM, both simulated."""
    gpus = tmp_path / "gpus.json"
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "memory_gb": 24}]}))
    monkeypatch.setenv(SIMULATION_VARIABLE, str(gpus))
    monkeypatch.setenv(SIMULATED_VLLM_VARIABLE, json.dumps({"token_s": 0.001}))
    studio = Studio(tiny_home)
    studio.start()
    yield studio
    studio.stop()


def workers() -> set[int]:
    """The PIDs of the serving workers that this process has started."""
    return {child.pid for child in psutil.Process().children() if child.cmdline()[1:3] == ["-m", "serving"]}


def test_a_studio_with_a_gpu_deploys_the_base_and_two_adapters_on_one_vllm(studio: Studio, tmp_path: Path) -> None:
    others = workers()
    ids = {name: brought(studio, tmp_path / name) for name in RANKS}
    for name, adapter_id in {"plain": "tiny", **ids}.items():
        studio.deployments.create(name, adapter_id, actor=ALICE)
    assert said(studio, "plain").startswith("base model of")
    for name, adapter_id in ids.items():
        assert said(studio, name).startswith(f"{adapter_id} of")
    assert len(workers() - others) == 1, "the base and both adapters share a model"
    for deployed in studio.deployments.all():
        assert deployed.standing.reason == "Answers with vLLM on a GPU (GPU-a)."
        assert deployed.figures.completion_tokens == 8

    def standing() -> Standing:
        return studio.deployments.all()[0].standing

    vllm_of(psutil.Process()).kill()
    wait_until(lambda: standing().state is State.DEGRADED, 20)
    assert "vLLM ended by signal 9 while it served" in standing().reason
    wait_until(lambda: standing().state is State.READY, 30)
    assert said(studio, "polite").startswith(f"{ids['polite']} of")


def wait_until(condition: Callable[[], bool], timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
