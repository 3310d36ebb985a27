"""How many weights each method trains: compared with what PEFT makes of the starter model."""

import json
from pathlib import Path

import pytest

from core.estimate.parameters import trainable_parameters
from core.home import Home
from core.models.library import Models
from storage.files import write_json
from storage.manifest import seal
from storage.methods import Adapter, Full, Lora, Method, Prefix, Qlora
from storage.spec import ModelRef

STARTER = ModelRef(
    id="smollm2-135m", name="SmolLM2", path="/nowhere", revision="", context_length=8192, parameters=134_515_008,
    hidden_size=576, layers=30, intermediate_size=1536, attention_heads=9, key_value_heads=3, head_size=64,
    vocabulary=49152,
)  # fmt: skip


@pytest.mark.parametrize(
    ("method", "counted"),
    [
        (Lora(), 2_442_240),
        (Qlora(), 2_442_240),
        (Lora(rank=16), 4_884_480),
        (Lora(targets="q_proj,v_proj"), 460_800),
        (Lora(dora=True), 2_597_760),
        (Prefix(length=16), 184_320),
        (Adapter(size=64), 4_462_080),
        (Adapter(size=64, placement="pfeiffer"), 2_231_040),
        (Full(), 134_515_008),
    ],
    ids=str,
)
def test_the_count_is_the_one_that_peft_gives(method: Method, counted: int) -> None:
    assert trainable_parameters(method, STARTER) == counted


def test_where_the_configuration_is_not_known_the_guess_is_near() -> None:
    unknown = dict.fromkeys(("intermediate_size", "attention_heads", "key_value_heads", "head_size", "vocabulary"), 0)
    guessed = trainable_parameters(Lora(), STARTER.model_copy(update=unknown))
    assert guessed == pytest.approx(2_442_240, rel=0.05)


def test_a_reference_of_version_0_1_still_loads() -> None:
    kept = {"id": "m", "name": "M", "path": "/m", "revision": "", "context_length": 8, "parameters": 9}
    found = ModelRef.model_validate_json(json.dumps(kept | {"hidden_size": 4, "layers": 2}))
    assert found.vocabulary == 0


def test_the_library_reads_the_sizes_out_of_the_configuration(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    partial = home.models / "m.partial"
    partial.mkdir()
    described = {"name": "M", "provider": "P", "public_id": "p/m", "licence": "mit", "hidden_size": 64, "layers": 2}
    write_json(partial / "model.json", described | {"parameters": 1000, "context_length": 512})
    sizes = {"intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": "sixteen"}
    write_json(partial / "config.json", {"text_config": sizes | {"tie_word_embeddings": False, "vocab_size": True}})
    seal(partial, home.models / "m")
    found = Models(home).get("m")
    assert (found.intermediate_size, found.attention_heads, found.key_value_heads) == (128, 4, 2)
    assert (found.head_size, found.vocabulary, found.tied_embeddings) == (0, 0, False)
