"""Trying a grader on a dataset before training, in a child process; and the same look when a job is submitted."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from core.child import Child, ChildFailed, Examined
from core.datasets.library import Datasets
from core.errors import BadInput
from core.grading.report import Trial
from core.people import Actor
from graders.allowance import SWITCHED_OFF, asks_model, is_python_allowed, runs_python
from graders.score_model import ADDRESS_VARIABLES, KEY_VARIABLES
from storage.graders import Grader
from storage.objectives import Rft
from storage.rows import Kind

#: For all answers together; a judge's calls take seconds each.
PATIENCE_S = 60.0
JUDGE_PATIENCE_S = 240.0
#: A long answer, however much the model may say.
MOST_WORDS = 2000


class GraderTrial(Examined):
    """Of `grader` on the version in `folder`. `ask` says whether another model may be asked. Its methods may block."""

    def __init__(
        self,
        grader: Grader,
        folder: Path,
        answers: Sequence[str],
        most_words: int,
        *,
        ask: bool,
        patience_s: float | None = None,
    ) -> None:
        super().__init__()
        self._request = {
            "grader": grader.model_dump(mode="json"),
            "folder": str(folder),
            "answers": list(answers),
            "most_words": min(most_words, MOST_WORDS),
            "ask": ask,
        }
        judged = ask and asks_model(grader)
        self._patience_s = patience_s or (JUDGE_PATIENCE_S if judged else PATIENCE_S)
        # Only who asks a judge gets what opens its door.
        self._secrets = _known(KEY_VARIABLES + ADDRESS_VARIABLES) if judged else {}

    def start(self) -> None:
        if self._child is None:
            self._child = Child("core.grading.child", self._request, self._secrets)

    def result(self) -> Trial:
        """Waits, not for ever. Raises BadInput with what is wrong with the grader."""
        self.start()
        assert self._child
        try:
            return Trial.model_validate(self._child.result(self._patience_s))
        except subprocess.TimeoutExpired:
            self._child.cancel()
            raise BadInput(
                "The grader took longer than {seconds:.0f} s for a few made-up answers and was ended. Make it "
                "simpler: training would wait for it at every answer.",
                seconds=self._patience_s,
            ) from None
        except ChildFailed as error:
            raise BadInput(str(error)) from error


class GraderTrials:
    """What the pages and the command line ask for."""

    def __init__(self, datasets: Datasets) -> None:
        self._datasets = datasets
        self._running: list[GraderTrial] = []

    def begin(self, rft: Rft, dataset_id: str, *, actor: Actor | None) -> GraderTrial:
        """The explicit dry run: a judge is asked, a few times. Raises StudioError."""
        found = self._datasets.get(dataset_id, actor=actor)
        require_prompts(found.name, found.kind)
        trial = GraderTrial(
            require_grader(rft), self._datasets.folder(found.id), rft.try_answers, rft.max_completion_tokens, ask=True
        )
        trial.start()
        self._running = [*(known for known in self._running if known.is_running), trial]
        return trial

    def columns(self, dataset_id: str, *, actor: Actor | None) -> dict[str, object]:
        """The first row's item: what a template can name, with an example."""
        rows = self._datasets.rows(dataset_id, actor=actor).page(0, 1)
        item = rows[0].content.get("item") if rows else None
        return item if isinstance(item, dict) else {}

    def stop(self) -> None:
        for trial in self._running:
            trial.cancel()


def require_prompts(name: str, kind: Kind) -> None:
    if kind is not Kind.REINFORCEMENT:
        raise BadInput("“{name}” has no prompts with columns to grade against. Choose a dataset that has.", name=name)


def require_grader(rft: Rft) -> Grader:
    """Raises BadInput where there is none, or one that may not run here."""
    if rft.grader is None:
        raise BadInput("Reinforcement needs a grader, which scores the model's answers. Choose one and try it.")
    if runs_python(rft.grader) and not is_python_allowed():
        raise BadInput(SWITCHED_OFF)
    return rft.grader


def require_spread(rft: Rft, folder: Path) -> None:
    """Before a job is queued: its grader must run, and must not give every answer the same. Asks no judge."""
    trial = GraderTrial(require_grader(rft), folder, rft.try_answers, rft.max_completion_tokens, ask=False)
    if objection := trial.result().objection():
        raise BadInput(objection)


def _known(names: Sequence[str]) -> dict[str, str]:
    return {name: value for name in names if (value := os.environ.get(name))}
