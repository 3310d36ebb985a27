"""Answers that a model samples to prompts, in groups: tokens in, tokens out."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from peft import PeftModel
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase, StoppingCriteriaList

from training.batches import fill


@dataclass(frozen=True, slots=True)
class Sampling:
    """`count` answers to each prompt. Greedy where `temperature` is 0."""

    count: int
    temperature: float
    top_p: float
    most_tokens: int
    #: Most tokens of prompts and answers that are sampled together; one prompt's group may exceed it.
    capacity: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The sampled tokens, with the one that ends it; `clipped` where there is none."""

    ids: np.ndarray
    text: str
    clipped: bool


def sample(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[np.ndarray],
    asked: Sampling,
    seed: int,
    on_token: Callable[[int, int], None],
) -> list[list[Answer]]:
    """The same seed, prompts and weights give the same answers, whatever was drawn before. `on_token(done, total)`."""
    widths = [asked.count * (len(prompt) + asked.most_tokens) for prompt in prompts]
    chunks = fill(range(len(prompts)), widths, asked.capacity)
    total = len(chunks) * asked.most_tokens
    answers: dict[int, list[Answer]] = {}
    with answering(model, tokenizer) as ends, torch.random.fork_rng(cuda_devices(model)):
        torch.manual_seed(seed)
        for number, chunk in enumerate(chunks):
            on_token(number * asked.most_tokens, total)
            written = generate(
                model,
                tokenizer.pad_token_id,
                [prompts[row] for row in chunk for _ in range(asked.count)],
                asked,
                on_token=lambda done, before=number * asked.most_tokens: on_token(before + done, total),
            )
            found = [answer_of(ids, ends, tokenizer) for ids in written]
            answers |= {row: found[at * asked.count : (at + 1) * asked.count] for at, row in enumerate(chunk)}
    return [answers[row] for row in range(len(prompts))]


@contextlib.contextmanager
def answering(model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase) -> Iterator[list[int]]:
    """The tokens that end an answer.

    A model brings its maker's taste in sampling (top-k, a repetition penalty, …), and `generate` takes it over wherever
    nothing else is said. What is learned from must come from the model's own distribution, so it is set aside.
    """
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    was_training, taste = model.training, base.generation_config
    said = taste.eos_token_id
    ends = sorted({*(said if isinstance(said, list) else [said]), tokenizer.eos_token_id} - {None})
    base.generation_config = GenerationConfig(eos_token_id=ends, pad_token_id=tokenizer.pad_token_id)
    model.eval()
    try:
        yield ends
    finally:
        model.train(was_training)
        base.generation_config = taste


def generate(
    model: PreTrainedModel | PeftModel,
    pad_token_id: int,
    prompts: list[np.ndarray],
    asked: Sampling,
    on_token: Callable[[int], None],
) -> np.ndarray:
    """(prompts, tokens): what was written to each, padded to the longest."""
    width = max(map(len, prompts))
    # Padded on the left: generation goes on from the right end.
    ids = torch.full((len(prompts), width), pad_token_id)
    mask = torch.zeros_like(ids)
    for row, prompt in enumerate(prompts):
        ids[row, width - len(prompt) :] = torch.from_numpy(prompt.astype(np.int64))
        mask[row, width - len(prompt) :] = 1

    def never_done(so_far: torch.Tensor, _scores: object, **_: object) -> torch.Tensor:
        on_token(so_far.shape[1] - width)
        return torch.zeros(len(so_far), dtype=torch.bool, device=so_far.device)

    how = {"do_sample": True, "temperature": asked.temperature, "top_p": asked.top_p, "top_k": 0}
    with torch.no_grad():
        written = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=mask.to(model.device),
            max_new_tokens=asked.most_tokens,
            stopping_criteria=StoppingCriteriaList([never_done]),
            **(how if asked.temperature else {"do_sample": False}),
        )
    return written[:, width:].cpu().numpy()


def answer_of(written: np.ndarray, ends: list[int], tokenizer: PreTrainedTokenizerBase) -> Answer:
    stops = np.flatnonzero(np.isin(written, ends))
    clipped = not len(stops)
    ids = written if clipped else written[: stops[0] + 1]
    return Answer(ids, tokenizer.decode(ids, skip_special_tokens=True), clipped)


def cuda_devices(model: PreTrainedModel | PeftModel) -> list[torch.device]:
    return [model.device] if model.device.type == "cuda" else []
