"""LoRA adapters of several ranks in one pass, each on its own rows.

PEFT's own mixed batches send each adapter's rows through it apart, so the shapes, and with them the rounding, depend on
who else is there; and every layer of theirs costs time for each adapter that is loaded. Here every adapter of the batch
is computed for all rows and kept for its own; a batch without any runs on the bare model.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

from serving.ends import object_of

NAME = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")


@dataclass(frozen=True, eq=False)
class LoraWeights:
    """By module: A [rank, in] and B [out, rank], in 32 bits as PEFT computes them."""

    pairs: dict[str, tuple[torch.Tensor, torch.Tensor]]
    scale: float

    @classmethod
    def read(cls, folder: Path, modules: dict[str, nn.Module], device: torch.device) -> "LoraWeights | None":
        """None where it is more than plain LoRA on linear layers: PEFT itself has to run it."""
        asked = object_of(folder / "adapter_config.json")
        rank, alpha = int(asked.get("r") or 0), float(asked.get("lora_alpha") or 0)
        special = ("use_dora", "modules_to_save", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "lora_bias")
        if not rank or any(asked.get(name) for name in special) or asked.get("bias", "none") != "none":
            return None
        halves: dict[str, dict[str, torch.Tensor]] = {}
        for name, tensor in load_file(folder / "adapter_model.safetensors").items():
            found = NAME.fullmatch(name)
            if not found or not isinstance(modules.get(found[1]), nn.Linear):
                return None
            halves.setdefault(found[1], {})[found[2]] = tensor.to(device, torch.float32)
        scale = alpha / rank**0.5 if asked.get("use_rslora") else alpha / rank
        return cls({module: (pair["A"], pair["B"]) for module, pair in halves.items()}, scale)


class LoraRows:
    """`model`'s linear layers, each followed by what the rows' adapters add."""

    def __init__(self, model: PreTrainedModel) -> None:
        self._model = model
        self._present: list[tuple[LoraWeights, torch.Tensor | None]] = []
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear):
                module.register_forward_hook(partial(self._add, name))

    def forward(self, rows: Sequence[LoraWeights | None], **inputs: Any) -> Any:
        """`rows`: which adapter each row of the batch has."""
        device = inputs["input_ids"].device
        self._present = []
        for weights in dict.fromkeys(row for row in rows if row is not None):
            mine = [row is weights for row in rows]
            self._present.append((weights, None if all(mine) else torch.tensor(mine, device=device)[:, None, None]))
        return self._model(**inputs)

    def _add(self, name: str, _module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
        wide: torch.Tensor | None = None
        for weights, mine in self._present:
            if pair := weights.pairs.get(name):
                added = by_row(by_row(inputs[0].float(), pair[0]), pair[1]) * weights.scale
                wide = (output if wide is None else wide) + (added if mine is None else added * mine)
        return output if wide is None else wide.to(output.dtype)


def by_row(states: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`linear`, but in a step of many rows one product for each: thin matrices round differently by a row's place."""
    if len(states) == 1:
        return linear(states, weight)
    return torch.bmm(states, weight.t().expand(len(states), -1, -1))
