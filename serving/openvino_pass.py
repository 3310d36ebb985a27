"""One pass of an OpenVINO decoder over rows of different lengths, whose keys and values lie in pages."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import openvino as ov
from openvino import opset15 as ops
from openvino._offline_transformations import paged_attention_transformation

from serving.openvino_graph import GRAPH, STATES, parameter, whole
from serving.openvino_lora import LoraArrays, Product, add_lora, stacked

#: Pages at first; doubled as needed.
PAGES = 32
#: A single token takes another path, which rounds differently and is slower: it gets a neighbour that nobody reads.
LEAST_TOKENS = 2
CACHE = ("key_cache.", "value_cache.")


@dataclass(eq=False)
class Row:
    """One answer's. `length`: tokens whose keys and values are kept, in `pages`."""

    adapter: LoraArrays | None = None
    length: int = 0
    pages: list[int] = field(default_factory=list)


class Passes:
    """`graph`: a folder of `write_graph`'s. One thread runs; adapters may be made ready by others."""

    def __init__(self, graph: Path, *, threads: int) -> None:
        self._graph, self._threads = graph, threads
        self._products: list[Product] = []
        self._stacked: tuple[LoraArrays, ...] | None = None
        #: The first keeps two adapters from making room at once, the second the request from changing under a pass.
        self._making_room, self._lock = threading.Lock(), threading.Lock()
        self._request, _ = self._compiled(with_lora=False)
        self._pages, self._nobody = Pages(self._request), Row()

    def make_room_for_lora(self) -> list[Product]:
        """Where no adapter was there yet: the graph again, with places for them. Takes a second or more."""
        with self._making_room:
            if not self._products:
                request, products = self._compiled(with_lora=True)
                with self._lock:
                    self._request, self._products = request, products
                    self._pages.move_to(request)
            return self._products

    def run(self, rows: Sequence[Row], tokens: Sequence[Sequence[int]]) -> np.ndarray:
        """Reads `tokens` of each row. The scores of what comes after them, [rows, vocabulary]; good until the next."""
        with self._lock:
            if sum(map(len, tokens)) >= LEAST_TOKENS:
                return self._pass(rows, tokens)
            self._nobody.length = 0
            return self._pass([*rows, self._nobody], [*tokens, [0]])[: len(rows)]

    def _pass(self, rows: Sequence[Row], tokens: Sequence[Sequence[int]]) -> np.ndarray:
        counts = [len(new) for new in tokens]
        for row, count in zip(rows, counts, strict=True):
            self._pages.reserve(row, row.length + count)
        reaches = [range(row.length, row.length + count) for row, count in zip(rows, counts, strict=True)]
        inputs = {
            "input_ids": np.concatenate([np.asarray(new, np.int64) for new in tokens]),
            "position_ids": np.concatenate([np.asarray(reach, np.int64) for reach in reaches]),
            "past_lens": as_int32([row.length for row in rows]),
            "subsequence_begins": begins(counts),
            "block_indices": as_int32([page for row in rows for page in row.pages]),
            "block_indices_begins": begins([len(row.pages) for row in rows]),
            "max_context_len": np.array(max(reach.stop for reach in reaches), np.int32),
            "last": np.cumsum(counts) - 1,
        }
        if self._products:
            inputs["lora_rows"] = self._lora_rows(rows, counts)
        for name, array in inputs.items():
            self._request.set_tensor(name, ov.Tensor(array))
        self._request.infer()
        for row, reach in zip(rows, reaches, strict=True):
            row.length = reach.stop
        scores: np.ndarray = self._request.get_tensor("logits").data
        return scores.reshape(len(rows), -1)

    def release(self, row: Row) -> None:
        self._pages.release(row)

    def _lora_rows(self, rows: Sequence[Row], counts: Sequence[int]) -> np.ndarray:
        """Which tokens each rank is for, and how strongly: [tokens, 1, ranks]."""
        present = tuple(dict.fromkeys(row.adapter for row in rows if row.adapter is not None))
        if present != self._stacked:
            for name, array in stacked(self._products, present).items():
                self._request.set_tensor(name, ov.Tensor(array))
            self._stacked = present
        owners = [row.adapter for row, count in zip(rows, counts, strict=True) for _ in range(count)]
        columns = [
            np.array([[adapter.scale if owner is adapter else 0.0] * adapter.rank for owner in owners], np.float32)
            for adapter in present
        ]
        nobody = np.zeros((len(owners), 0), np.float32)
        return np.concatenate([nobody, *columns], axis=1)[:, None]

    def _compiled(self, *, with_lora: bool) -> tuple[ov.InferRequest, list[Product]]:
        core = ov.Core()
        model = core.read_model(self._graph / GRAPH)
        products = add_lora(model) if with_lora else []
        paged_attention_transformation(model)
        keep_last(model)
        settings = {
            "INFERENCE_NUM_THREADS": self._threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "KV_CACHE_PRECISION": "f16",
        }
        return core.compile_model(model, "CPU", settings).create_infer_request(), products


class Pages:
    """Keys and values of all rows in pages that rows take as they grow and give back when they end."""

    def __init__(self, request: ov.InferRequest) -> None:
        self._request = request
        inputs = {port.get_any_name(): port for port in request.model_inputs}
        self._ports = {name: port for name, port in inputs.items() if name.startswith(CACHE)}
        self.size = next(iter(self._ports.values())).partial_shape[2].get_length()
        self._tensors: dict[str, ov.Tensor] = {}
        self._count = 0
        self._free: list[int] = []
        self._widen(PAGES)

    def reserve(self, row: Row, tokens: int) -> None:
        """Room for so many tokens of a row."""
        missing = -(-tokens // self.size) - len(row.pages)
        if missing > len(self._free):
            self._widen(max(2 * self._count, self._count + missing))
        for _ in range(missing):
            row.pages.append(self._free.pop())

    def release(self, row: Row) -> None:
        self._free += row.pages
        row.pages = []

    def move_to(self, request: ov.InferRequest) -> None:
        self._request = request
        for name, tensor in self._tensors.items():
            request.set_tensor(name, tensor)

    def _widen(self, count: int) -> None:
        for name, port in self._ports.items():
            page = [dimension.get_length() for dimension in list(port.partial_shape)[1:]]
            wider = ov.Tensor(port.element_type, ov.Shape([count, *page]))
            if self._count:
                wider.data[: self._count] = self._tensors[name].data
            self._tensors[name] = wider
            self._request.set_tensor(name, wider)
        self._free += range(self._count, count)
        self._count = count


def keep_last(model: ov.Model) -> None:
    """Scores for the last token of each row only: those of a prompt's other tokens nobody reads."""
    [states] = [node for node in model.get_ops() if node.get_friendly_name() == STATES]
    readers = states.output(0).get_target_inputs()
    last = parameter("last", ov.Type.i64, -1)
    kept = ops.gather(states, last, whole(0))
    for reader in readers:
        reader.replace_source_output(kept.output(0))
    model.add_parameters([last])
    model.validate_nodes_and_infer_types()


def begins(counts: Sequence[int]) -> np.ndarray:
    return np.cumsum([0, *counts]).astype(np.int32)


def as_int32(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int32)
