"""Reinforcement: it learns what the grader rewards, goes on exactly where it stopped, and says what goes wrong."""

from collections import defaultdict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from interrupted import curve, interrupted

from storage.event_log import EventWriter, read_events
from storage.events import Checkpoint, Event, Failed, Metric, Phase, Warn
from storage.files import sha256_of
from storage.graders import Length, Multi, Regex, StringCheck
from storage.methods import Full, Prefix
from storage.objectives import Rft
from storage.rollouts import ROLLOUT_STEP, RolloutStep
from storage.run_folder import RunFolder
from storage.spec import Objective
from storage.status import Cause

# The training libraries warn about each other's deprecations.
pytestmark = [pytest.mark.process, pytest.mark.filterwarnings("ignore")]

#: A model that knows nothing yet writes few spaces; so many words give the whole point, fewer a part of it.
WORDY = Multi(
    graders={"words": Length(least=8, most=40), "calm": Regex(pattern=r"^[^!]*$")},
    calculate_output="0.9 * words + 0.1 * calm",
)
#: Its scores differ little between tokens: a low temperature makes something of them.
RFT = Rft(grader=WORDY, temperature=0.2, max_completion_tokens=12)


def train_here(run: RunFolder, attempt: int = 1) -> tuple[Event, ...]:
    """The real function without the processes around it, whose imports would take longer than the training."""
    from training.lifeline import Lifeline
    from training.rft import fine_tune
    from training.workbench import Workbench

    folder = run.attempt(attempt)
    folder.claim("token")
    bench = Workbench(run=run, events=EventWriter(folder.events), lifeline=Lifeline(folder))
    bench.emit(fine_tune(run.spec(), bench))
    bench.close()
    return read_events(folder.events).events


def values(events: tuple[Event, ...], name: str) -> list[Any]:
    return [event.values[name] for event in events if isinstance(event, Metric) and name in event.values]


def rollouts_of(run: RunFolder, attempt: int = 1) -> list[RolloutStep]:
    lines = run.attempt(attempt).rollouts.read_text().splitlines()
    return [ROLLOUT_STEP.validate_json(line) for line in lines]


def test_killed_and_paused_it_ends_as_if_nothing_had_happened(tiny_run: Callable[..., Any]) -> None:
    """Through the real supervisor, in bfloat16: the same answers are sampled, so everything after them is the same."""
    asked = {"objective": Objective.RFT, "epochs": 5, "learning_rate": 3e-2, "rft": RFT}
    straight, _, _, again = interrupted(tiny_run, "metric", **asked)

    for name in ("loss", "reward", "reward/words", "kl", "entropy", "completion_tokens", "eval_reward", "grad_norm"):
        assert curve(again, name) == curve(straight, name), name
    weights = [sha256_of(run.folder.output / "adapter_model.safetensors") for run in (again, straight)]
    assert weights[0] == weights[1]
    told = {step.step: step for step in rollouts_of(straight.folder) if not step.held_out}
    for attempt in (1, 2, 3):
        for step in rollouts_of(again.folder, attempt):
            assert step.held_out or step == told[step.step]

    # It learned what was rewarded; the page's figures are the rollouts'.
    facts = straight.events[-1].facts
    assert facts["reward_last"] > facts["reward_first"]
    rewards = values(straight.events, "reward")
    assert sum(rewards[-5:]) > sum(rewards[:5])
    assert [step.reward for step in told.values()] == pytest.approx(rewards)
    first = told[1]
    assert [len(group.answers) for group in first.groups] == [4] * 4
    for group in first.groups:
        assert sum(answer.advantage for answer in group.answers) == pytest.approx(0, abs=1e-3)
        best = max(group.answers, key=lambda answer: answer.advantage)
        assert best.reward == max(answer.reward for answer in group.answers)
        assert set(best.parts) == {"words", "calm"}
    # The best checkpoint is the one with the highest reward.
    evaluated = {point.step: point.value for point in curve(straight, "eval_reward")}
    kept = {int(path.name[5:]) for path in straight.folder.checkpoints.glob("step-*")}
    saved = {event.step: event.eval_reward for event in straight.events if isinstance(event, Checkpoint)}
    assert saved == {step: evaluated[step] for step in saved}
    assert min(saved, key=lambda step: (-saved[step], step)) in kept


def test_what_the_sampler_thought_is_what_the_trainer_learns_from(tiny_folder: Callable[..., RunFolder]) -> None:
    """At the start nothing has drifted, whatever the method and however the prompts were padded; and a prefix that is
    swapped for its start comes back: afterwards it has drifted."""
    for method in (Prefix(length=8), Full()):
        rft = RFT.model_copy(update={"kl_beta": 0.05})
        events = train_here(
            tiny_folder(objective=Objective.RFT, method=method, weights_dtype="float32", rft=rft, learning_rate=2e-3)
        )
        divergence = values(events, "kl")
        assert divergence[0] == pytest.approx(0, abs=1e-9), method.kind
        assert divergence[-1] > 0, method.kind


