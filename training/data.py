"""The dataset's conversations as tokens, with a loss on what the assistant says and on nothing else.

Masked here, not by TRL: its `assistant_only_loss` refuses every chat template without `{% generation %}` marks,
and most models' own templates have none.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from storage.events import Phase, Warn
from training.failures import BadDataset, Unsupported
from training.workbench import Workbench

#: What torch's cross entropy ignores.
MASKED = -100
LINES_SHOWN = 10

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row of the dataset file; `line` counts from 1, as editors do."""

    line: int
    messages: list[Message]

    @property
    def prompt(self) -> list[Message]:
        """Everything before the last answer."""
        return self.messages[: self._last_answer]

    @property
    def expected(self) -> str:
        return self.messages[self._last_answer]["content"]

    @property
    def _last_answer(self) -> int:
        return max(index for index, message in enumerate(self.messages) if message["role"] == "assistant")


@dataclass(frozen=True, slots=True)
class Example:
    """A conversation and its tokens; `labels` repeats the tokens to learn and masks the others."""

    conversation: Conversation
    input_ids: np.ndarray
    labels: np.ndarray

    @property
    def has_loss(self) -> bool:
        # The first token is never predicted.
        return bool((self.labels[1:] != MASKED).any())


def load_examples(path: Path, tokenizer: PreTrainedTokenizerBase, max_tokens: int, bench: Workbench) -> list[Example]:
    """Every row of the file that has something to learn from within `max_tokens`."""
    if not tokenizer.chat_template:
        raise Unsupported(
            "This model has no chat template, so conversations cannot be put to it. Choose an instruct model."
        )
    conversations = list(read_conversations(path))
    examples: list[Example] = []
    cut: list[int] = []
    left_out: list[int] = []
    for done, conversation in enumerate(conversations, start=1):
        example, was_cut = tokenise(conversation, tokenizer, max_tokens)
        if was_cut:
            cut.append(conversation.line)
        if example.has_loss:
            examples.append(example)
        else:
            left_out.append(conversation.line)
        bench.progress(Phase(name="tokenising", detail=path.name, done=done, total=len(conversations)))
    if cut:
        bench.emit(Warn(message=f"{rows(cut)} cut to the max context length of {max_tokens} tokens: {lines(cut)}."))
    if left_out:
        bench.emit(Warn(message=f"{rows(left_out)} left out, as no answer fits into it: {lines(left_out)}."))
    if not examples:
        raise BadDataset(
            f"No row of {path.name} has an answer within {max_tokens} tokens. Raise the max context length."
        )
    return examples


def read_conversations(path: Path) -> Iterator[Conversation]:
    """The rows of a normalised dataset: {"messages": [{"role": …, "content": …}, …]} on each line."""
    try:
        with path.open(encoding="utf-8") as file:
            for line, text in enumerate(file, start=1):
                if text.strip():
                    yield Conversation(line, parse_messages(text, line))
    except FileNotFoundError as error:
        raise BadDataset(f"The dataset file {path} is not there any more.") from error
    except UnicodeDecodeError as error:
        raise BadDataset(f"The dataset file {path.name} is not UTF-8 text.") from error


def parse_messages(text: str, line: int) -> list[Message]:
    try:
        row: Any = json.loads(text)
    except ValueError as error:
        raise BadDataset(f"Line {line} is not valid JSON: {error}.") from error
    messages = row.get("messages") if isinstance(row, dict) else None
    if not isinstance(messages, list) or not all(map(is_message, messages)):
        raise BadDataset(f'Line {line} has no "messages" list of objects with a "role" and a "content" text.')
    if not any(message["role"] == "assistant" for message in messages):
        raise BadDataset(f"Line {line} has no assistant message, so there is nothing to learn from it.")
    return [{"role": message["role"], "content": message["content"]} for message in messages]


def is_message(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("role"), str) and isinstance(value.get("content"), str)


def tokenise(conversation: Conversation, tokenizer: PreTrainedTokenizerBase, max_tokens: int) -> tuple[Example, bool]:
    """The example, and whether it had to be cut. Tokenised whole: in pieces, tokens would merge differently."""
    text, answers = render(conversation, tokenizer)
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = np.array(encoded["input_ids"], dtype=np.int32)
    starts = np.array([start for start, _ in encoded["offset_mapping"]], dtype=np.int64)
    learned = np.zeros(len(ids), dtype=bool)
    for start, end in answers:
        learned |= (starts >= start) & (starts < end)
    if answers[-1][1] == len(text.rstrip()) and ids[learned][-1] not in tokenizer.all_special_ids:
        # A template without an end-of-turn token would teach the model never to stop.
        ids, learned = np.append(ids, np.int32(tokenizer.eos_token_id)), np.append(learned, True)
    labels = np.where(learned, ids, MASKED).astype(np.int32)
    return Example(conversation, ids[:max_tokens], labels[:max_tokens]), len(ids) > max_tokens


def render(conversation: Conversation, tokenizer: PreTrainedTokenizerBase) -> tuple[str, list[tuple[int, int]]]:
    """The conversation's text, and where in it each answer stands, its end-of-turn mark included.

    Each is found by writing the conversation twice, up to the answer and through it; so the template has to write
    a conversation's start the same way however it goes on.
    """
    text = apply_template(conversation, len(conversation.messages), tokenizer, asks=False)
    answers = []
    for index, message in enumerate(conversation.messages):
        if message["role"] == "assistant":
            before = apply_template(conversation, index, tokenizer, asks=True)
            through = apply_template(conversation, index + 1, tokenizer, asks=False)
            for shorter, longer in pairwise((before, through, text)):
                if not longer.startswith(shorter):
                    raise BadDataset(
                        f"Line {conversation.line}: the model's chat template rewrites earlier messages when "
                        f"a conversation goes on, so answer {len(answers) + 1} cannot be told from its prompt."
                    )
            # The line break after the end-of-turn mark is never generated, so it is not learned.
            answers.append((len(before), len(through.rstrip())))
    return text, answers


def apply_template(conversation: Conversation, count: int, tokenizer: PreTrainedTokenizerBase, *, asks: bool) -> str:
    try:
        text: str = tokenizer.apply_chat_template(
            conversation.messages[:count], tokenize=False, add_generation_prompt=asks
        )
    except TemplateError as error:
        raise BadDataset(f"Line {conversation.line}: the model's chat template refuses it: {error}.") from error
    return text


def rows(numbers: list[int]) -> str:
    return "1 row was" if len(numbers) == 1 else f"{len(numbers)} rows were"


def lines(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:LINES_SHOWN]))
    more = f" and {len(numbers) - LINES_SHOWN} more" if len(numbers) > LINES_SHOWN else ""
    return f"line{'s' if len(numbers) > 1 else ''} {shown}{more}"
