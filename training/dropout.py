"""Dropout that costs a CPU little.

PyTorch draws a 64-bit number for each element, one after another: 20 % of a LoRA step on two cores. Here one such
number decides four elements, so that a probability is exact to 1/65536; the rest is the same.
"""

import math

import torch
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn

LOWEST = torch.iinfo(torch.int64).min
LEVELS = 2**16


class QuickDropout(nn.Module):
    def __init__(self, probability: float) -> None:
        super().__init__()
        self._dropped_levels = round(probability * LEVELS)
        self._scale = LEVELS / (LEVELS - self._dropped_levels)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        draws = torch.empty(math.ceil(x.numel() / 4), dtype=torch.int64).random_(LOWEST, None)
        levels = draws.view(torch.int16)[: x.numel()].view(x.shape)
        return x * (levels >= self._dropped_levels - LEVELS // 2).to(x.dtype).mul_(self._scale)


def quicken_dropout(model: nn.Module) -> None:
    """Exchange the dropout of every LoRA layer; it has no weights, so nothing saved changes."""
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            for name, dropout in layer.lora_dropout.items():
                if isinstance(dropout, nn.Dropout):
                    layer.lora_dropout[name] = QuickDropout(dropout.p)
