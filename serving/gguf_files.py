"""GGUF files for llama.cpp, out of safetensors: a base model in 8 or 16 bits, and LoRA adapters for it.

The names of tensors and keys are llama.cpp's own, from its `gguf` package; only the families listed here are known.
Written to a temporary name and renamed, as everything here.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors import safe_open
from transformers import PreTrainedTokenizerBase

from serving.failures import CannotHold

NORMAL, CONTROL = int(gguf.TokenType.NORMAL), int(gguf.TokenType.CONTROL)
UNUSED = int(gguf.TokenType.UNUSED)
#: llama.cpp writes a file's tensors in their own type below this many columns: blocks of 8 bits are 32 wide.
BLOCK = 32


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


def family_of(config: dict[str, Any]) -> Family:
    known = str(config.get("model_type"))
    if known not in FAMILIES:
        named = ", ".join(FAMILIES)
        raise CannotHold(f"llama.cpp files can be made of {named} models; this one is “{known[:40]}”.")
    if config.get("rope_scaling"):
        raise CannotHold("This model stretches its positions (rope_scaling), which our llama.cpp files do not say yet.")
    return FAMILIES[known]


def write_base(model: Path, target: Path, tokenizer: PreTrainedTokenizerBase, *, bits: int = 8) -> None:
    """Raises CannotHold for a family that is not known."""
    config = json.loads((model / "config.json").read_text("utf-8"))
    family = family_of(config)
    partial = target.with_name(f"{target.name}.partial")
    writer = gguf.GGUFWriter(partial, gguf.MODEL_ARCH_NAMES[family.arch])
    describe(writer, config)
    describe_vocabulary(writer, config, tokenizer)
    names = gguf.get_tensor_name_map(family.arch, config["num_hidden_layers"])
    for name, tensor in tensors_of(model):
        written = names.get_name(name, try_suffixes=(".weight", ".bias"))
        if written is None:
            raise CannotHold(f"llama.cpp has no place for the weights {name}.")
        if name == "lm_head.weight" and config.get("tie_word_embeddings"):
            continue
        array = permuted(name, tensor, config, family).to(torch.float32).numpy()
        add(writer, written, array, bits)
    finish(writer, partial, target)


def write_adapter(adapter: Path, base: Path, target: Path) -> None:
    """A LoRA adapter of PEFT's. Raises CannotHold for what llama.cpp's adapters cannot say."""
    config = json.loads((base / "config.json").read_text("utf-8"))
    family = family_of(config)
    asked = json.loads((adapter / "adapter_config.json").read_text("utf-8"))
    require_plain_lora(asked)
    partial = target.with_name(f"{target.name}.partial")
    writer = gguf.GGUFWriter(partial, gguf.MODEL_ARCH_NAMES[family.arch])
    writer.add_string(gguf.Keys.General.TYPE, gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    rank, alpha = int(asked["r"]), float(asked["lora_alpha"])
    # llama.cpp divides by the rank; rsLoRA by its root.
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha * rank**0.5 if asked.get("use_rslora") else alpha)
    names = gguf.get_tensor_name_map(family.arch, config["num_hidden_layers"])
    for name, tensor in tensors_of(adapter):
        module, _, part = name.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".lora_")
        written = names.get_name(f"{module}.weight", try_suffixes=(".weight",))
        if written is None or part not in ("A", "B"):
            raise CannotHold(f"llama.cpp has no place for the adapter's weights {name}.")
        # Only B's rows are the module's rows.
        whole = permuted(f"{module}.weight", tensor, config, family) if part == "B" else tensor
        writer.add_tensor(f"{written}.lora_{part.lower()}", whole.to(torch.float32).numpy().astype(np.float16))
    finish(writer, partial, target)


def require_plain_lora(asked: dict[str, Any]) -> None:
    if str(asked.get("peft_type")) != "LORA":
        raise CannotHold(f"llama.cpp holds LoRA adapters only; this one is {str(asked.get('peft_type'))[:40]}.")
    if asked.get("use_dora"):
        raise CannotHold("llama.cpp holds plain LoRA adapters only; this one is weight-decomposed (DoRA).")
    if asked.get("modules_to_save"):
        raise CannotHold("llama.cpp's adapters hold no whole layers, and this one brings some (modules_to_save).")


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


def describe_vocabulary(writer: gguf.GGUFWriter, config: dict[str, Any], tokenizer: PreTrainedTokenizerBase) -> None:
    """Prompts reach llama.cpp as tokens, so it only has to turn tokens into text."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    if backend["model"]["type"] != "BPE":
        raise CannotHold(f"llama.cpp files are made of BPE tokenizers only; this one is {backend['model']['type']}.")
    by_id = {number: token for token, number in tokenizer.get_vocab().items()}
    special = set(tokenizer.all_special_ids) | {
        added["id"] for added in backend.get("added_tokens", []) if added["special"]
    }
    tokens = [by_id.get(number, f"[unused{number}]") for number in range(config["vocab_size"])]
    types = [CONTROL if number in special else NORMAL if number in by_id else UNUSED for number in range(len(tokens))]
    merges = backend["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    if tokenizer.eos_token_id is not None:
        writer.add_eos_token_id(tokenizer.eos_token_id)
    if tokenizer.bos_token_id is not None:
        writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_add_bos_token(False)


def add(writer: gguf.GGUFWriter, name: str, array: np.ndarray, bits: int) -> None:
    """Vectors stay in 32 bits, as llama.cpp's own converter leaves them."""
    if array.ndim == 1:
        writer.add_tensor(name, array)
    elif bits == 8 and array.shape[-1] % BLOCK == 0:
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(name, gguf.quants.quantize(array, kind), raw_dtype=kind)
    else:
        writer.add_tensor(name, array.astype(np.float16))


def permuted(name: str, tensor: torch.Tensor, config: dict[str, Any], family: Family) -> torch.Tensor:
    """Query and key of llama's family: transformers rotates halves of a head, llama.cpp pairs of neighbours."""
    part = name.rpartition(".")[0].rpartition(".")[2]
    if not family.permutes or part not in ("q_proj", "k_proj"):
        return tensor
    heads = int(config["num_attention_heads"])
    heads = heads if part == "q_proj" else int(config.get("num_key_value_heads") or heads)
    rows, *rest = tensor.shape
    return tensor.reshape(heads, 2, rows // heads // 2, *rest).swapaxes(1, 2).reshape(tensor.shape)


def tensors_of(folder: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """One at a time, from every safetensors file of a folder."""
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                yield name, file.get_tensor(name)


def finish(writer: gguf.GGUFWriter, partial: Path, target: Path) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(target)
