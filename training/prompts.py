"""Prompts with what their grader is told, and the order in which they are taken."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from storage.objectives import Rft
from storage.rows import Rows
from storage.spec import DatasetRef, Hyperparameters
from training.batches import TokenBatches
from training.conversations import Conversation
from training.data import Example


@dataclass(frozen=True, slots=True)
class Prompt:
    """A row's question in tokens, and its `item`: what a grader reads as `item.NAME`."""

    example: Example
    item: dict[str, Any]

    @property
    def row_id(self) -> bytes:
        return self.example.row_id

    @property
    def input_ids(self) -> np.ndarray:
        return self.example.input_ids

    @property
    def line(self) -> int:
        return self.example.line

    @property
    def conversation(self) -> Conversation:
        return self.example.conversation


def with_items(examples: list[Example], dataset: DatasetRef) -> list[Prompt]:
    rows = Rows(Path(dataset.path).parent).at([example.number for example in examples])
    return [Prompt(example, item_of(row.content.get("item"))) for example, row in zip(examples, rows, strict=True)]


def item_of(found: object) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def batches_of(count: int, asked: Rft, hyperparameters: Hyperparameters) -> TokenBatches:
    """Every prompt once an epoch; the steps are evened out, so that none has more than was asked for."""
    steps = math.ceil(count / (asked.prompts_per_step * hyperparameters.gradient_accumulation_steps))
    seed = hyperparameters.seed
    return TokenBatches([1] * count, tokens_per_step=count / steps, micro_batch_tokens=count, seed=seed)
