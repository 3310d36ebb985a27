"""Saved settings: what is part of them, what is not, and files that somebody else has written."""

from pathlib import Path

import pytest

from core.errors import BadInput, NotFound
from core.people import Actor
from core.studio import Studio
from storage.methods import Qlora
from storage.spec import Hyperparameters, JobSpec, NoEvaluation, Objective, OtherDataset

BOB = Actor("Bob", "bob@example.org")
SPEC = JobSpec(
    model="large",
    dataset="ds-1",
    method=Qlora(rank=32),
    hyperparameters=Hyperparameters(epochs=3, learning_rate=2e-4),
    evaluation=NoEvaluation(),
    output_name="first",
    sample_prompts=("Hello?",),
)


def test_settings_come_back_and_the_job_keeps_what_is_its_own(studio: Studio) -> None:
    studio.presets.save("Careful QLoRA", SPEC.model_dump(mode="json"), actor=BOB)
    [preset] = studio.presets.all(Objective.SFT)
    assert preset.name == "Careful QLoRA"
    other = JobSpec(model="tiny", dataset="ds-2", output_name="second", chat_template="{{ x }}")
    found = JobSpec.model_validate(studio.presets.applied("Careful QLoRA", other.model_dump(mode="json")))
    own = {"model": "tiny", "dataset": "ds-2", "output_name": "second", "chat_template": "{{ x }}"}
    assert found == SPEC.model_copy(update=own)


def test_a_dataset_to_evaluate_on_is_no_setting(studio: Studio) -> None:
    spec = SPEC.model_copy(update={"evaluation": OtherDataset(dataset="ds-9")})
    studio.presets.save("p", spec.model_dump(mode="json"), actor=BOB)
    assert "ds-9" not in (studio.home.presets / "p.yaml").read_text()
    assert studio.presets.applied("p", SPEC.model_dump(mode="json"))["evaluation"] == {"kind": "none"}


def test_half_a_wizard_can_be_saved_but_no_value_out_of_bounds(studio: Studio) -> None:
    content = SPEC.model_dump(mode="json") | {"model": "", "dataset": ""}
    studio.presets.save("early", content, actor=BOB)
    content["hyperparameters"]["epochs"] = "0"
    with pytest.raises(BadInput, match="epochs"):
        studio.presets.save("wrong", content, actor=BOB)
    assert [preset.name for preset in studio.presets.all(Objective.SFT)] == ["early"]


@pytest.mark.parametrize("name", ["", " ", "../up", ".hidden", "a/b", "a" * 61, "x\n"])
def test_a_name_is_no_path(studio: Studio, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be called"):
        studio.presets.save(name, SPEC.model_dump(mode="json"), actor=BOB)
    with pytest.raises(BadInput, match="cannot be called"):
        studio.presets.delete(name, actor=BOB)


@pytest.mark.parametrize("text", ["[1, 2]", "epochs: {", "method: {kind: magic}", "!!python/object/apply:os.getcwd []"])
def test_a_file_that_is_no_preset_is_left_out_and_never_applied(studio: Studio, text: str) -> None:
    write(studio, text)
    assert studio.presets.all(Objective.SFT) == []
    with pytest.raises(BadInput, match=r"bad\.yaml"):
        studio.presets.applied("bad", SPEC.model_dump(mode="json"))


def test_presets_of_another_objective_are_not_offered_and_deleted_ones_are_gone(studio: Studio) -> None:
    studio.presets.save("p", SPEC.model_dump(mode="json"), actor=BOB)
    assert studio.presets.all(Objective.DPO) == []
    studio.presets.delete("p", actor=BOB)
    with pytest.raises(NotFound, match="no preset “p” any more"):
        studio.presets.applied("p", SPEC.model_dump(mode="json"))


def write(studio: Studio, text: str) -> Path:
    studio.home.presets.mkdir(exist_ok=True)
    path = studio.home.presets / "bad.yaml"
    path.write_text(text)
    return path
