"""Rollouts while they are written: a step keeps to its part of the room, and says what it left out."""

from pathlib import Path

from storage.rollouts import RolloutAnswer, RolloutGroup, RolloutStep
from storage.run_folder import Attempt
from training.rollout_log import RolloutLog, fitted, step_of_groups


def group(line: int, *rewards: float | None, text: str = "answer") -> RolloutGroup:
    answers = tuple(RolloutAnswer(text=f"{text} {reward}", tokens=4, reward=reward) for reward in rewards)
    return RolloutGroup(line=line, prompt=f"question {line}", answers=answers)


def step(number: int, *groups: RolloutGroup) -> RolloutStep:
    return step_of_groups(number, groups, held_out=False, reward_std=0.0)


def test_a_step_takes_no_more_than_its_part(tmp_path: Path) -> None:
    groups = [group(line, *[0.5] * 4, text="word " * 200) for line in range(50)]
    kept = fitted(step(1, *groups), 20_000)
    assert len(kept.model_dump_json()) < 21_000
    assert kept.left_out == 50 - len(kept.groups) > 40
    assert kept.reward == 0.5, "the figures are those of all"
    one_long = fitted(step(1, group(1, *[0.5] * 4, text="x" * 5000 + "the end")), 4000)
    [answer, *_] = one_long.groups[0].answers
    assert len(one_long.model_dump_json()) < 4000
    assert answer.shortened
    assert answer.text.endswith("the end 0.5")
    # A run of a million steps keeps to its 64 MB as far as one short group a step allows.
    log = RolloutLog(Attempt(tmp_path), steps=1_000_000)
    log.write(step(1, *groups))
    log.close()
    assert (tmp_path / "rollouts.jsonl").stat().st_size < 4000
