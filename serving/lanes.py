"""Adapters of every kind on one set of base weights.

PEFT changes a model's modules where it adds an adapter. So whoever does gets a skeleton of modules of its own, and all
skeletons share the base's tensors: one more costs kilobytes.

 * Plain LoRA mixes in one batch (`serving.lora_rows`).
 * A prefix is a beginning of the key/value cache, so its rows run among the base's.
 * Everything else (bottleneck layers, DoRA) runs by PEFT in a lane of its own; different ones take turns.

An adapter lives as long as somebody holds it: dropped by name, it goes with the last answer that is written with it.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, PeftModel, PeftType
from torch import nn
from transformers import DynamicCache, PreTrainedModel

from serving.failures import CannotHold
from serving.lora_rows import LoraRows, LoraWeights
from training import adapter_layers

Prefix = tuple[tuple[torch.Tensor, torch.Tensor], ...]


@dataclass(frozen=True, eq=False)
class Held:
    """One loaded adapter, or the base: exactly one of these at most."""

    lora: LoraWeights | None = None
    prefix: Prefix = ()
    alone: nn.Module | None = None

    @property
    def lane(self) -> int:
        """Rows with the same number may share a pass."""
        return id(self.alone) if self.alone is not None else 0

    @property
    def prefix_length(self) -> int:
        return int(self.prefix[0][0].shape[2]) if self.prefix else 0

    def beginning(self) -> DynamicCache:
        """The cache that an answer starts with: empty, or the prefix."""
        cache = DynamicCache()
        for layer, (keys, values) in enumerate(self.prefix):
            cache.update(keys.clone(), values.clone(), layer)
        return cache


class Lanes:
    """Makes adapters of one base model, and runs rows of them."""

    def __init__(self, base: PreTrainedModel) -> None:
        self._base = base
        self._modules = dict(base.named_modules())
        self._mixed = LoraRows(skeleton_of(base))
        self.base = Held()

    def read(self, folder: Path) -> Held:
        """Raises CannotHold for what cannot be run as an adapter."""
        try:
            kind = PeftConfig.from_pretrained(str(folder), local_files_only=True).peft_type
            if kind == PeftType.PREFIX_TUNING:
                return Held(prefix=prefix_of(self._base, folder))
            if kind == PeftType.LORA and (plain := LoraWeights.read(folder, self._modules, self._base.device)):
                return Held(lora=plain)
            if kind in (PeftType.LORA, adapter_layers.peft_type()):
                return Held(alone=loaded(self._base, folder))
        except (OSError, ValueError, KeyError, RuntimeError, TypeError) as error:
            raise CannotHold(f"The adapter cannot be loaded: {str(error)[:300]}") from error
        raise CannotHold(f"An adapter of the kind {kind} cannot be served. Merge it into its base model first.")

    def forward(self, rows: Sequence[Held], **inputs: Any) -> Any:
        """`rows` share a lane; the batch may have further ones that nobody looks at."""
        if rows[0].alone is not None:
            return rows[0].alone(**inputs)
        if all(row.lora is None for row in rows):
            return self._base(**inputs)
        return self._mixed.forward(
            [*(row.lora for row in rows), *(None for _ in range(len(inputs["input_ids"]) - len(rows)))], **inputs
        )


def skeleton_of(model: PreTrainedModel) -> PreTrainedModel:
    """The same modules anew around the same tensors."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copied: PreTrainedModel = copy.deepcopy(model, memo=shared)
    return copied


def loaded(base: PreTrainedModel, folder: Path) -> PeftModel:
    return PeftModel.from_pretrained(skeleton_of(base), folder, local_files_only=True).eval()


def prefix_of(base: PreTrainedModel, folder: Path) -> Prefix:
    """Keys and values of every layer, [1, heads, length, size], in the base's type."""
    with torch.no_grad():
        cache = loaded(base, folder).get_prompt(batch_size=1)
    layers = getattr(cache, "self_attention_cache", cache).layers
    return tuple((layer.keys.detach(), layer.values.detach()) for layer in layers)
