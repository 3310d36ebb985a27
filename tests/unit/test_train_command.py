"""The command and the file that the wizard offers ask for exactly the job that the form holds."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cli.train import asked_by, extras_of, train
from core.studio import Studio
from core.train_command import as_command, as_yaml, asked_fields
from storage.graders import Regex, StringCheck
from storage.methods import Adapter, Full, Lora, Prefix, Qlora
from storage.objectives import Dpo, Rft
from storage.spec import HoldOut, Hyperparameters, JobSpec, NoEvaluation, Objective, OtherDataset
from storage.trackers import Tracker

BASE = JobSpec(model="tiny", dataset="ds-1")
SPECS = {
    "defaults": BASE,
    "numbers": BASE.model_copy(update={"hyperparameters": Hyperparameters(epochs=3, learning_rate=1e-5, seed=7)}),
    "a rate as small as can be": BASE.model_copy(update={"hyperparameters": Hyperparameters(learning_rate=5e-324)}),
    "qlora": BASE.model_copy(update={"method": Qlora(rank=16, bits=8, double_quantisation=False)}),
    "adapter": BASE.model_copy(update={"method": Adapter(size=32, activation="relu")}),
    "full": BASE.model_copy(update={"method": Full()}),
    "none": BASE.model_copy(update={"evaluation": NoEvaluation()}),
    "a fifth": BASE.model_copy(update={"evaluation": HoldOut(share=0.2, by="row")}),
    "another": BASE.model_copy(update={"evaluation": OtherDataset(dataset="ds-2")}),
    "names": BASE.model_copy(update={"output_name": "no", "job_id": "true-1", "display_name": "Ben's #1: “$HOME”"}),
    "prompts": BASE.model_copy(update={"sample_prompts": ("-v", "It's `late`", "öäü 你好")}),
    "a name of line breaks": BASE.model_copy(update={"display_name": "\n"}),
    "prompts of two lines": BASE.model_copy(update={"sample_prompts": ("One\nand two", "null")}),
    "a template": BASE.model_copy(
        update={"chat_template": "{% for m in messages %}\n  {{ m['content'] }}\n{% endfor %}"}
    ),
    "trackers": BASE.model_copy(
        update={"trackers": (Tracker.TENSORBOARD, Tracker.MLFLOW), "wandb": True, "turbo": True, "devices": 2}
    ),
    "preference": BASE.model_copy(update={"objective": Objective.DPO, "dpo": Dpo(beta=0.25, loss="ipo")}),
    "reinforcement": BASE.model_copy(
        update={"objective": Objective.RFT, "rft": Rft(grader=Regex(name="r", pattern=r"\d+ '\"$"), group_size=8)}
    ),
}


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_command_asks_for_the_same_job(spec: JobSpec, studio: Studio) -> None:
    assert studio.clerk.spec_of(parsed(as_command(spec))) == spec


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
def test_the_file_asks_for_the_same_job(spec: JobSpec, studio: Studio, tmp_path: Path) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(as_yaml(asked_fields(spec)))
    assert studio.clerk.spec_of(parsed(f"tunesmith train --spec {path}")) == spec


@given(
    st.builds(
        JobSpec,
        model=st.just("tiny"),
        dataset=st.just("ds-1"),
        method=st.one_of(st.builds(Lora), st.builds(Prefix), st.builds(Qlora)),
        hyperparameters=st.builds(Hyperparameters),
        display_name=st.text(st.characters(exclude_categories=["Cs"]), max_size=120),
        sample_prompts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=5),
        dpo=st.just(Dpo()),
        rft=st.just(Rft()),
        start_from=st.just(""),
    )
)
def test_whatever_was_typed_comes_through_the_shell(spec: JobSpec) -> None:
    command = as_command(spec)
    found = JobSpec.model_validate(parsed(command))
    assert found == spec
    assert JobSpec.model_validate(yaml.safe_load(as_yaml(asked_fields(spec)))) == spec


def test_of_a_job_that_goes_on_every_parameter_of_the_method_is_named() -> None:
    """The command would take the other job's where none is named."""
    fields = parsed(as_command(BASE.model_copy(update={"start_from": "first-1"})))
    assert fields["start_from"] == "first-1"
    assert Lora.model_validate(fields["method"]) == Lora()
    assert set(fields["method"]) == set(Lora.model_fields)


def test_the_data_folder_is_named_where_it_is_not_the_usual_one() -> None:
    command = as_command(BASE, Path("/srv/my models"))
    assert options(command)["data_dir"] == Path("/srv/my models")


def test_a_grader_whose_model_needs_a_key_names_none() -> None:
    grader = StringCheck(name="s", input="{{ sample.output_text }}", reference="{{ item.answer }}", operation="eq")
    spec = BASE.model_copy(update={"objective": Objective.RFT, "rft": Rft(grader=grader)})
    assert "key" not in as_command(spec).lower()


def parsed(command: str) -> dict[str, Any]:
    """What `tunesmith train` would ask for, by its own parser, after a shell."""
    given = options(command)
    extras = extras_of(given["sample_prompt"], given["chat_template"], given["tracker"])
    named = {name: given[name] for name in ("objective", "model", "start_from", "devices")} | extras
    return asked_by(given["spec"], given["method"], given["epochs"], named, list(given["settings"] or []))


def test_an_option_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text("objective: dpo\nmodel: tiny\n")
    said = f"tunesmith train --spec {tmp_path}/spec.yaml"
    assert parsed(said)["objective"] == "dpo"
    both = parsed(f"{said} --objective rft --model other")
    assert (both["objective"], both["model"]) == ("rft", "other")


def options(command: str) -> dict[str, Any]:
    program, name, *rest = shlex.split(command.replace("\\\n", ""))
    assert (program, name) == ("tunesmith", "train")
    app = typer.Typer(add_completion=False)
    app.command()(train)
    return typer.main.get_command(app).make_context("train", rest).params
