"""Safetensors read and written as GGUF: what is refused, and that heads are where llama.cpp looks for them."""

import json

import numpy as np
import pytest

from serving.failures import CannotHold
from serving.gguf_adapters import require_plain_lora
from serving.gguf_files import paired, writing
from serving.gguf_vocabulary import require_byte_level
from serving.safetensors_file import tensors_of


def safetensors(header: dict, data: bytes) -> bytes:
    head = json.dumps(header).encode()
    return len(head).to_bytes(8, "little") + head + data


def test_bfloat16_is_read_as_the_numbers_it_stands_for(tmp_path):
    numbers = np.array([1.5, -2.0, 0.0, 3.0], np.float32)
    data = (numbers.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = {"__metadata__": {}, "a": {"dtype": "BF16", "shape": [2, 2], "data_offsets": [0, 8]}}
    (tmp_path / "model.safetensors").write_bytes(safetensors(header, data))
    (stored,) = tensors_of(tmp_path)
    assert stored.read().tolist() == [[1.5, -2.0], [0.0, 3.0]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no whole"),
        (b"\xff" * 64, "no whole"),
        (safetensors({"a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}, b"short"), "outside"),
        (safetensors({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 16]}}, b"0" * 16), "outside"),
        (safetensors({"a": {"dtype": "I64", "shape": [1], "data_offsets": [0, 8]}}, b"0" * 8), "I64"),
        (safetensors({"a": {"dtype": "F32"}}, b""), "no whole"),
        (safetensors({"a": "b"}, b""), "no whole"),
    ],
)
def test_a_broken_file_is_refused_in_a_sentence(tmp_path, content, says):
    (tmp_path / "model.safetensors").write_bytes(content)
    with pytest.raises(CannotHold, match=says):
        list(tensors_of(tmp_path))


def test_halves_of_a_head_become_pairs():
    rows = np.arange(8)[:, None]
    assert paired(rows, heads=2).ravel().tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


@pytest.mark.parametrize(
    "asked",
    [
        {"peft_type": "PREFIX_TUNING"},
        {"peft_type": "LORA", "use_dora": True},
        {"peft_type": "LORA", "modules_to_save": ["lm_head"]},
        {"peft_type": "LORA", "rank_pattern": {"q_proj": 4}},
        {"peft_type": "LORA", "bias": "all"},
    ],
)
def test_only_plain_lora_becomes_a_file(asked):
    require_plain_lora({"peft_type": "LORA", "bias": "none"})
    with pytest.raises(CannotHold, match=r"\.$"):
        require_plain_lora(asked)


@pytest.mark.parametrize(
    "tokenizer",
    [{}, {"model": {"type": "Unigram"}}, {"model": {"type": "BPE"}, "decoder": {"type": "Metaspace"}}],
)
def test_only_byte_level_tokenizers_become_vocabularies(tokenizer):
    require_byte_level({"model": {"type": "BPE"}, "decoder": {"type": "ByteLevel"}})
    with pytest.raises(CannotHold, match="byte-level"):
        require_byte_level(tokenizer)


def test_a_file_that_failed_leaves_nothing_behind(tmp_path):
    import gguf

    with pytest.raises(ZeroDivisionError), writing(tmp_path / "base.gguf", gguf.MODEL_ARCH.LLAMA):
        _ = 1 / 0
    assert not list(tmp_path.iterdir())
