"""The running rows of a continuous batch: one key/value cache, padded on the left, that rows join and leave.

Rows of a batch see nothing of each other, so who comes and goes changes an answer only as far as the order of
floating-point sums does.
"""

import torch
from transformers import DynamicCache


class Rows:
    """`mask`: [rows, width], 1 where a token stands. The cache's layers hold [rows, heads, width, size] each."""

    def __init__(self) -> None:
        self.cache = DynamicCache()
        self.mask = torch.empty(0, 0, dtype=torch.long)

    def __len__(self) -> int:
        return len(self.mask)

    @property
    def lengths(self) -> torch.Tensor:
        """Tokens of each row, which is also the position of its next one."""
        return self.mask.sum(-1)

    def join(self, cache: DynamicCache, mask: torch.Tensor) -> None:
        """Rows that were read elsewhere; the narrower side is padded on its left."""
        if not len(self):
            self.cache, self.mask = cache, mask
            return
        width = max(self.mask.shape[1], mask.shape[1])
        ours, theirs = width - self.mask.shape[1], width - mask.shape[1]
        for layer, other in zip(self.cache.layers, cache.layers, strict=True):
            layer.keys = torch.cat([padded(layer.keys, ours), padded(other.keys, theirs)])
            layer.values = torch.cat([padded(layer.values, ours), padded(other.values, theirs)])
        self.mask = torch.cat([padded_mask(self.mask, ours), padded_mask(mask, theirs)])

    def keep(self, rows: list[int]) -> None:
        """Only these go on; columns that none of them uses are dropped."""
        if not rows:
            self.cache, self.mask = DynamicCache(), self.mask[:0, :0]
            return
        mask = self.mask[rows]
        first = int(mask.argmax(-1).min())
        self.mask = mask[:, first:]
        for layer in self.cache.layers:
            layer.keys = layer.keys[rows][:, :, first:].contiguous()
            layer.values = layer.values[rows][:, :, first:].contiguous()

    def grow(self) -> None:
        """Room in the mask for the token that every row is about to get."""
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(self), 1)], dim=1)


def padded(state: torch.Tensor, columns: int) -> torch.Tensor:
    return torch.nn.functional.pad(state, (0, 0, columns, 0)) if columns else state


def padded_mask(mask: torch.Tensor, columns: int) -> torch.Tensor:
    return torch.nn.functional.pad(mask, (columns, 0)) if columns else mask
