"""The first job of an empty install: the starter model learns the starter dataset."""

from core.datasets.library import Datasets
from core.errors import Conflict
from core.models.library import Models
from core.models.starter import STARTER_ID
from core.people import Actor
from core.runs import Runs
from storage.methods import Lora
from storage.spec import Hyperparameters, JobSpec, Objective
from storage.tables import Job

#: So often every example is seen before the answers have the dataset's tone.
EPOCHS = 2
TITLE = "My first model"


class FirstRun:
    def __init__(self, models: Models, datasets: Datasets, runs: Runs) -> None:
        self._models = models
        self._datasets = datasets
        self._runs = runs

    def start(self, *, actor: Actor) -> Job:
        """Submit the starter job. Raises Conflict where its model or its dataset is not there."""
        if (state := self._models.starter.state()).kind != "ready":
            raise Conflict(
                "The starter model is not ready yet ({state}). Try again in a minute.", state=state.detail or state.kind
            )
        dataset = self._datasets.add_starter(actor)
        if dataset is None:
            raise Conflict("The starter dataset was deleted. Restore it from the trash, or upload a dataset of yours.")
        method = Lora()
        suggested = self._models.suggested(STARTER_ID, Objective.SFT, method.kind)
        spec = JobSpec(
            model=STARTER_ID,
            dataset=dataset.id,
            method=method,
            display_name=TITLE,
            hyperparameters=Hyperparameters.model_validate({"epochs": EPOCHS, **suggested}),
        )
        return self._runs.submit(spec, actor=actor)
