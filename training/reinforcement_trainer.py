"""The Trainer with group-relative policy optimisation: sample, grade, learn, once each step.

Not TRL's GRPOTrainer: it keeps sampled answers over several steps and in no checkpoint, so a resumed run would go on
with others; it samples for its evaluation what it then only measures a loss of. Ours has the same loss
(tests/process/test_rft.py holds it against TRL's) and TRL's fused head, which scores the learned tokens only.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor
from transformers import Trainer, TrainingArguments
from trl.trainer.utils import add_fused_lm_head

from storage.methods import Full
from storage.run_folder import Stretch
from storage.spec import RunSpec
from training.advantages import advantages, are_even, are_identical
from training.alarm_bell import AlarmBell
from training.alarms import Alarms
from training.batches import TokenBatches, fill
from training.graded import Group, record_of, rewards_of
from training.grading import Grading
from training.policy_loss import divergence, summed, token_losses
from training.prompts import Prompt
from training.rollout_log import RolloutLog
from training.rollouts import Sampling, sample
from training.run_trainer import RunTrainer, settings
from training.starting_policy import StartingPolicy
from training.workbench import Workbench

#: Learned tokens are scored; the others, and padding, are not.
UNSCORED = -100
#: A token that is being sampled takes a small part of the memory of one that is learned from: its cache of keys and
#: values against all its activations.
SAMPLED_PER_LEARNED = 8


class ReinforcementTrainer(RunTrainer, Trainer):
    """`train_dataset` and `eval_dataset` are lists of Prompts. `grading` is open as long as it trains.

    `is_new`: the method's weights have not been trained by another run.
    """

    loss_is_scaled_for_ga = True

    def __init__(
        self,
        *,
        spec: RunSpec,
        batches: TokenBatches,
        bench: Workbench,
        grading: Grading,
        log: RolloutLog,
        resumes: bool,
        is_new: bool,
        **kwargs: Any,
    ) -> None:
        evaluates = bool(kwargs.get("eval_dataset"))
        asked = settings(spec, batches, bench, evaluates=evaluates, resumes=resumes)
        model = kwargs["model"]
        self._asked, self._grading, self._rollouts = spec.rft, grading, log
        #: A copy of a whole model is only made where it is needed to learn; an adapter's start costs a pass, no more.
        needs_start = spec.rft.kl_beta > 0 or not isinstance(spec.method, Full)
        self._start = StartingPolicy(model, is_new=is_new) if needs_start else None
        for scored in (model, *(self._start.copies if self._start else ())):
            base = scored.get_base_model() if isinstance(scored, PeftModel) else scored
            add_fused_lm_head(base, temperature=spec.rft.temperature, outputs=("log_probs", "entropy"))
        self._measured: dict[str, float] = {}
        self._tokens = 0
        super().__init__(spec=spec, batches=batches, bench=bench, args=arguments(asked), **kwargs)
        self.add_callback(AlarmBell(Alarms(spec.rft), bench))

    def training_step(self, model: Any, inputs: dict[str, Any], num_items_in_batch: Any = None) -> Tensor:
        """One whole optimizer step's gradients, in as many passes as it takes."""
        step = self.state.global_step + 1
        how = self._sampling(self._asked.group_size, self._asked.temperature)
        groups = self._roll_out(inputs["prompts"], how, step)
        rewards = rewards_of(groups)
        worth = advantages(rewards, scale=self._asked.scale_rewards)
        record = record_of(step, groups, worth, held_out=False)
        self._rollouts.write(record)
        model.train()
        loss, measured = self._learn(model, groups, worth)
        self._measured = measured | {
            "reward": record.reward,
            "reward_std": record.reward_std,
            **{f"reward/{name}": value for name, value in record.parts.items()},
            "completion_tokens": record.tokens,
            "completion_clipped": record.clipped,
            "zero_spread": float(are_even(rewards).mean()),
            "identical": float(are_identical([[answer.text for answer in group.answers] for group in groups]).mean()),
        }
        return loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The mean reward of the likeliest answers to the held-out prompts, with no chance in it."""
        step = self.state.global_step
        groups = self._roll_out(self.eval_dataset, self._sampling(1, 0.0), step, held_out=True)
        record = record_of(step, groups, np.zeros((len(groups), 1)), held_out=True)
        self._rollouts.write(record)
        return self.tell_evaluation(
            {
                "eval_reward": record.reward,
                **{f"eval_reward/{name}": value for name, value in record.parts.items()},
                "eval_completion_tokens": record.tokens,
                "eval_completion_clipped": record.clipped,
            }
        )

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        if "loss" in logs:
            logs = logs | self._measured | {"num_tokens": self._tokens}
        super().log(logs, start_time)

    def compute_loss(self, model: Any, inputs: dict[str, Any], *_: Any, **__: Any) -> Tensor:
        """Of a rehearsal: these prompts, as if each had got the longest answer."""
        most = np.full(self._asked.max_completion_tokens, self.processing_class.pad_token_id)
        learned = [Learned(prompt.input_ids, most, 1.0) for prompt in inputs["prompts"]]
        shares = {"answers": len(learned), "tokens": len(most) * len(learned), "passes": 1}
        return self._pass_loss(model, learned, shares)[0]

    def _rows_to_try(self) -> list[int]:
        """The longest prompts, as many as go into a pass with the longest answers. On a CPU the first step tells as
        soon: its passes are as large, if they can be."""
        wanted = self._spec.compute.rehearsal
        if wanted == "never" or (wanted == "auto" and self._spec.compute.device == "cpu"):
            return []
        widths = [len(prompt.input_ids) + self._asked.max_completion_tokens for prompt in self.train_dataset]
        return fill(range(len(widths)), widths, self._spec.compute.micro_batch_tokens)[0]

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        return 0  # the Trainer's estimate needs tokens, and there are none yet

    def _sampling(self, count: int, temperature: float) -> Sampling:
        return Sampling(
            count=count,
            temperature=temperature,
            top_p=self._asked.top_p,
            most_tokens=self._asked.max_completion_tokens,
            capacity=SAMPLED_PER_LEARNED * self._spec.compute.micro_batch_tokens,
        )

    def _roll_out(self, prompts: Sequence[Prompt], how: Sampling, step: int, *, held_out: bool = False) -> list[Group]:
        def on_token(done: int, total: int) -> None:
            self._bench.check_cancelled()
            self._bench.lifeline.is_at(Stretch("evaluation" if held_out else "rollout", step, done, total))

        with self.accelerator.autocast():
            seed = seed_of(self._spec.hyperparameters.seed, step)
            asked = [prompt.input_ids for prompt in prompts]
            answers = sample(self.model, self.processing_class, asked, how, seed, on_token)
        items = [prompt.item for prompt in prompts for _ in range(how.count)]
        scores = self._grading.scores(items, [answer.text for group in answers for answer in group])
        self._bench.lifeline.is_at(None)
        return [
            Group(prompt, answers[at], scores[at * how.count : (at + 1) * how.count])
            for at, prompt in enumerate(prompts)
        ]

    def _learn(self, model: Any, groups: list[Group], worth: np.ndarray) -> tuple[Tensor, dict[str, float]]:
        """Gradients of all the step's answers; the loss, and means over their tokens."""
        learned = [
            Learned(group.prompt.input_ids, answer.ids, float(advantage))
            for group, row in zip(groups, worth, strict=True)
            for answer, advantage in zip(group.answers, row, strict=True)
        ]
        passes = fill(range(len(learned)), [one.width for one in learned], self._spec.compute.micro_batch_tokens)
        tokens = sum(len(one.answer) for one in learned)
        shares = {"answers": len(learned), "tokens": tokens, "passes": len(passes)}
        total, sums = torch.zeros((), device=self.args.device), dict.fromkeys(("entropy", "kl"), 0.0)
        for done, rows in enumerate(passes):
            self._bench.check_cancelled()
            self._bench.lifeline.is_at(Stretch("pass", self.state.global_step + 1, done, len(passes)))
            loss, measured = self._pass_loss(model, [learned[row] for row in rows], shares)
            self.accelerator.backward(loss)
            total += loss.detach()
            sums = {name: value + measured.get(name, 0.0) for name, value in sums.items()}
        self._tokens += sum(one.width for one in learned)
        if self._start is None:
            del sums["kl"]
        return total, {name: value / tokens for name, value in sums.items()}

    def _pass_loss(
        self, model: Any, learned: "list[Learned]", shares: dict[str, int]
    ) -> tuple[Tensor, dict[str, float]]:
        inputs, mask = collate(learned, self.processing_class.pad_token_id)
        inputs, mask = self._prepare_inputs(inputs), mask.to(self.args.device)
        worth = torch.tensor([one.advantage for one in learned], device=self.args.device)
        # Before the pass that learns: some methods' starts are weights that take the learned ones' place for a moment.
        starting = self._starting_logps(inputs, mask) if self._start is not None else None
        with self.compute_loss_context_manager():
            outputs = model(**inputs, use_cache=False, fused_lm_head=True)
            # A prefix stands before the tokens in the output, too.
            logps, entropy = (found[:, -mask.shape[1] :] for found in (outputs.log_probs, outputs.entropy))
            losses = token_losses(logps, worth)
            measured = {"entropy": float((entropy.detach() * mask).sum())}
            if starting is not None:
                drifted = divergence(logps, starting)
                measured["kl"] = float((drifted.detach() * mask).sum())
                if self._asked.kl_beta:
                    losses = losses + self._asked.kl_beta * drifted
            return summed(losses, mask, self._asked.loss, most=self._asked.max_completion_tokens, **shares), measured

    def _starting_logps(self, inputs: dict[str, Tensor], mask: Tensor) -> Tensor:
        with torch.no_grad(), self._start.model() as start, self.accelerator.autocast():
            outputs = start(**inputs, use_cache=False, fused_lm_head=True)
        return outputs.log_probs[:, -mask.shape[1] :]


