"""What the model answers to the user's own prompts before the first step and at each checkpoint."""

import time
from typing import Any

import torch
from jinja2 import TemplateError
from transformers import (
    PreTrainedModel,
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from storage.events import PromptAnswer, Warn
from storage.spec import RunSpec
from training.cadence import TimeShare
from training.conversations import Conversation
from training.limits import TooSlow, cpu_limit
from training.render import Renderer
from training.sampling import complete
from training.workbench import Workbench

MAX_NEW_TOKENS = 64
#: The part of the time that answering may take between the first step and the last.
MOST_SHARE = 0.05
#: What a model, a template or a full memory may answer with. The run goes on.
FAILURES = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, MemoryError, TemplateError, TooSlow)


class NoTime(Exception):
    """The run was asked to stop; nobody waits for an answer."""


class PromptSamples(TrainerCallback):
    """The first process answers, the others wait for it at their next step. No random number is drawn."""

    def __init__(self, spec: RunSpec, bench: Workbench) -> None:
        self._prompts = spec.sample_prompts if bench.rank.is_first else ()
        self._autocasts = spec.compute.weights_dtype == "bfloat16"
        self._bench = bench
        self._share = TimeShare(MOST_SHARE)
        self._told = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any
    ) -> None:
        if state.global_step == 0:
            self._answer(0, **objects)
        self._share.begin()  # what was before the first step does not count

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **objects: Any) -> None:
        is_last = control.should_training_stop or state.global_step >= state.max_steps
        if self._bench.asked or not self._prompts:
            return
        if is_last or self._share.is_free():
            self._answer(state.global_step, **objects)
        elif not self._told:
            self._told = True
            self._bench.emit(Warn(message=left_out(self._share)))

    def _answer(
        self, step: int, *, model: PreTrainedModel, processing_class: PreTrainedTokenizerBase, **_: Any
    ) -> None:
        if not self._prompts:
            return
        began = time.monotonic()
        try:
            answers = self._answers(model, processing_class)
        except NoTime:
            return
        except FAILURES as error:
            said = str(error).partition("\n")[0][:300] or type(error).__name__
            self._bench.emit(Warn(message=f"The sample prompts are not asked any more: {said}"))
            self._prompts = ()
            return
        for index, (prompt, answer) in enumerate(zip(self._prompts, answers, strict=True)):
            self._bench.emit(PromptAnswer(index=index, step=step, prompt=prompt, answer=answer))
        self._share.took(time.monotonic() - began)

    def _answers(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> list[str]:
        with cpu_limit():
            texts, are_plain = as_texts(self._prompts, tokenizer)
        devices = [model.device] if model.device.type == "cuda" else []
        autocast = torch.autocast(model.device.type, torch.bfloat16, enabled=self._autocasts)
        with torch.random.fork_rng(devices), autocast:
            return complete(
                model, tokenizer, texts, self._on_token, adds_special=are_plain, max_new_tokens=MAX_NEW_TOKENS
            )

    def _on_token(self, _done: int) -> None:
        if self._bench.lifeline.stop_requested:
            raise NoTime


def as_texts(prompts: tuple[str, ...], tokenizer: PreTrainedTokenizerBase) -> tuple[list[str], bool]:
    """As a user's first message where the model has a chat template, else to be continued; and whether it is so."""
    renderer = Renderer(tokenizer)
    if not renderer.has_template:
        return list(prompts), True
    asked = (Conversation(1, [{"role": "user", "content": prompt}], asks=True) for prompt in prompts)
    return [renderer.prompt(conversation) for conversation in asked], False


def left_out(share: TimeShare) -> str:
    return (
        f"Answering the sample prompts takes {share.took_s:.1f} s. So that it takes {100 * MOST_SHARE:g} % of the time "
        f"at most, answers are at least {share.rest_s:.0f} s apart; some checkpoints go without."
    )
