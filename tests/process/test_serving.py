"""The serving worker on the tiny model, with adapters of every kind, through OpenAI's own client."""

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
from asked import QUESTION, AskedWorker
from safetensors.numpy import load_file, save_file

from storage import manifest
from storage.methods import Adapter, Full, Lora, Method, Prefix
from storage.serving import ADAPTER_HEADER
from storage.spec import Compute, ModelRef

pytestmark = pytest.mark.process

METHODS: dict[str, Method] = {
    "lora": Lora(dropout=0),
    "rslora": Lora(dropout=0, rank=4, rslora=True),
    "dora": Lora(dropout=0, dora=True),
    "prefix": Prefix(length=8),
    "layers": Adapter(size=16),
}
#: What llama.cpp holds.
PLAIN = ("lora", "rslora")
COMPUTE = Compute(device="cpu", threads=1, weights_dtype="float32", micro_batch_tokens=512)
QUESTIONS = ("Question 3: why is the sky blue?", "And?", "Question 12: " + "why is the sky blue? " * 9)
SCHEMA = {
    "type": "object",
    "properties": {"sky": {"enum": ["blue", "grey"]}, "day": {"type": "boolean"}},
    "required": ["sky", "day"],
    "additionalProperties": False,
}


def teach(tuned: Any, tokenizer: Any, answers: list[str], steps: int, rate: float) -> None:
    """A few seconds of plain training, so that answers are words and their tokens no coin tosses."""
    import torch

    torch.set_num_threads(1)
    texts = [
        f"<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n"
        for question, answer in zip(QUESTIONS, answers, strict=True)
    ]
    batch = tokenizer(texts, padding=True, return_tensors="pt", add_special_tokens=False)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    weights = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=rate)
    for _ in range(steps):
        tuned(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.fixture(scope="module")
def model(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> ModelRef:
    """The tiny model, after it has learned to answer; its weights in bfloat16, as most published ones are."""
    folder = tmp_path_factory.mktemp("talking") / "tiny"
    shutil.copytree(tiny_model, folder)
    sizes = {"context_length": 512, "parameters": 0, "hidden_size": 64, "layers": 2}
    model = ModelRef(id="tiny", name="Tiny", path=str(folder), revision="0", **sizes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        from training.model import load_model
        from training.tokenizer import load_tokenizer

        torch.manual_seed(0)
        base = load_model(model, COMPUTE, Full())
        teach(
            base,
            load_tokenizer(model),
            [f"Answer {number}. " + "Because of the light. " * 7 for number in range(3)],
            120,
            1e-2,
        )
        base.to(torch.bfloat16).save_pretrained(folder)
    return model


@pytest.fixture(scope="module")
def adapters(model: ModelRef, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each has learned to say something else."""
    folder = tmp_path_factory.mktemp("adapters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        from training.methods import in_base_dtype, with_method
        from training.model import load_model
        from training.tokenizer import load_tokenizer

        tokenizer = load_tokenizer(model)
        for name, method in METHODS.items():
            torch.manual_seed(0)
            tuned = with_method(load_model(model, COMPUTE, method), method, tokenizer)
            answers = [f"Because {name} {at}, the light is {name}. " for at in range(3)]
            teach(tuned, tokenizer, answers, 40, 3e-2 if name == "prefix" else 1e-2)
            in_base_dtype(tuned).save_pretrained(folder / name, save_embedding_layers=False)
    return {name: folder / name for name in METHODS}


@pytest.fixture(scope="module")
def expected(model: ModelRef, adapters: dict[str, Path]) -> dict[tuple[str, str], str]:
    """What `generate` says, one model and one question at a time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch

        from training.conversations import Conversation
        from training.model import load_model
        from training.render import Renderer
        from training.tokenizer import load_tokenizer
        from training.tuned import load_tuned

        tokenizer = load_tokenizer(model)
        said = {}
        for name in ("base", *METHODS):
            base = load_model(model, COMPUTE, Lora())
            tuned = base if name == "base" else load_tuned(adapters[name], model, METHODS[name], COMPUTE)
            for question in QUESTIONS:
                asked = Conversation(1, [{"role": "user", "content": question}], asks=True)
                prompt = Renderer(tokenizer).render(asked).text
                ids = torch.tensor([tokenizer(prompt, add_special_tokens=False)["input_ids"]])
                with torch.no_grad():
                    written = tuned.eval().generate(
                        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=False,
                        eos_token_id=[0, 2], pad_token_id=0,
                    )  # fmt: skip
                said[name, question] = tokenizer.decode(written[0, ids.shape[1] :], skip_special_tokens=True)
    return said


@pytest.fixture(scope="module")
def llama(
    model: ModelRef, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AskedWorker]:
    plain = {name: adapters[name] for name in PLAIN}
    with closing(AskedWorker(model, plain, engine="llama.cpp")) as worker:
        yield worker.ready()


@pytest.fixture(scope="module")
def reference(
    model: ModelRef, adapters: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AskedWorker]:
    """The transformers engine."""
    with closing(AskedWorker(model, adapters, engine="transformers", weights_dtype="float32")) as worker:
        yield worker.ready()


@pytest.fixture(scope="module")
def openvino(model: ModelRef, adapters: dict[str, Path]) -> Iterator[AskedWorker]:
    plain = {name: adapters[name] for name in PLAIN}
    with closing(AskedWorker(model, plain, engine="openvino", bits=8)) as worker:
        yield worker.ready()


@pytest.fixture(scope="module")
def openvino_16(model: ModelRef, adapters: dict[str, Path]) -> Iterator[AskedWorker]:
    plain = {name: adapters[name] for name in PLAIN}
    with closing(AskedWorker(model, plain, engine="openvino")) as worker:
        yield worker.ready()


@pytest.fixture(params=["llama", "openvino", "reference"])
def worker(request: pytest.FixtureRequest) -> AskedWorker:
    return request.getfixturevalue(request.param)


def test_the_reference_says_what_generate_says_with_every_kind_of_adapter(reference, expected):
    said = {key: reference.say(*key) for key in expected}
    assert said == expected
    assert len({said[name, QUESTION] for name in ("base", *METHODS)}) == len(METHODS) + 1, "each says something else"


@pytest.mark.parametrize("engine", ["llama", "openvino_16"])
def test_with_half_precision_files_both_say_the_same(engine, request, reference):
    """Until two tokens are so close that rounding to 16 bits decides between them."""
    worker = request.getfixturevalue(engine)
    for name in ("base", *PLAIN):
        for question in QUESTIONS:
            ours = worker.ask(name, question, logprobs=True, top_logprobs=2).choices[0].logprobs.content
            theirs = reference.ask(name, question, logprobs=True, top_logprobs=2).choices[0].logprobs.content
            same = 0
            for one, other in zip(ours, theirs, strict=False):
                if one.token != other.token:
                    first, second = other.top_logprobs
                    assert first.logprob - second.logprob < 0.05
                    break
                assert one.logprob == pytest.approx(other.logprob, abs=0.05)
                same += 1
            assert same >= 1


def test_openvino_makes_room_for_its_first_adapter_while_it_answers(openvino_16, model, adapters):
    asked: dict[str, Any] = {"max_tokens": 200, "logit_bias": {"0": -100, "2": -100}}
    with closing(AskedWorker(model, {}, engine="openvino")) as worker:
        stream = worker.ready().ask(**asked, stream=True)
        begun = next(stream).choices[0].delta.content or ""
        assert worker.http.put("/adapters/lora", json={"folder": str(adapters["lora"])}).status_code == 200
        assert worker.say("lora") == openvino_16.say("lora")
        rest = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
        assert begun + rest == openvino_16.say(**asked)


def test_openvino_refuses_an_adapter_of_other_sizes(openvino, adapters, tmp_path):
    shutil.copytree(adapters["lora"], tmp_path / "grown")
    path = tmp_path / "grown/adapter_model.safetensors"
    weights = load_file(path)
    name = next(name for name in weights if name.endswith("lora_B.weight"))
    save_file(weights | {name: np.zeros((weights[name].shape[0] + 1, weights[name].shape[1]), np.float32)}, path)
    answer = openvino.http.put("/adapters/grown", json={"folder": str(tmp_path / "grown")})
    assert answer.status_code == 409
    assert "no place for the adapter's weights" in answer.json()["error"]["message"]
    assert openvino.say("lora")


def test_eight_threads_of_different_adapters_get_what_each_gets_alone(worker):
    asked = [(name, question) for name in ("base", *worker.health["adapters"]) for question in QUESTIONS]
    alone = [worker.say(*question) for question in asked]
    assert worker.say_at_once(asked * 3) == alone * 3


def test_a_stream_brings_the_same_text_and_its_usage(worker):
    whole = worker.ask("lora", max_tokens=24)
    chunks = list(worker.ask("lora", max_tokens=24, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == whole.choices[0].finish_reason
    assert len(chunks) > 5, "it comes in pieces"


def test_the_header_names_the_adapter_whatever_the_model_is_called(worker):
    body = {"model": "support-bot", "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 16}
    for adapter in ("lora", ""):
        answer = worker.http.post(
            "/v1/chat/completions", json=body | {"temperature": 0}, headers={ADAPTER_HEADER: adapter}
        ).json()
        assert answer["model"] == "support-bot"
        assert answer["choices"][0]["message"]["content"] == worker.say(adapter or "base")


def test_an_answer_of_a_shape_is_json_of_that_shape(worker):
    shape = {"type": "json_schema", "json_schema": {"name": "sky", "schema": SCHEMA}}
    for name in ("base", "lora"):
        said = json.loads(worker.say(name, response_format=shape, max_tokens=60))
        assert said["sky"] in ("blue", "grey")
        assert isinstance(said["day"], bool)


def test_an_answer_ends_before_its_stop_sequence_wherever_tokens_end(worker):
    whole = worker.say(max_tokens=24)
    stop = whole[7:12]
    assert worker.say(max_tokens=24, stop=[stop]) == whole[: whole.index(stop)]
    chunks = worker.ask(max_tokens=24, stop=stop, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole[: whole.index(stop)]


def test_one_seed_says_the_same_twice(worker):
    asked: dict[str, Any] = {"temperature": 2, "top_p": 0.99, "seed": 7, "max_tokens": 24}
    assert worker.say(**asked) == worker.say(**asked) != worker.say(**asked | {"seed": 8})


def test_each_of_n_answers_is_another_and_the_batch_changes_none(reference):
    asked: dict[str, Any] = {"temperature": 2, "top_p": 0.99, "n": 3, "max_tokens": 24}
    said = [choice.message.content for choice in reference.ask(seed=7, **asked).choices]
    assert said == [reference.say(seed=seed, **asked | {"n": 1}) for seed in (7, 8, 9)]
    assert len(set(said)) == 3


def test_log_probabilities_are_of_the_tokens_that_were_written(worker):
    choice = worker.ask(logprobs=True, top_logprobs=3).choices[0]
    told = choice.logprobs.content
    assert "".join(token.token for token in told).startswith(choice.message.content)
    for token in told:
        assert token.logprob == max(other.logprob for other in token.top_logprobs)
        assert len(token.top_logprobs) == 3


def test_plain_completions_take_texts_and_tokens(worker):
    complete = worker.client.completions.create
    asked = {"model": "base", "temperature": 0, "max_tokens": 4, "logprobs": 1}
    both = complete(prompt=["Answer 3", "Because of"], **asked).choices
    assert [choice.text for choice in both] == [
        complete(prompt=prompt, **asked).choices[0].text for prompt in ("Answer 3", "Because of")
    ]
    assert "".join(both[1].logprobs.tokens) == both[1].text
    assert complete(prompt=[5, 6, 7], **asked).usage.prompt_tokens == 3


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"temperature": 3}, "temperature"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"n": 99}, "n"),
        ({"audio": {"voice": "alloy"}}, "audio"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "no place for tools"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"top_logprobs": 3}, "logprobs"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}, "no schema"),
        ({"messages": [{"role": "king", "content": "Hi"}]}, "no role"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, "image_url"),
        ({"messages": [{"role": "user", "content": "why? " * 2000}]}, "context holds 512"),
        ({"messages": [{"role": "user", "content": "why? " * 500_000}]}, "at least"),
        ({"model": "nobody"}, "nobody"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(llama, asked, says):
    body = {"model": "base", "messages": [{"role": "user", "content": "Hi"}]} | asked
    answer = llama.http.post("/v1/chat/completions", json=body)
    problem = answer.json()["error"]
    assert answer.status_code in (400, 404)
    assert says in problem["message"]
    assert problem["type"] == "invalid_request_error"
    assert problem["message"].endswith(".")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xff\xfe{", 400),
        (b"", 400),
        (b"[" * 100_000, 400),
        (b'{"model":"base","messages":[{"role":"user","content":' + b"[" * 5000 + b"]" * 5000 + b"}]}", 400),
        (b'{"model":"base","messages":"' + b"a" * 9 * 1024**2 + b'"}', 413),
    ],
    ids=["no utf-8", "nothing", "deep", "deep content", "9 MB"],
)
def test_what_is_no_request_is_refused_in_the_same_envelope(llama, body, status):
    answer = llama.http.post("/v1/chat/completions", content=body)
    assert answer.status_code == status
    assert answer.json()["error"]["message"].endswith(".")


def test_a_client_that_hangs_up_frees_its_slot(worker):
    for _ in range(2):
        with worker.ask("lora", max_tokens=400, stream=True, logit_bias={"0": -100, "2": -100}) as stream:
            next(iter(stream))
    worker.wait_until_idle()


def test_adapters_come_and_go_and_break_no_answer(worker, adapters):
    expected = worker.say("rslora", max_tokens=200, logit_bias={"0": -100, "2": -100})
    assert worker.http.put("/adapters/passing", json={"folder": str(adapters["rslora"])}).status_code == 200
    stream = worker.ask("passing", max_tokens=200, logit_bias={"0": -100, "2": -100}, stream=True)
    begun = next(stream).choices[0].delta.content or ""
    assert "passing" not in worker.http.delete("/adapters/passing").json()["adapters"]
    assert begun + "".join(chunk.choices[0].delta.content or "" for chunk in stream) == expected
    with pytest.raises(openai.NotFoundError, match="passing"):
        worker.ask("passing")


def test_llama_cpp_says_why_it_cannot_hold_an_adapter(llama, adapters):
    for name, because in (("prefix", "LoRA adapters only"), ("dora", "DoRA"), ("layers", "LoRA adapters only")):
        answer = llama.http.put(f"/adapters/{name}", json={"folder": str(adapters[name])})
        assert answer.status_code == 409
        assert because in answer.json()["error"]["message"]


def test_a_folder_without_an_adapter_is_refused(worker, tmp_path):
    answer = worker.http.put("/adapters/nothing", json={"folder": str(tmp_path)})
    assert answer.status_code == 409
    assert "adapter" in answer.json()["error"]["message"]
    assert worker.http.put("/adapters/nothing", content=b"[").status_code == 400


def test_a_hostile_template_costs_one_request_and_not_the_worker(model, tmp_path):
    template = (
        "{% if messages[0].content == 'memory' %}{{ 'x' * (10 ** 10) }}{% endif %}"
        "{% if messages[0].content == 'range' %}{% for i in range(10 ** 9) %}{{ i }}{% endfor %}{% endif %}"
        "{{ messages[0].content }}"
    )
    hostile = model.model_copy(update={"chat_template": template})
    with closing(AskedWorker(hostile, {}, engine="llama.cpp")) as worker:
        worker.ready()
        for attack in ("memory", "range"):
            with pytest.raises(openai.BadRequestError, match="template"):
                worker.ask(question=attack)
        assert worker.ask(question="Hi").choices
        assert worker.close() == 0


def test_what_llama_cpp_cannot_hold_from_the_start_is_answered_by_transformers(model, adapters, tmp_path, reference):
    spec = {"engine": "llama.cpp", "weights_dtype": "float32"}
    with closing(AskedWorker(model, {"prefix": adapters["prefix"]}, **spec)) as worker:
        assert worker.ready().health["engine"] == "transformers"
        assert worker.say("prefix") == reference.say("prefix")
        assert "LoRA adapters only" in worker.log


def test_what_lies_beneath_an_adapter_is_merged_into_the_base_model_first(model, adapters, tmp_path, reference):
    spec = {"engine": "llama.cpp", "beneath": str(adapters["rslora"])}
    with closing(AskedWorker(model, {"lora": adapters["lora"]}, **spec)) as worker:
        assert worker.ready().health["engine"] == "llama.cpp"
        assert worker.say("base", max_tokens=4) == reference.say("rslora", max_tokens=4)
        assert worker.say("lora", max_tokens=4) != worker.say("base", max_tokens=4)
        [merged] = (worker.folder / "cache").glob("merged-*")
        assert manifest.damage(merged) is None


def test_more_requests_than_may_wait_are_sent_away_for_a_moment(model, tmp_path):
    with closing(AskedWorker(model, {}, engine="llama.cpp", slots=1, most_waiting=0)) as worker:
        worker.ready()
        with pytest.raises(openai.InternalServerError, match="Try again in a moment") as busy:
            worker.ask(n=2)
        assert busy.value.status_code == 503
        assert busy.value.response.headers["retry-after"]
        assert worker.ask().choices


def test_a_model_that_is_not_there_is_said_in_a_sentence(model, tmp_path):
    missing = model.model_copy(update={"path": str(tmp_path / "nowhere")})
    with closing(AskedWorker(missing, {}, engine="llama.cpp")) as worker:
        assert worker.process.wait(60) == 1
        assert worker.failure["cause"] == "model_not_found"
