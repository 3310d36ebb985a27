"""Which engine is chosen for what, and why another cannot hold it."""

from dataclasses import replace

import pytest

from core.errors import BadInput
from core.serving.settings import Settings
from core.serving.vllm import too_old, why_not
from storage.methods import Adapter, Full, Lora, Prefix, Qlora
from storage.serving import GGUF_FAMILIES, Wanted, cannot_hold, engine_for

LLAMA = {"model_type": "llama", "rope_parameters": {"rope_type": "default", "rope_theta": 1e5}}


@pytest.mark.parametrize("method", [None, Full(), Lora(), Lora(rslora=True), Qlora()])
def test_llama_cpp_answers_where_it_can_on_a_processor(method):
    assert engine_for(Wanted(config=LLAMA, method=method)) == "llama.cpp"


@pytest.mark.parametrize(
    ("wanted", "because"),
    [
        (Wanted(config=LLAMA, method=Prefix()), "a prefix"),
        (Wanted(config=LLAMA, method=Adapter()), "adapter layers"),
        (Wanted(config=LLAMA, method=Lora(dora=True)), "DoRA"),
        (Wanted(config=LLAMA, device="cuda"), "processor only"),
        (Wanted(config={"model_type": "gpt_neox"}), "“gpt_neox”"),
        (Wanted(config={}), "“None”"),
        (Wanted(config=LLAMA | {"rope_parameters": {"rope_type": "yarn"}}), "yarn"),
        (Wanted(config=LLAMA | {"quantization_config": {"bits": 4}}), "quantised already"),
    ],
)
def test_what_llama_cpp_cannot_hold_is_answered_by_transformers_and_the_reason_named(wanted, because):
    assert engine_for(wanted) == "transformers"
    assert because in cannot_hold("llama.cpp", wanted)
    assert cannot_hold("llama.cpp", wanted).endswith(".")
    assert not cannot_hold("transformers", wanted)


@pytest.mark.parametrize("method", [None, Full(), Lora(), Lora(rslora=True), Qlora()])
def test_openvino_answers_on_a_processor_where_it_is_asked_for(method):
    assert engine_for(Wanted(config=LLAMA, method=method, no_openvino="")) == "openvino"
    assert engine_for(Wanted(config=LLAMA, method=method, no_openvino="", device="cuda")) == "transformers"
    assert "TUNESMITH_SERVING_ENGINE" in cannot_hold("openvino", Wanted(config=LLAMA, method=method))


@pytest.mark.parametrize(
    ("wanted", "answers", "because"),
    [
        (Wanted(config=LLAMA, method=Prefix()), "transformers", "a prefix"),
        (Wanted(config=LLAMA, method=Lora(dora=True)), "transformers", "DoRA"),
        (Wanted(config={"model_type": "gpt_neox"}), "transformers", "“gpt_neox”"),
        (Wanted(config=LLAMA | {"hidden_act": "gelu"}), "llama.cpp", "gelu"),
        (Wanted(config=LLAMA | {"sliding_window": 4096}), "llama.cpp", "sliding_window"),
    ],
)
def test_what_openvino_cannot_hold_is_answered_by_another_and_the_reason_named(wanted, answers, because):
    asked = replace(wanted, no_openvino="")
    assert engine_for(asked) == answers
    assert because in cannot_hold("openvino", asked)


def test_an_engine_that_nobody_knows_is_refused(monkeypatch):
    monkeypatch.setenv("TUNESMITH_SERVING_ENGINE", "openvino")
    assert Settings.find().engine == "openvino"
    monkeypatch.setenv("TUNESMITH_SERVING_ENGINE", "ollama")
    with pytest.raises(BadInput, match="“ollama”"):
        Settings.find()


@pytest.mark.parametrize("method", [None, Full(), Lora(), Lora(rslora=True, rank=64), Qlora()])
def test_vllm_answers_on_a_gpu_where_it_is_installed(method):
    assert engine_for(Wanted(config=LLAMA, method=method, device="cuda", no_vllm="")) == "vllm"
    assert engine_for(Wanted(config=LLAMA, method=method, device="cpu", no_vllm="")) == "llama.cpp"


@pytest.mark.parametrize(
    ("wanted", "because"),
    [
        (Wanted(config=LLAMA, device="cuda"), "not installed"),
        (Wanted(config=LLAMA, device="cuda", no_vllm=too_old("0.9.2")), "0.9.2 is installed, and 0.11 is the oldest"),
        (Wanted(config=LLAMA, device="cuda", no_vllm="", method=Prefix()), "a prefix"),
        (Wanted(config=LLAMA, device="cuda", no_vllm="", method=Adapter()), "adapter layers"),
        (Wanted(config=LLAMA, device="cuda", no_vllm="", method=Lora(dora=True)), "DoRA"),
        (Wanted(config=LLAMA, device="cuda", no_vllm="", method=Lora(rank=128)), "TUNESMITH_SERVING_LORA_RANK=128"),
    ],
)
def test_what_vllm_cannot_hold_is_answered_by_transformers_and_the_reason_named(wanted, because):
    assert engine_for(wanted) == "transformers"
    assert because in cannot_hold("vllm", wanted)
    assert cannot_hold("vllm", wanted).endswith(".")


def test_a_new_enough_vllm_is_no_obstacle_and_one_may_leave_it_out():
    assert not too_old("0.11.0")
    assert not too_old("0.33.0rc1")
    assert not too_old("1.0")
    assert "TUNESMITH_SERVING_VLLM is “off”" in why_not(Settings(vllm="off"))
    assert "not installed here" in why_not(Settings())


def test_vllm_may_have_an_environment_of_its_own(tmp_path):
    python = tmp_path / "bin/python"
    assert "no program is there" in why_not(Settings(vllm=str(python)))
    python.parent.mkdir()
    python.touch(0o755)
    assert "no program is there" in why_not(Settings(vllm="bin/python"))
    assert "not installed there" in why_not(Settings(vllm=str(python)))
    installed = tmp_path / "lib/python3.12/site-packages/vllm-0.9.0.dist-info"
    installed.mkdir(parents=True)
    assert "0.11 is the oldest" in why_not(Settings(vllm=str(python)))
    installed.rename(installed.with_name("vllm-0.33.0.dist-info"))
    assert why_not(Settings(vllm=str(python))) == ""


def test_core_and_the_worker_know_the_same_families():
    from serving.gguf_files import FAMILIES

    assert set(FAMILIES) == GGUF_FAMILIES
