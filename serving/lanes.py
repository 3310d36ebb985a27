"""Adapters of every kind on one set of base weights.

PEFT wraps a model with adapters of one kind only, and changes the model's modules while it does. So each kind gets a
skeleton of modules of its own, and all skeletons share the base's tensors: a lane more costs kilobytes.

 * LoRA mixes in one batch: PEFT sends each row through its own adapter.
 * A prefix is a beginning of the key/value cache, so its rows run in the LoRA lane as base rows.
 * Bottleneck layers run one adapter at a time; rows of different ones take turns.
"""

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from peft import PeftConfig, PeftModel, PeftType
from transformers import DynamicCache, PreTrainedModel

from serving.failures import CannotHold
from serving.request import BASE
from training import adapter_layers

Prefix = tuple[tuple[torch.Tensor, torch.Tensor], ...]


class Lane(Protocol):
    """Runs rows whose adapters it can hold in one pass."""

    def group(self, adapter: str) -> str: ...

    def forward(self, adapters: Sequence[str], **inputs: Any) -> Any: ...


class LoraLane:
    """The base, LoRA adapters of any rank, and rows with a prefix; all in one pass."""

    def __init__(self, base: PreTrainedModel) -> None:
        self._base = base
        self._model: PeftModel | None = None
        self._names: set[str] = set()

    def load(self, name: str, folder: Path) -> None:
        if self._model is None:
            self._model = PeftModel.from_pretrained(self._base, folder, adapter_name=name, local_files_only=True).eval()
        else:
            self._model.load_adapter(str(folder), adapter_name=name, local_files_only=True)
        self._names.add(name)

    def drop(self, name: str) -> None:
        if self._model is not None and name in self._names:
            self._names.discard(name)
            self._model.delete_adapter(name)
            if not self._names:
                self._base, self._model = self._model.unload(), None

    def forward(self, adapters: Sequence[str], **inputs: Any) -> Any:
        if self._model is None:
            return self._base(**inputs)
        names = [name if name in self._names else BASE for name in adapters]
        return self._model(adapter_names=names, **inputs)


class BottleneckLane:
    """One adapter at a time."""

    def __init__(self, skeleton: PreTrainedModel) -> None:
        self._skeleton = skeleton
        self._model: PeftModel | None = None

    def load(self, name: str, folder: Path) -> None:
        if self._model is None:
            self._model = PeftModel.from_pretrained(self._skeleton, folder, adapter_name=name, local_files_only=True)
            self._model.eval()
        else:
            self._model.load_adapter(str(folder), adapter_name=name, local_files_only=True)

    def drop(self, name: str) -> None:
        if self._model is not None:
            self._model.delete_adapter(name)

    def forward(self, adapters: Sequence[str], **inputs: Any) -> Any:
        assert self._model is not None
        self._model.set_adapter(adapters[0])
        return self._model(**inputs)


class Lanes:
    """Every adapter of one base model, by name."""

    def __init__(self, base: PreTrainedModel) -> None:
        self._pristine = base
        self._lora = LoraLane(skeleton_of(base))
        self._bottleneck = BottleneckLane(skeleton_of(base))
        self._kinds: dict[str, str] = {}
        self._prefixes: dict[str, Prefix] = {}

    @property
    def names(self) -> list[str]:
        return sorted(self._kinds)

    def load(self, name: str, folder: Path) -> None:
        """Raises CannotHold for a kind of adapter that has no lane."""
        kind = PeftConfig.from_pretrained(str(folder), local_files_only=True).peft_type
        match kind:
            case PeftType.LORA:
                self._lora.load(name, folder)
            case PeftType.PREFIX_TUNING:
                self._prefixes[name] = prefix_of(self._pristine, folder)
            case _ if kind == adapter_layers.peft_type():
                self._bottleneck.load(name, folder)
            case _:
                raise CannotHold(f"An adapter of the kind {kind} cannot be served. Merge it into its base model first.")
        self._kinds[name] = str(kind)

    def drop(self, name: str) -> None:
        if self._kinds.pop(name, "") == str(adapter_layers.peft_type()):
            self._bottleneck.drop(name)
        elif name in self._prefixes:
            del self._prefixes[name]
        else:
            self._lora.drop(name)

    def lane_of(self, adapter: str) -> str:
        """Rows with the same answer may share a pass."""
        return adapter if self._kinds.get(adapter) == str(adapter_layers.peft_type()) else ""

    def beginning(self, adapter: str) -> DynamicCache:
        """The cache that an answer starts with: empty, or the prefix."""
        cache = DynamicCache()
        for layer, (keys, values) in enumerate(self._prefixes.get(adapter, ())):
            cache.update(keys.clone(), values.clone(), layer)
        return cache

    def forward(self, adapters: Sequence[str], **inputs: Any) -> Any:
        lane = self._bottleneck if self.lane_of(adapters[0]) else self._lora
        return lane.forward(adapters, **inputs)


def skeleton_of(model: PreTrainedModel) -> PreTrainedModel:
    """The same modules anew around the same tensors."""
    shared = {id(tensor): tensor for tensor in (*model.parameters(), *model.buffers())}
    copied: PreTrainedModel = copy.deepcopy(model, memo=shared)
    return copied


def prefix_of(base: PreTrainedModel, folder: Path) -> Prefix:
    """Keys and values of every layer, [1, heads, length, size], in the base's type."""
    peft = PeftModel.from_pretrained(skeleton_of(base), folder, local_files_only=True).eval()
    with torch.no_grad():
        cache = peft.get_prompt(batch_size=1)
    layers = getattr(cache, "self_attention_cache", cache).layers
    return tuple((layer.keys.detach(), layer.values.detach()) for layer in layers)
