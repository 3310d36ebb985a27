"""Decoders as OpenVINO graphs: they compute what transformers computes, and refuse what they would compute wrongly."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen2Config,
    Qwen3Config,
)

from serving.failures import CannotHold
from serving.openvino_graph import write_graph
from serving.openvino_pass import Passes, Row

TINY = {
    "vocab_size": 97,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
FAMILIES = [
    LlamaConfig(**TINY, tie_word_embeddings=True),
    LlamaConfig(**TINY, attention_bias=True, rope_parameters={"rope_type": "default", "rope_theta": 5e5}),
    MistralConfig(**TINY, sliding_window=None),
    Qwen2Config(**TINY),
    Qwen3Config(**TINY, head_dim=32),
]
PROMPT = list(range(3, 90)) * 3


def saved(config: PreTrainedConfig, folder: Path) -> PreTrainedModel:
    """With biases and norms that are not what every model begins with."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, mean=float(parameter.ndim == 1), std=0.2)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("config", FAMILIES, ids=lambda config: config.model_type)
def test_every_family_scores_what_transformers_scores(config, tmp_path):
    model = saved(config, tmp_path / "model")
    write_graph(tmp_path / "model", tmp_path / "graph", bits=16)
    passes, rows = Passes(tmp_path / "graph", threads=1), [Row(), Row()]
    whole = passes.run(rows[:1], [PROMPT]).copy()
    passes.run(rows[1:], [PROMPT[:40]])
    together = passes.run(rows, [[7], PROMPT[40:]]).copy()
    with torch.inference_mode():
        expected = model(torch.tensor([[*PROMPT, 7]])).logits[0].numpy()
    np.testing.assert_allclose(whole[0], expected[-2], atol=0.02)
    np.testing.assert_allclose(together, expected[[-1, -2]], atol=0.02)


def test_eight_bits_round_a_little(tmp_path):
    model = saved(FAMILIES[0], tmp_path / "model")
    write_graph(tmp_path / "model", tmp_path / "graph", bits=8)
    said = torch.from_numpy(Passes(tmp_path / "graph", threads=1).run([Row()], [PROMPT])[0])
    with torch.inference_mode():
        expected = model(torch.tensor([PROMPT])).logits[0, -1]
    chances, theirs = torch.softmax(said, -1), torch.softmax(expected, -1)
    assert 0 < (chances - theirs).abs().sum() < 0.1


def test_pages_are_given_back_and_taken_again(tmp_path):
    saved(FAMILIES[0], tmp_path / "model")
    write_graph(tmp_path / "model", tmp_path / "graph")
    passes = Passes(tmp_path / "graph", threads=1)
    first = passes.run([row := Row()], [PROMPT]).copy()
    passes.run([Row() for _ in range(20)], [PROMPT] * 20)
    passes.release(row)
    assert not row.pages
    np.testing.assert_array_equal(passes.run([Row()], [PROMPT]), first)


@pytest.mark.parametrize("bits", [8, 16])
def test_no_bit_of_a_row_depends_on_who_else_is_there(tmp_path, bits):
    """A wider model: small ones are computed one way only."""
    saved(
        LlamaConfig(
            **TINY
            | {"hidden_size": 576, "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": True}
        ),
        tmp_path / "model",
    )
    write_graph(tmp_path / "model", tmp_path / "graph", bits=bits)
    passes = Passes(tmp_path / "graph", threads=2)

    def scores(others: int) -> np.ndarray:
        rows = [Row() for _ in range(1 + others)]
        for length, row in enumerate(rows, start=40):
            passes.run([row], [PROMPT[:length]])
        return passes.run(rows, [[5]] * len(rows))[0].copy()

    alone = scores(0)
    for others in (1, 2, 3, 7):
        np.testing.assert_array_equal(scores(others), alone)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"model_type": "gpt_neox"}, "gpt_neox"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"sliding_window": 64}, "sliding_window"),
        ({"num_hidden_layers": 3}, r"model\.layers\.2\.input_layernorm\.weight are not in"),
        ({"num_hidden_layers": 1}, "no place for the weights model.layers.1"),
    ],
)
def test_what_would_be_computed_wrongly_is_refused_and_leaves_nothing(tmp_path, change, says):
    saved(FAMILIES[0], tmp_path / "model")
    config = tmp_path / "model/config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    with pytest.raises(CannotHold, match=says):
        write_graph(tmp_path / "model", tmp_path / "graph")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
