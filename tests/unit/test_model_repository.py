"""Which files of a stranger's repository are taken, and which configurations are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput
from core.models.config import require_harmless
from core.models.repository import RepositoryFile, choose, require_shards

CONFIG = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 64, "vocab_size": 100}


def files(*names: str) -> list[RepositoryFile]:
    return [RepositoryFile(name, 100) for name in names]


def test_only_what_is_needed_is_taken() -> None:
    listed = files("config.json", "model.safetensors", "tokenizer.json", "LICENSE", "README.md", "logo.png",
                   "pytorch_model.bin", "modeling_x.py", "onnx/model.onnx", "consolidated.safetensors",
                   "original/model.safetensors", "chat_template.jinja", "model.safetensors.index.json")  # fmt: skip
    chosen = choose(listed, "a/b")
    assert [file.path for file in chosen.weights] == ["model.safetensors"]
    assert {file.path for file in chosen.texts} == {
        "config.json", "tokenizer.json", "LICENSE", "README.md", "chat_template.jinja"
    }  # fmt: skip
    assert chosen.bytes == 600


def test_shards_are_those_that_the_index_names() -> None:
    shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
    chosen = choose(files("config.json", "model.safetensors.index.json", *shards, "adapter.safetensors"), "a/b")
    assert [file.path for file in chosen.weights] == shards
    require_shards({"weight_map": {"x": shards[0], "y": shards[1]}}, chosen.weights, "a/b")
    for lie in ({"x": shards[0]}, {"x": shards[0], "y": "../../etc/passwd"}, {}, []):
        with pytest.raises(BadInput, match="does not name the weight files that are there"):
            require_shards({"weight_map": lie}, chosen.weights, "a/b")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("config.json", "pytorch_model.bin"), "pickle only"),
        (("config.json", "model.Q4_K_M.gguf"), "GGUF, which is made for answering"),
        (("config.json", "consolidated.safetensors"), "no weights that can be read"),
        (("adapter_config.json", "adapter_model.safetensors"), "is an adapter, not a model"),
        (("model_index.json",), "has no config.json"),
    ],
)
def test_what_is_no_model_says_what_it_is(names: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        choose(files(*names), "a/b")


def test_a_text_beyond_all_measure_is_refused() -> None:
    huge = [*files("model.safetensors"), RepositoryFile("config.json", 2 * 1024**2)]
    with pytest.raises(BadInput, match=r"config\.json has 2 MB, and at most 1 MB"):
        choose(huge, "a/b")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"auto_map": {"AutoConfig": "x.Evil"}}, "“auto_map” in its config.json makes transformers run code"),
        ({"text_config": {"auto_map": {"AutoConfig": "x.Evil"}}}, "“auto_map”"),
        ({"_attn_implementation_internal": "acme/kernel"}, "“_attn_implementation_internal”"),
        ({"attn_implementation": "acme/flash:evil"}, "“attn_implementation”"),
        ({"quantization_config": {"quant_method": "awq"}}, "stored quantised"),
        ({"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000"),
        ({"vocab_size": -1}, "vocab_size is -1"),
        ({"hidden_size": "64"}, "hidden_size is 64"),
        ({"hidden_size": True}, "hidden_size is True"),
        ({"text_config": {"num_hidden_layers": 1e300}}, r"num_hidden_layers is 1e\+300"),
        ({"model_type": "../x"}, "does not say what type of model"),
        ({"model_type": None}, "does not say what type of model"),
    ],
)
def test_a_configuration_that_is_not_harmless_is_refused(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | changed))
    with pytest.raises(BadInput, match=said):
        require_harmless(tmp_path, "a/b")


def test_what_is_no_json_is_refused_without_much_ado(tmp_path: Path) -> None:
    for content in (b"", b"[]", b"{", b"[" * 100_000, b'{"a": ' * 50_000, b" " * (1024**2 + 1), b"\xff\xfe"):
        (tmp_path / "config.json").write_bytes(content)
        with pytest.raises(BadInput, match=r"config\.json is not a JSON object"):
            require_harmless(tmp_path, "a/b")
    (tmp_path / "config.json").write_text(json.dumps(CONFIG | {"time_step_limit": [0.0, float("inf")], "auto_map": {}}))
    assert require_harmless(tmp_path, "a/b") == "llama"
    (tmp_path / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["x.Evil", null]}}')
    with pytest.raises(BadInput, match=r"“auto_map” in its tokenizer_config\.json"):
        require_harmless(tmp_path, "a/b")
