"""The alarms of reinforcement: each is said once, with its figure, and not for one bad step."""

import math

import numpy as np
import pytest

from storage.objectives import Rft
from training.advantages import advantages, are_even, are_identical
from training.alarms import WINDOW, Alarm, Alarms

FINE = dict(reward=0.5, zero_spread=0.0, identical=0.0, completion_tokens=40.0, completion_clipped=0.0, kl=0.01)


def alarms_of(*steps: dict[str, float]) -> list[list[Alarm]]:
    alarms = Alarms(Rft(group_size=8, temperature=0.7, max_completion_tokens=64))
    return [alarms.look(FINE | step) for step in steps]


@pytest.mark.parametrize(
    ("figures", "code", "says"),
    [
        (
            {"zero_spread": 0.8, "reward": 0.02},
            "zero_spread",
            "80% of the groups all got the same reward (0.02 on average)",
        ),
        ({"zero_spread": 0.6, "identical": 0.6}, "identical_answers", "60% of the groups had 8 times the same answer"),
        ({"completion_tokens": 90.0}, "length_drift", "longer: 80 tokens on average over the last 5 steps, 40 at"),
        ({"completion_tokens": 10.0}, "length_drift", "shorter: 16 tokens on average"),
        ({"kl": 0.9}, "kl_blow_up", "a divergence of 0.54 a token"),
        ({"completion_clipped": 0.9}, "clipped_answers", "90% of the answers were cut off at 64 tokens"),
    ],
)
def test_a_lasting_fault_is_said_once_with_its_figure(figures: dict[str, float], code: str, says: str) -> None:
    told = alarms_of(*[FINE] * WINDOW, figures, *[figures] * 12)
    assert not any(told[: WINDOW + 1]), "one step is chance"
    [alarm] = [alarm for step in told for alarm in step]
    assert alarm.code == code
    assert says in alarm.message
    assert alarm.message.endswith(".")


def test_a_run_that_goes_well_hears_nothing() -> None:
    grows = [{"completion_tokens": 40.0 + step, "reward": step / 30, "kl": step / 100} for step in range(30)]
    assert not any(alarms_of(*grows))


def test_without_a_reference_nothing_is_said_about_it() -> None:
    alarms = Alarms(Rft())
    without = {name: value for name, value in FINE.items() if name != "kl"}
    assert not any(alarms.look(without) for _ in range(10))


def test_advantages_are_the_papers() -> None:
    rewards = np.array([[0.0, 1.0, 1.0, 0.0], [0.3, 0.3, 0.3, 0.3]])
    assert advantages(rewards, scale=False)[0].tolist() == [-0.5, 0.5, 0.5, -0.5]
    scaled = advantages(rewards, scale=True)
    assert scaled[0] == pytest.approx(np.array([-1, 1, 1, -1]) * math.sqrt(3) / 2, rel=1e-3)
    assert scaled[1].tolist() == pytest.approx([0.0] * 4)
    assert are_even(rewards).tolist() == [False, True]
    assert are_identical([["a", "a"], ["a", "b"]]).tolist() == [True, False]
