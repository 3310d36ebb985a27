"""GGUF files for llama.cpp, out of safetensors: a base model in 8 or 16 bits, and LoRA adapters for it.

The names of tensors and keys are llama.cpp's own, from its `gguf` package; only the families listed here are known.
Written tensor by tensor to a temporary name, so that a large model needs the memory of its largest tensor.
"""

import contextlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from serving.ends import object_of
from serving.failures import CannotHold
from serving.gguf_vocabulary import describe_vocabulary
from serving.safetensors_file import Stored, tensors_of
from storage.files import fsync_path
from storage.serving import not_in_gguf

#: Quantised types are blocks of so many columns; a narrower tensor stays in 16 bits.
BLOCK = 32
#: Told after each tensor: how many are written, of how many.
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Family:
    """`permutes`: whether llama.cpp wants the rows of query and key in pairs instead of halves."""

    arch: gguf.MODEL_ARCH
    permutes: bool = False


FAMILIES = {
    "llama": Family(gguf.MODEL_ARCH.LLAMA, permutes=True),
    "mistral": Family(gguf.MODEL_ARCH.LLAMA, permutes=True),
    "qwen2": Family(gguf.MODEL_ARCH.QWEN2),
    "qwen3": Family(gguf.MODEL_ARCH.QWEN3),
}


@dataclass(frozen=True, slots=True)
class Planned:
    """A tensor of the file to be: where it comes from and what becomes of it."""

    name: str
    source: Stored
    kind: gguf.GGMLQuantizationType
    #: Of query or key, whose rows are put in pairs; 0 for all others.
    heads: int = 0

    def written(self) -> np.ndarray:
        array = self.source.read()
        return packed(paired(array, self.heads) if self.heads else array, self.kind)


def family_of(config: dict[str, Any]) -> Family:
    if reason := not_in_gguf(config):
        raise CannotHold(reason)
    return FAMILIES[str(config["model_type"])]


def write_base(model: Path, target: Path, *, bits: int = 8, told: Told = lambda done, total: None) -> None:
    """Raises CannotHold for a family or a tokenizer that is not known."""
    config = object_of(model / "config.json")
    family = family_of(config)
    names = gguf.get_tensor_name_map(family.arch, config["num_hidden_layers"])
    planned = []
    for source in tensors_of(model):
        if source.name == "lm_head.weight" and config.get("tie_word_embeddings"):
            continue
        name = names.get_name(source.name, try_suffixes=(".weight", ".bias"))
        if name is None:
            raise CannotHold(f"llama.cpp has no place for the weights {source.name[:100]}.")
        heads = heads_of(source.name, config) if family.permutes else 0
        planned.append(Planned(name, source, kind_of(source.shape, bits), heads))
    with writing(target, family.arch) as writer:
        describe(writer, config)
        describe_vocabulary(writer, model, int(config["vocab_size"]))
        write_tensors(writer, planned, told)


def describe(writer: gguf.GGUFWriter, config: dict[str, Any]) -> None:
    heads = int(config["num_attention_heads"])
    size = int(config.get("head_dim") or config["hidden_size"] // heads)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(int(config.get("num_key_value_heads") or heads))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_rope_freq_base(float((config.get("rope_parameters") or config).get("rope_theta", 10_000)))
    writer.add_rope_dimension_count(size)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_vocab_size(config["vocab_size"])


def kind_of(shape: tuple[int, ...], bits: int) -> gguf.GGMLQuantizationType:
    """Vectors stay in 32 bits, as llama.cpp's own converter leaves them."""
    if len(shape) == 1:
        return gguf.GGMLQuantizationType.F32
    fits = bits == 8 and shape[-1] % BLOCK == 0
    return gguf.GGMLQuantizationType.Q8_0 if fits else gguf.GGMLQuantizationType.F16


def packed(array: np.ndarray, kind: gguf.GGMLQuantizationType) -> np.ndarray:
    match kind:
        case gguf.GGMLQuantizationType.F32:
            return array
        case gguf.GGMLQuantizationType.F16:
            return array.astype(np.float16)
        case _:
            return gguf.quants.quantize(array, kind)


def heads_of(name: str, config: dict[str, Any]) -> int:
    """Heads of a query or key by the name of its weights; 0 for everything else."""
    part = name.rpartition(".")[0].rpartition(".")[2]
    heads = int(config["num_attention_heads"])
    return {"q_proj": heads, "k_proj": int(config.get("num_key_value_heads") or heads)}.get(part, 0)


def paired(array: np.ndarray, heads: int) -> np.ndarray:
    """transformers rotates halves of a head, llama.cpp pairs of neighbours."""
    rows, *rest = array.shape
    return array.reshape(heads, 2, rows // heads // 2, *rest).swapaxes(1, 2).reshape(array.shape)


def write_tensors(writer: gguf.GGUFWriter, planned: list[Planned], told: Told = lambda done, total: None) -> None:
    """The file lists all tensors before the first one's bytes."""
    for tensor in planned:
        count = int(np.prod(tensor.source.shape))
        per_block, block_bytes = gguf.GGML_QUANT_SIZES[tensor.kind]
        writer.add_tensor_info(
            tensor.name, tensor.source.shape, np.dtype(np.float32), count // per_block * block_bytes, tensor.kind
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for done, tensor in enumerate(planned, start=1):
        writer.write_tensor_data(np.ascontiguousarray(tensor.written()))
        told(done, len(planned))


@contextmanager
def writing(target: Path, arch: gguf.MODEL_ARCH) -> Iterator[gguf.GGUFWriter]:
    """`target` is whole or not there. Two workers that write it at once do not disturb each other."""
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.tmp")
    writer = gguf.GGUFWriter(partial, gguf.MODEL_ARCH_NAMES[arch])
    try:
        yield writer
        writer.close()
        fsync_path(partial)
        partial.replace(target)
        fsync_path(target.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
