"""Rollouts read back: by step, as the file grows, of a resumed run the newest attempt's."""

from core.home import Home
from core.rollouts import Order, RolloutIndex, StepKey, mean_reward, page_of
from storage.rollouts import RolloutAnswer, RolloutGroup, RolloutStep
from storage.run_folder import RunFolder
from storage.spec import RunSpec


def group(line: int, *rewards: float | None) -> RolloutGroup:
    answers = tuple(RolloutAnswer(text=f"answer {at}", tokens=3, reward=reward) for at, reward in enumerate(rewards))
    return RolloutGroup(line=line, prompt=f"Prompt {line}", answers=answers)


def record(step: int, *groups: RolloutGroup, held_out: bool = False) -> bytes:
    return RolloutStep(step=step, held_out=held_out, reward=0.5, groups=groups).model_dump_json().encode() + b"\n"


def test_steps_are_found_as_they_are_written_and_the_newest_attempt_counts(home: Home, run_spec: RunSpec) -> None:
    folder = RunFolder.create(home.runs, run_spec)
    index = RolloutIndex(folder)
    assert index.update() == []
    first = folder.attempt(1)
    first.claim("one")
    with first.rollouts.open("ab") as file:
        file.write(record(1, group(1, 0.0, 1.0)) + record(2, group(2, 0.0, 1.0)) + b"nonsense\n" + record(3)[:-9])
    assert index.update() == [StepKey(1, False), StepKey(2, False)]
    with first.rollouts.open("ab") as file:  # the rest of the third line
        file.write(record(3)[-9:] + record(2, group(1, 1.0), held_out=True))
    assert index.update() == [StepKey(1, False), StepKey(2, False), StepKey(2, True), StepKey(3, False)]

    second = folder.attempt(2)
    second.claim("two")
    with second.rollouts.open("ab") as file:
        file.write(record(2, group(7, 1.0, 1.0)))
    lines = index.lines
    index.update()
    assert index.lines == lines + 1
    assert index.read(StepKey(2, False)).groups[0].line == 7
    assert index.read(StepKey(1, False)).groups[0].line == 1


def test_prompts_are_sorted_and_paged() -> None:
    groups = (group(1, 0.0, 1.0), group(2, 1.0, 1.0), group(3, None, 0.1))
    shown = RolloutStep(step=1, reward=0.5, groups=groups)

    def lines(order: Order) -> list[int]:
        return [found.line for found in page_of(shown, order, 0, 10).groups]

    assert lines(Order.AS_SAMPLED) == [1, 2, 3]
    assert lines(Order.LOWEST_SPREAD) == [2, 3, 1]
    assert lines(Order.HIGHEST_REWARD) == [2, 1, 3]
    assert lines(Order.LOWEST_REWARD) == [3, 1, 2]
    page = page_of(shown, Order.AS_SAMPLED, 2, 2)
    assert ([found.line for found in page.groups], page.first, page.total) == ([3], 2, 3)
    assert mean_reward(groups[2]) == 0.05  # what could not be scored counted as 0
    assert page_of(RolloutStep(step=1, reward=0, groups=()), Order.AS_SAMPLED, 5, 2).groups == ()
