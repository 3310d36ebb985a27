"""What a preference job changes in what was asked, each change with its reason, and what it refuses."""

from pathlib import Path

import pytest

from core.errors import BadInput
from core.people import Actor
from core.studio import Studio
from storage.methods import Lora
from storage.objectives import Dpo
from storage.rows import Kind
from storage.spec import Hyperparameters, JobSpec, ModelRef, Objective

ALICE = Actor("Alice", "alice@example.org")
EXAMPLES = Path(__file__).parents[2] / "examples" / "support-preferences.jsonl"


@pytest.fixture
def preferred(studio: Studio, model: ModelRef) -> JobSpec:
    dataset = studio.datasets.add(EXAMPLES, name=None, actor=ALICE)
    assert (dataset.kind, dataset.rows, dataset.warnings) == (Kind.PREFERENCE, 60, 0)
    modest = Hyperparameters(batch_size=256, max_context_length=256)
    return JobSpec(objective=Objective.DPO, model="tiny", dataset=dataset.id, hyperparameters=modest)


def test_what_would_look_like_learning_is_turned_off(studio: Studio, preferred: JobSpec) -> None:
    noisy = preferred.hyperparameters.model_copy(update={"neftune_alpha": 5.0})
    asked = preferred.model_copy(
        update={"method": Lora(dropout=0.1), "hyperparameters": noisy, "dpo": Dpo(label_smoothing=0.2)}
    )
    runs = studio.runs.preview(asked)
    assert runs.method == Lora(dropout=0)
    assert (runs.hyperparameters.neftune_alpha, runs.dpo.label_smoothing) == (0, 0)
    changes = {change.field: (change.asked, change.runs) for change in runs.changes}
    assert changes == {"LoRA Dropout": ("0.1", "0"), "NEFTune": ("5", "0"), "Label Smoothing": ("0.2", "0")}


def test_without_dropout_everything_runs_as_asked(studio: Studio, preferred: JobSpec) -> None:
    asked = preferred.model_copy(update={"method": Lora(dropout=0), "dpo": Dpo(loss="robust", label_smoothing=0.2)})
    assert studio.runs.preview(asked).changes == ()


@pytest.mark.parametrize("loss", ["apo_zero", "apo_down"])
def test_a_loss_that_needs_its_reference_is_not_reference_free(studio: Studio, preferred: JobSpec, loss: str) -> None:
    asked = preferred.model_copy(update={"dpo": Dpo.model_validate({"loss": loss, "reference_free": True})})
    with pytest.raises(BadInput, match="cannot be reference-free"):
        studio.runs.submit(asked, actor=ALICE)
