"""What vLLM is asked and told in its own words, and what is read out of what it writes when it fails."""

import itertools
from pathlib import Path

import pytest

from serving.failures import BadRequest, Busy, NoSuchModel, ServingError, TooLong
from serving.request import Generation, Logprob, Piece, Sampling
from serving.vllm_command import command_of
from serving.vllm_trouble import cause_of, doing
from serving.vllm_words import piece_of, refusal_of, request_of
from storage.serving import WorkerSpec
from storage.spec import ModelRef


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (
            "(EngineCore_DP0 pid=71) ERROR 11-22 [core.py:708] Traceback (most recent call last):\n"
            "(EngineCore_DP0 pid=71) ERROR 11-22 [core.py:708] ValueError: Free memory on device (1.2/23.6 GiB)"
            " on startup is less than desired GPU memory utilization (0.9).\n"
            "(APIServer pid=60)     raise RuntimeError(\n"
            "(APIServer pid=60) RuntimeError: Engine core initialization failed. See root cause above. Failed: {}\n",
            "Free memory on device (1.2/23.6 GiB) on startup is less than desired GPU memory utilization (0.9)",
        ),
        (
            "pydantic_core._pydantic_core.ValidationError: 1 validation error for ModelConfig\n"
            "  Value error, Model architectures ['OddForCausalLM'] are not supported. [type=value_error, x=1]\n",
            "Model architectures ['OddForCausalLM'] are not supported",
        ),
        ("vllm serve: error: unrecognized arguments: --uds\n", "unrecognized arguments: --uds"),
        (
            "(Worker pid=3) ERROR torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n",
            "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB",
        ),
        ("ModuleNotFoundError: No module named 'vllm'\n", "ModuleNotFoundError: No module named 'vllm'"),
        ("RuntimeError: Engine core initialization failed.\n", "Engine core initialization failed"),
        ("Killed\n", "Killed"),
        ("", ""),
    ],
)
def test_the_root_cause_is_found_in_what_vllm_wrote(log: str, cause: str) -> None:
    assert cause_of(log) == cause


def test_its_log_says_how_far_it_is() -> None:
    assert doing("") == "vLLM starts"
    assert doing("Loading safetensors checkpoint shards: 50%\n") == "vLLM loads the weights"
    assert "records" in doing("Loading safetensors checkpoint shards\n… Capturing CUDA graphs: 3%")


def test_only_what_was_asked_for_is_asked_of_it() -> None:
    plain = request_of(Generation(prompt=(1, 2)), "base", frozenset({2, 0}), room=100)
    assert plain["max_tokens"] == 100
    assert plain["stop_token_ids"] == [0, 2]
    assert not {"seed", "logprobs", "top_k", "logit_bias", "structured_outputs"} & set(plain)
    full = Sampling(seed=7, top_k=5, top_logprobs=0, logit_bias={5: -1}, json_schema={}, max_tokens=3)
    asked = request_of(Generation(prompt=(1,), sampling=full), "polite:1", frozenset(), room=100)
    assert (asked["seed"], asked["top_k"], asked["logprobs"], asked["logit_bias"]) == (7, 5, 0, {"5": -1.0})
    assert (asked["model"], asked["max_tokens"]) == ("polite:1", 3)
    assert asked["structured_outputs"]["json"]["type"] == "object"


def test_a_chunk_becomes_a_piece_without_the_token_that_ends_it() -> None:
    listed = {
        "tokens": ["Hi", "<|im_end|>"],
        "token_logprobs": [-0.1, -0.2],
        "top_logprobs": [{"Hi": -0.1, "Yo": -1.0, "No": -2.0}, {"<|im_end|>": -0.2}],
    }
    chunk = {"text": "Hi", "token_ids": [5, 2], "logprobs": listed, "finish_reason": "stop"}
    told = (Logprob("Hi", -0.1), (Logprob("Hi", -0.1), Logprob("Yo", -1.0)))
    assert piece_of(chunk, 2, frozenset({2})) == Piece("Hi", 2, (told,), "stop")
    assert piece_of({"text": "", "token_ids": [], "finish_reason": "abort"}, None, frozenset()).finish == "aborted"


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, "This model's maximum context length is 512 tokens.", TooLong),
        (400, "temperature must be non-negative", BadRequest),
        (404, "The model `x` does not exist.", NoSuchModel),
        (503, "Too many", Busy),
        (500, "EngineCore encountered an issue.", ServingError),
    ],
)
def test_its_errors_are_ours(status: int, said: str, kind: type[ServingError]) -> None:
    problem = refusal_of(status, {"error": {"message": said, "type": "x", "code": status}})
    assert type(problem) is kind
    assert said.rstrip(".") in str(problem)
    assert str(problem).endswith(".")
    assert "no reason" in str(refusal_of(500, "nonsense"))


def test_its_command_line_brings_no_code_and_no_key(model: ModelRef) -> None:
    spec = WorkerSpec(
        engine="vllm", model=model, base_name="base", cache="/c", context_length=512, lora_rank=48, gpu_share=0.456,
        vllm_python="/v/bin/python",
    )  # fmt: skip
    command = command_of(spec, Path("/w/vllm.sock"))
    told = dict(itertools.pairwise(command))
    assert command[:5] == ["/v/bin/python", "-P", "-m", "vllm.entrypoints.cli.main", "serve"]
    assert told["--max-lora-rank"] == "64"
    assert told["--gpu-memory-utilization"] == "0.46"
    assert told["--load-format"] == "safetensors"
    assert told["--uds"] == "/w/vllm.sock"
    assert not {"--trust-remote-code", "--api-key"} & set(command)
