"""Files for llama.cpp and OpenVINO that were made before are found again: named by what they were made of.

They are kept in the worker's cache, and what is there is whole. Two workers may make the same one at once; the second
rename changes nothing.
"""

import hashlib
import json
import os
from pathlib import Path

from serving.failures import CannotHold
from storage import manifest
from storage.files import sha256_of

#: Grows when our files of the same weights become others.
VERSION = 1


class Converted:
    """`folder`: the cache. Its methods import numpy and gguf only where a file has to be made."""

    def __init__(self, folder: Path, model: Path, *, bits: int) -> None:
        self._folder, self._model, self._bits = folder, model, bits
        folder.mkdir(parents=True, exist_ok=True)

    def base(self, told: object = None) -> Path:
        """The base model's file. Raises CannotHold."""
        target = self._folder / f"base-{digest_of_model(self._model)}-{self._bits}.gguf"
        if not target.is_file():
            from serving.gguf_files import write_base

            write_base(self._model, target, bits=self._bits, **({"told": told} if told else {}))
        return _taken(target)

    def graph(self, told: object = None) -> Path:
        """The base model's folder for OpenVINO. Raises CannotHold."""
        target = self._folder / f"base-{digest_of_model(self._model)}-{self._bits}.openvino"
        if not manifest.is_sealed(target):
            from serving.openvino_graph import write_graph

            write_graph(self._model, target, bits=self._bits, **({"told": told} if told else {}))
        return _taken(target)

    def adapter(self, adapter: Path) -> Path:
        """An adapter's file; `adapter` is PEFT's folder. Raises CannotHold."""
        if not (adapter / "adapter_config.json").is_file():
            raise CannotHold(f"There is no adapter in {adapter}.")
        target = self._folder / f"lora-{digest_of_adapter(adapter, self._model)}.gguf"
        if not target.is_file():
            from serving.gguf_adapters import write_adapter

            write_adapter(adapter, self._model, target)
        return _taken(target)


def _taken(target: Path) -> Path:
    """What was used longest ago leaves the cache first (core/serving/cache.py)."""
    os.utime(target)
    return target


def digest_of_model(model: Path) -> str:
    """Of the manifest, which lists each file's sha256; without one, of names, sizes and times."""
    sealed = model / manifest.NAME
    if sealed.is_file():
        return shortened(sha256_of(sealed))
    files = sorted(path for path in model.iterdir() if path.suffix in (".json", ".safetensors"))
    return shortened(*(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files))


def digest_of_adapter(adapter: Path, model: Path) -> str:
    """Of its weights and its settings; the base only says how heads are laid out."""
    layout = json.loads((model / "config.json").read_bytes())
    heads = (layout.get(key) for key in ("model_type", "num_attention_heads", "num_key_value_heads"))
    files = sorted(
        path for path in adapter.iterdir() if path.name == "adapter_config.json" or path.suffix == ".safetensors"
    )
    return shortened(*map(str, heads), *(f"{path.name} {sha256_of(path)}" for path in files))


def shortened(*parts: str) -> str:
    return hashlib.sha256("\n".join((str(VERSION), *parts)).encode()).hexdigest()[:20]
