"""LoRA adapters of PEFT's as GGUF files."""

from pathlib import Path
from typing import Any

import gguf

from serving.ends import object_of
from serving.failures import CannotHold
from serving.gguf_files import Planned, family_of, heads_of, write_tensors, writing
from serving.safetensors_file import tensors_of


def write_adapter(adapter: Path, base: Path, target: Path) -> None:
    """Raises CannotHold for what llama.cpp's adapters cannot say."""
    config, asked = object_of(base / "config.json"), object_of(adapter / "adapter_config.json")
    family = family_of(config)
    require_plain_lora(asked)
    names = gguf.get_tensor_name_map(family.arch, config["num_hidden_layers"])
    planned = []
    for source in tensors_of(adapter):
        module, _, part = source.name.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".lora_")
        name = names.get_name(f"{module}.weight", try_suffixes=(".weight",))
        if name is None or part not in ("A", "B"):
            raise CannotHold(f"llama.cpp has no place for the adapter's weights {source.name[:100]}.")
        # Only B's rows are the module's rows.
        heads = heads_of(f"{module}.weight", config) if part == "B" and family.permutes else 0
        planned.append(Planned(f"{name}.lora_{part.lower()}", source, gguf.GGMLQuantizationType.F16, heads))
    if not planned:
        raise CannotHold("The adapter's folder holds no weights (adapter_model.safetensors).")
    rank, alpha = int(asked["r"]), float(asked["lora_alpha"])
    with writing(target, family.arch) as writer:
        writer.add_string(gguf.Keys.General.TYPE, gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        # llama.cpp divides by the rank; rsLoRA by its root.
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, alpha * rank**0.5 if asked.get("use_rslora") else alpha)
        write_tensors(writer, planned)


def require_plain_lora(asked: dict[str, Any], engine: str = "llama.cpp") -> None:
    if str(asked.get("peft_type")) != "LORA":
        raise CannotHold(f"{engine} holds LoRA adapters only; this one is {str(asked.get('peft_type'))[:40]}.")
    if asked.get("use_dora"):
        raise CannotHold(f"{engine} holds plain LoRA adapters only; this one is weight-decomposed (DoRA).")
    if asked.get("modules_to_save") or asked.get("trainable_token_indices"):
        raise CannotHold(f"{engine}'s adapters hold no whole layers, and this one brings some (modules_to_save).")
    if asked.get("rank_pattern") or asked.get("alpha_pattern"):
        raise CannotHold(f"{engine}'s adapters have one rank and one alpha; this one has several (rank_pattern).")
    if asked.get("bias", "none") != "none":
        raise CannotHold(f"{engine}'s adapters hold no biases, and this one trained some (bias).")
