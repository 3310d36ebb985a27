"""Early stopping: when it is over, what is best, and what has a meaning without an evaluation."""

import pytest

from core.resolve_stopping import judged, with_best_kept
from storage.measures import LOSS, MEASURES
from storage.retention import Checkpointing
from storage.spec import Change, HoldOut, Hyperparameters, NoEvaluation, Objective
from training.early_stopping import Standing, told


def log_of(values: list[float | None], key: str = "eval_loss") -> list[dict[str, float]]:
    """An evaluation every ten steps, among the entries of the steps themselves."""
    log: list[dict[str, float]] = []
    for number, value in enumerate(values):
        evaluated = float("nan") if value is None else value
        log += [{"step": 10 * number, "loss": 1.0}, {"step": 10 * number, key: evaluated}]
    return log


@pytest.mark.parametrize(
    ("values", "standing"),
    [
        ([], None),
        ([None], None),
        ([3.0], Standing(0, 3.0, 0)),
        ([3.0, 2.0, 1.0], Standing(20, 1.0, 0)),
        ([3.0, 1.0, 2.0, 1.5], Standing(10, 1.0, 2)),
        # As good as the best is no improvement.
        ([3.0, 1.0, 1.0], Standing(10, 1.0, 1)),
        # What is no number is no evaluation.
        ([3.0, 1.0, None, 2.0], Standing(10, 1.0, 1)),
    ],
)
def test_the_best_and_how_long_ago_it_was(values: list[float | None], standing: Standing | None) -> None:
    assert Standing.of(log_of(values), LOSS) == standing


def test_a_reward_is_better_the_higher_it_is() -> None:
    measure = MEASURES[Objective.RFT]
    assert Standing.of(log_of([0.1, 0.6, 0.4], measure.key), measure) == Standing(10, 0.6, 1)
    assert "mean reward of the held-out prompts 0.6 at step 10" in told(20, Standing(10, 0.6, 1), measure)


def test_it_is_told_in_one_sentence() -> None:
    assert told(60, Standing(30, 1.23456, 3), LOSS) == (
        "Stopped early at step 60: best evaluation loss 1.235 at step 30; 3 evaluations since brought nothing better."
    )


def test_without_evaluation_nothing_stops_early() -> None:
    changes: list[Change] = []
    asked = Hyperparameters(early_stopping=3, eval_steps=10, export_step="best")
    assert judged(asked, HoldOut(), changes) == asked
    assert not changes
    assert judged(asked, NoEvaluation(), changes) == Hyperparameters(export_step="last")
    assert [change.field for change in changes] == ["Evaluate Every N Steps", "Early Stopping", "Exported Step"]
    assert judged(Hyperparameters(), NoEvaluation(), []) == Hyperparameters()


def test_the_best_checkpoint_stays_where_it_is_exported() -> None:
    changes: list[Change] = []
    none_kept = Checkpointing(best=0)
    assert with_best_kept(none_kept, Hyperparameters(), changes).best == 0
    assert with_best_kept(none_kept, Hyperparameters(early_stopping=2, export_step="last"), changes).best == 0
    assert not changes
    assert with_best_kept(none_kept, Hyperparameters(early_stopping=2), changes).best == 1
    assert [change.field for change in changes] == ["Best Checkpoints"]
