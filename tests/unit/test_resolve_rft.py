"""What a reinforcement job changes in what was asked, each change with its reason, and what it refuses."""

import json
from pathlib import Path

import pytest
import yaml

from core.errors import BadInput
from core.people import Actor
from core.studio import Studio
from graders.allowance import ALLOW_VARIABLE
from storage.graders import Python, StringCheck
from storage.methods import Lora
from storage.objectives import Rft
from storage.rows import Kind
from storage.spec import Hyperparameters, JobSpec, ModelRef, Objective

ALICE = Actor("Alice", "alice@example.org")
EXAMPLE = Path(__file__).parents[2] / "examples" / "one-word-answers.jsonl"
GRADER = StringCheck(reference="{{ item.answer }}")


@pytest.fixture
def prompted(studio: Studio, model: ModelRef, tmp_path: Path) -> JobSpec:
    path = tmp_path / "capitals.jsonl"
    rows = [
        {"messages": [{"role": "user", "content": f"Capital {number}?"}], "answer": f"City {number}"}
        for number in range(12)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = studio.datasets.add(path, name=None, actor=ALICE)
    assert dataset.kind is Kind.REINFORCEMENT
    modest = Hyperparameters(max_context_length=256)
    rft = Rft(grader=GRADER, max_completion_tokens=64)
    return JobSpec(objective=Objective.RFT, model="tiny", dataset=dataset.id, hyperparameters=modest, rft=rft)


def test_what_learns_is_what_answered_and_a_step_is_counted_in_prompts(studio: Studio, prompted: JobSpec) -> None:
    noisy = prompted.hyperparameters.model_copy(update={"neftune_alpha": 5.0, "gradient_accumulation_steps": 2})
    runs = studio.runs.preview(prompted.model_copy(update={"method": Lora(dropout=0.1), "hyperparameters": noisy}))
    assert runs.method == Lora(dropout=0)
    changes = {change.field: (change.asked, change.runs) for change in runs.changes}
    assert changes == {
        "LoRA Dropout": ("0.1", "0"),
        "NEFTune": ("5", "0"),
        "Batch Size": ("65536", "8 prompts × 4 answers"),
    }


def test_an_answer_leaves_room_for_its_prompt(studio: Studio, prompted: JobSpec) -> None:
    greedy = prompted.model_copy(update={"rft": Rft(grader=GRADER, max_completion_tokens=256)})
    runs = studio.runs.preview(greedy)
    assert runs.rft.max_completion_tokens == 128
    [change] = [change for change in runs.changes if change.field == "Max Completion Length"]
    assert change.reason == "a prompt and its answer share the context, which is 256 tokens here"


def test_it_needs_a_grader_that_may_run_and_one_device(studio: Studio, prompted: JobSpec) -> None:
    def refused(**update: object) -> str:
        with pytest.raises(BadInput) as error:
            studio.runs.submit(prompted.model_copy(update=update), actor=ALICE)
        return str(error.value)

    assert refused(rft=Rft()).startswith("Reinforcement needs a grader")
    python = Python(source="def grade(sample, item):\n    return 1.0")
    assert f"{ALLOW_VARIABLE}=1" in refused(rft=Rft(grader=python))
    assert refused(devices=2).startswith("Reinforcement on 2 GPUs cannot be: in this version one process")


def test_the_example_can_be_submitted_as_it_is(studio: Studio, model: ModelRef) -> None:
    """Its grader is tried on the rows, and tells good answers from bad ones."""
    dataset = studio.datasets.add(EXAMPLE, name=None, actor=ALICE)
    assert (dataset.kind, dataset.rows, dataset.warnings) == (Kind.REINFORCEMENT, 60, 0)
    asked = yaml.safe_load(EXAMPLE.with_suffix(".yaml").read_text()) | {"model": "tiny", "dataset": dataset.id}
    job = studio.runs.submit(JobSpec.model_validate(asked), actor=ALICE)
    runs = studio.runs.folder(job.id).spec()
    assert runs.rft == JobSpec.model_validate(asked).rft
    assert {change.field for change in runs.changes} == {"LoRA Dropout", "Batch Size"}
