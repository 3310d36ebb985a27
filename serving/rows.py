"""The running rows of a continuous batch: one key/value store with a row for each, that rows join and leave.

Who comes and goes must not change an answer. So a row's tokens stand in its first columns, whatever the others' lengths
are, the rest is masked, and there are never fewer than LEAST_ROWS rows: with one row only (for float32: with less than
four) torch's matrix products take other paths, whose rounding is another. Checked bit by bit on x86, in bfloat16 and in
float32. Nothing is copied from step to step.
"""

import torch
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

LEAST_ROWS = 4
#: Columns that are there from the start; doubled as needed.
COLUMNS = 256
#: Attention looks at whole blocks of columns: the last lines of a loop over columns round differently, too.
BLOCK = 64


class Rows(Cache):
    """`lengths`: tokens of each row, which is also the column and the position of its next one."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.lengths: list[int] = []
        self.columns = 0

    def join(self, cache: DynamicCache) -> None:
        """A prompt that was read elsewhere becomes the last row."""
        length = cache.get_seq_length()
        if not self.layers:
            self.layers = [RowsLayer(self, layer) for layer in cache.layers]
        row = len(self.lengths)
        self.lengths.append(length)
        self._make_room()
        for layer, other in zip(self.layers, cache.layers, strict=True):
            layer.keys[row, :, :length] = other.keys[0]
            layer.values[row, :, :length] = other.values[0]

    def leave(self, row: int) -> None:
        """The last row takes its place."""
        last = len(self.lengths) - 1
        length = self.lengths.pop()
        if row != last:
            self.lengths[row] = length
            for layer in self.layers:
                layer.keys[row, :, :length] = layer.keys[last, :, :length]
                layer.values[row, :, :length] = layer.values[last, :, :length]

    def begin_step(self, device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
        """Where the next token of each row goes, [rows, 1]; and what it may look at, [rows, 1, 1, columns]."""
        self._make_room()
        lengths = [*self.lengths, *(0 for _ in range(LEAST_ROWS - len(self.lengths)))]
        self.positions = torch.tensor(lengths, device=device)
        self.places = torch.arange(len(lengths), device=device)
        self.width = -(-(max(lengths) + 1) // BLOCK) * BLOCK
        mask = torch.arange(self.width, device=device)[None, :] <= self.positions[:, None]
        return self.positions[:, None], mask[:, None, None]

    def end_step(self) -> None:
        self.lengths = [length + 1 for length in self.lengths]

    def _make_room(self) -> None:
        rows, columns = max(LEAST_ROWS, len(self.lengths)), max(self.lengths) + BLOCK
        while self.columns < columns:
            self.columns = max(COLUMNS, self.columns * 2)
        for layer in self.layers:
            layer.make_room(rows, self.columns)


class RowsLayer(DynamicLayer):
    """One layer's keys and values, [rows, heads, columns, size]."""

    def __init__(self, rows: Rows, like: DynamicLayer) -> None:
        super().__init__()
        self._rows = rows
        _, heads, _, size = like.keys.shape
        self.lazy_initialization(like.keys, like.values)
        self.keys, self.values = like.keys.new_zeros(0, heads, 0, size), like.values.new_zeros(0, heads, 0, size)

    def make_room(self, rows: int, columns: int) -> None:
        had, _, wide, _ = self.keys.shape
        if had < rows or wide < columns:
            self.keys, self.values = widened(self.keys, rows, columns), widened(self.values, rows, columns)

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        rows = self._rows
        self.keys[rows.places, :, rows.positions] = key_states[:, :, 0]
        self.values[rows.places, :, rows.positions] = value_states[:, :, 0]
        return self.keys[: len(rows.places), :, : rows.width], self.values[: len(rows.places), :, : rows.width]

    def get_seq_length(self) -> int:
        return self._rows.width - 1


def widened(states: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    had, heads, wide, size = states.shape
    larger = states.new_zeros(max(rows, had), heads, max(columns, wide), size)
    larger[:had, :, :wide] = states
    return larger