def test_micro_batches_do_not_show_in_the_loss(tiny_folder: Callable[..., RunFolder]) -> None:
    """Of a step's passes only memory is a matter; for bnpo they are part of its definition."""
    for loss in ("grpo", "dapo", "dr_grpo"):
        rft = RFT.model_copy(update={"loss": loss, "kl_beta": 0.1})
        asked = {"objective": Objective.RFT, "weights_dtype": "float32", "rft": rft, "learning_rate": 1e-3}
        # Nor does the rehearsal, which tries the longest prompts with the longest answers.
        whole, split = (
            train_here(tiny_folder(micro_batch_tokens=tokens, rehearsal=rehearsal, **asked))
            for tokens, rehearsal in ((100_000, "never"), (120, "always"))
        )
        assert any(isinstance(event, Phase) and event.name == "rehearsing" for event in split)
        # The first step only: other chunks of prompts are answered in another order of random numbers.
        for name in ("loss", "grad_norm", "entropy"):
            assert values(split, name)[0] == pytest.approx(values(whole, name)[0], rel=1e-3, abs=1e-5), (loss, name)


def test_every_loss_is_trls() -> None:
    """TRL's own function on the same figures, and its gradient."""
    import torch
    from trl import GRPOTrainer

    from training.policy_loss import divergence, summed, token_losses

    torch.manual_seed(0)
    mask = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]])
    worth, starting = torch.tensor([0.7, -1.1, 0.4]), -torch.rand(3, 4)
    for loss in ("grpo", "dapo", "dr_grpo", "bnpo"):
        ours, theirs = (torch.tensor(-torch.rand(3, 4), requires_grad=True) for _ in range(2))
        theirs.data = ours.data.clone()
        losses = token_losses(ours, worth) + 0.1 * divergence(ours, starting)
        found = summed(losses, mask, loss, answers=3, tokens=int(mask.sum()), passes=1, most=16)
        found.backward()

        stub = SimpleNamespace(
            _get_per_token_logps_and_entropies=lambda *_, theirs=theirs, **__: (theirs, torch.zeros(3, 4), None),
            top_entropy_quantile=1.0, aux_loss_enabled=False, off_policy_mask_threshold=None, beta=0.1,
            importance_sampling_level="token", loss_type=loss, epsilon_low=0.2, epsilon_high=0.2, use_vllm=False,
            max_completion_length=16, current_gradient_accumulation_steps=1, _entropy_bonus_enabled=False,
            model=SimpleNamespace(training=True), _metrics={"train": defaultdict(list)},
            args=SimpleNamespace(use_bias_correction_kl=False, delta=None, steps_per_generation=1),
            accelerator=SimpleNamespace(num_processes=1, gather=lambda x: x, reduce=lambda x, reduction: x),
        )  # fmt: skip
        inputs = {
            "prompt_ids": torch.zeros(3, 1, dtype=torch.long), "prompt_mask": torch.ones(3, 1),
            "completion_ids": torch.zeros(3, 4, dtype=torch.long), "completion_mask": mask,
            "advantages": worth, "ref_per_token_logps": starting, "num_items_in_batch": mask.sum(),
        }  # fmt: skip
        expected = GRPOTrainer._compute_loss(stub, None, inputs)
        expected.backward()
        assert found.item() == pytest.approx(expected.item(), rel=1e-5), loss
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-6), loss


def test_an_answer_without_a_score_counts_as_nothing_and_is_told_once(tiny_folder: Callable[..., RunFolder]) -> None:
    """Only some answers have a JSON number in them, so the template finds nothing in the others."""
    every_second = StringCheck(reference="{{ item.wanted }}")
    rows = [
        {"messages": [{"role": "user", "content": f"Question {at}"}], "item": {"wanted": "x"} if at % 2 else {}}
        for at in range(12)
    ]
    run = tiny_folder(rows, objective=Objective.RFT, rft=RFT.model_copy(update={"grader": every_second}))
    events = train_here(run)
    told = [event for event in events if isinstance(event, Warn) and event.code == "grader_error"]
    assert len(told) == 1
    assert "There is no item.wanted" in told[0].message
    answers = [answer for step in rollouts_of(run) for group in step.groups for answer in group.answers]
    assert {bool(answer.error) for answer in answers} == {True, False}
    assert all((answer.reward is None) == bool(answer.error) for answer in answers)


def test_a_grader_that_can_score_nothing_ends_the_run_with_its_cause(tiny_run: Callable[..., Any]) -> None:
    run = tiny_run(
        objective=Objective.RFT, rft=RFT.model_copy(update={"grader": StringCheck(reference="{{ item.no }}")})
    )
    ended = run.finish()
    assert isinstance(ended, Failed), run.log()
    assert ended.cause is Cause.USER_CONFIG
    assert "could not score any of the" in ended.message
    assert "There is no item.no" in ended.message