@dataclass(frozen=True, slots=True)
class Learned:
    """An answer to learn from: its prompt's tokens, its own, and what it is worth."""

    prompt: np.ndarray
    answer: np.ndarray
    advantage: float

    @property
    def width(self) -> int:
        return len(self.prompt) + len(self.answer)


def collate(learned: Sequence[Learned], pad_token_id: int) -> tuple[dict[str, Tensor], Tensor]:
    """Padded on the right, and which of the predicted tokens (all but the first) belong to an answer."""
    shape = (len(learned), max(one.width for one in learned))
    ids, attention = torch.full(shape, pad_token_id), torch.zeros(shape, dtype=torch.long)
    labels = torch.full(shape, UNSCORED)
    for row, one in enumerate(learned):
        start = len(one.prompt)
        ids[row, : one.width] = torch.from_numpy(np.concatenate([one.prompt, one.answer]).astype(np.int64))
        attention[row, : one.width] = 1
        labels[row, start : one.width] = ids[row, start : one.width]
    mask = (labels[:, 1:] != UNSCORED).float()
    return {"input_ids": ids, "attention_mask": attention, "labels": labels}, mask


def as_they_are(prompts: list[Prompt]) -> dict[str, list[Prompt]]:
    return {"prompts": prompts}


#: Of the common settings: one is TRL's own; noise would be learned from; Liger replaces the forward that scores, and
#: a compiled model would be compiled again for every length that is sampled.
LEFT_OUT = ("max_length", "neftune_noise_alpha", "use_liger_kernel", "torch_compile")


def arguments(asked: dict[str, Any]) -> TrainingArguments:
    known = {name: value for name, value in asked.items() if name not in LEFT_OUT}
    return TrainingArguments(**known, remove_unused_columns=False)


def seed_of(seed: int, step: int) -> int:
    """Of a step's answers: the same after a resume, different for every step."""
    return int.from_bytes(hashlib.blake2b(f"{seed}-{step}".encode(), digest_size=7).digest())
