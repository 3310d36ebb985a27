"""What each objective is called and learns from, in the wizard's words."""

from dataclasses import dataclass

from core.datasets.trainable import LEARNS_FROM
from storage.spec import Objective
from storage.tables import Dataset
from ui.components.spec_form import SpecForm


@dataclass(frozen=True, kw_only=True, slots=True)
class Words:
    """`unit` is what a dataset of this kind is counted in."""

    subtitle: str
    dataset_step: str
    holds: str
    unit: str
    upload: str


def words_of(form: SpecForm) -> Words:
    return WORDS[Objective(form.content["objective"])]


def learns_from(form: SpecForm, dataset: Dataset) -> bool:
    return dataset.kind in LEARNS_FROM[Objective(form.content["objective"])]


WORDS = {
    Objective.SFT: Words(
        subtitle="Teach a base model with labeled examples.",
        dataset_step="Choose labeled examples for supervised learning",
        holds="Labeled Examples",
        unit="pairs",
        upload="Upload Labeled Examples",
    ),
    Objective.DPO: Words(
        subtitle="Teach a base model which of two answers people prefer.",
        dataset_step="Choose pairs of a preferred and a rejected answer",
        holds="Preferences",
        unit="preferences",
        upload="Upload Preferences",
    ),
}
