"""Which engine is chosen for what, and why another cannot hold it."""

import pytest

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


def test_vllm_is_refused_with_the_reason():
    assert "could not be tried" in cannot_hold("vllm", Wanted(config=LLAMA, device="cuda"))


def test_core_and_the_worker_know_the_same_families():
    from serving.gguf_files import FAMILIES

    assert set(FAMILIES) == GGUF_FAMILIES
