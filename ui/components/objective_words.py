"""What each objective is called and learns from, in the wizard's words."""

from dataclasses import dataclass

from core.datasets.trainable import LEARNS_FROM
from storage.rows import Kind
from storage.spec import Objective
from storage.tables import Dataset
from ui.components.spec_form import SpecForm


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    subtitle: str
    dataset_step: str
    learns_from: str


def objective_of(form: SpecForm) -> Objective:
    return Objective(form.content["objective"])


def words_of(form: SpecForm) -> Words:
    return WORDS[objective_of(form)]


def kind_of(form: SpecForm) -> Kind:
    """The kind of dataset that this objective is mostly taught with."""
    return LEARNS_FROM[objective_of(form)][0]


def learns_from(form: SpecForm, dataset: Dataset) -> bool:
    return dataset.kind in LEARNS_FROM[objective_of(form)]


WORDS = {
    Objective.SFT: Words(
        subtitle="Teach a base model with labeled examples.",
        dataset_step="Choose labeled examples for supervised learning",
        learns_from="labeled examples",
    ),
    Objective.DPO: Words(
        subtitle="Teach a base model which of two answers people prefer.",
        dataset_step="Choose pairs of a preferred and a rejected answer",
        learns_from="preference pairs",
    ),
    Objective.RFT: Words(
        subtitle="Teach a base model by scoring its own answers.",
        dataset_step="Choose prompts with the columns that a grader compares with",
        learns_from="prompts to be graded",
    ),
}
