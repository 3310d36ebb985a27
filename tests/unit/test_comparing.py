"""Runs side by side: only what differs, the best of each, and answers to the same prompts."""

import pytest

from core.comparing import Best, Row, Said, best, differences, said
from core.history import Recorder
from storage.events import Checkpoint, Event, Metric, PromptAnswer, Sample
from storage.measures import LOSS, REWARD
from storage.methods import Full, Lora
from storage.spec import Objective, RunSpec


def history_of(*events: Event) -> Recorder:
    recorder = Recorder()
    recorder.begin(1)
    for seq, event in enumerate(events):
        recorder.apply(event.model_copy(update={"seq": seq}))
    return recorder


def evaluated(step: int, **values: float) -> Metric:
    return Metric(step=step, epoch=step / 10, values=dict(values))


def test_runs_alike_differ_in_nothing(run_spec: RunSpec) -> None:
    other = run_spec.model_copy(update={"job_id": "another-job", "output_name": "another"})
    assert differences([run_spec, other]) == []


def test_only_what_differs_is_told_in_words(run_spec: RunSpec) -> None:
    calmer = run_spec.hyperparameters.model_copy(update={"learning_rate": 1e-5})
    other = run_spec.model_copy(update={"hyperparameters": calmer, "method": Lora(rank=32, rslora=True)})
    same = run_spec.model_copy(update={"method": Lora()})
    assert differences([same, other]) == [
        Row("LoRA Rank", ("8", "32")),
        Row("Rank-Stabilised", ("Off", "On")),
        Row("Learning Rate", ("0.0001", "0.00001")),
    ]


def test_what_another_method_does_not_have_is_a_dash(run_spec: RunSpec) -> None:
    runs = [run_spec.model_copy(update={"method": method}) for method in (Lora(), Full(), Lora())]
    rows = {row.label: row.values for row in differences(runs)}
    assert rows["Method"] == ("lora", "full", "lora")
    assert rows["LoRA Rank"] == ("8", "–", "8")


@pytest.mark.parametrize(
    ("objective", "key", "expected"),
    [
        (Objective.SFT, "eval_loss", Best(2, 1.0, LOSS)),
        (Objective.DPO, "eval_loss", Best(2, 1.0, LOSS)),
        (Objective.RFT, "eval_reward", Best(1, 3.0, REWARD)),
    ],
)
def test_the_best_is_the_earliest_of_equals_by_its_objective(objective: Objective, key: str, expected: Best) -> None:
    recorder = history_of(
        *(evaluated(step, **{key: value}) for step, value in ((1, 3.0), (2, 1.0), (3, 1.0), (4, 3.0)))
    )
    assert best(recorder.snapshot(), objective) == expected


def test_a_checkpoint_tells_its_evaluation_and_a_run_without_any_has_no_best() -> None:
    recorder = history_of(Checkpoint(step=5, name="step-00000005", bytes=1, eval_loss=0.5))
    assert best(recorder.snapshot(), Objective.SFT) == Best(5, 0.5, LOSS)
    assert best(history_of(evaluated(1, loss=2.0)).snapshot(), Objective.SFT) is None


def test_prompts_that_two_runs_have_answered_stand_side_by_side() -> None:
    def followed(step: int, prompt: str, answer: str, index: int = 0) -> PromptAnswer:
        return PromptAnswer(index=index, step=step, prompt=prompt, answer=answer)

    sample = {"index": 0, "step": 9, "prompt": "Why?", "expected": "Because.", "held_out": True}
    first = history_of(
        followed(0, "Hello", "early"), followed(9, "Hello", "Hi"), Sample(answer="So.", tuned=True, **sample)
    )
    second = history_of(
        followed(9, "Hello", "Hey"), followed(9, "Alone", "Me", index=1), Sample(answer="?", tuned=False, **sample)
    )
    third = history_of(Sample(answer="Thus.", tuned=True, **sample))
    assert said([one.snapshot() for one in (first, second, third)]) == [
        Said("Hello", ("Hi", "Hey", None)),
        Said("Why?", ("So.", None, "Thus.")),
    ]
