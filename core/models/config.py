"""A model's `config.json`, read as what it is: a stranger's file. Nothing of it is run, and its numbers have bounds."""

import json
import re
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.models.repository import CONFIG, LARGEST_CONFIG

TOKENIZER_CONFIG = "tokenizer_config.json"
DEEPEST = 20
#: Numbers in a model's shape, and the most that any model of this decade may have.
_MOST = {
    "num_hidden_layers": 1_000,
    "n_layer": 1_000,
    "num_layers": 1_000,
    "hidden_size": 131_072,
    "n_embd": 131_072,
    "intermediate_size": 1_048_576,
    "num_attention_heads": 1_024,
    "num_key_value_heads": 1_024,
    "head_dim": 8_192,
    "vocab_size": 8_388_608,
    "num_experts": 4_096,
    "num_local_experts": 4_096,
    "n_routed_experts": 4_096,
    "max_position_embeddings": 1_073_741_824,
}
_MODEL_TYPE = re.compile(r"[\w\-.]{1,64}", re.ASCII)


def read_strictly(path: Path, limit_bytes: int = LARGEST_CONFIG) -> dict[str, Any]:
    """The JSON object in a stranger's file. Raises BadInput where it is too large, or none."""
    try:
        with path.open("rb") as file:
            data = file.read(limit_bytes + 1)
        found = json.loads(data) if len(data) <= limit_bytes else None
    except FileNotFoundError:
        raise BadInput("{name} is missing. Choose a whole model.", name=path.name) from None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadInput(
            "{name} is not a JSON object of at most {limit} MB, so it is not read. Choose another model.",
            name=path.name,
            limit=limit_bytes // 1024**2,
        )
    return found


def require_harmless(folder: Path, name: str) -> str:
    """Refuse what would run a stranger's code, or could not be calculated with; the model's type. Raises BadInput."""
    config = read_strictly(folder / CONFIG)
    files = {CONFIG: config}
    if (folder / TOKENIZER_CONFIG).exists():
        files[TOKENIZER_CONFIG] = read_strictly(folder / TOKENIZER_CONFIG, 16 * LARGEST_CONFIG)
    for file, content in files.items():
        if found := _code(content):
            raise BadInput(
                "{name} is refused: “{found}” in its {file} makes transformers run code that came with the "
                "model, and Tunesmith never does. Choose a model that transformers knows by itself.",
                name=name,
                found=found,
                file=file,
            )
    if "quantization_config" in config:
        raise BadInput(
            "{name} is stored quantised, which can neither be trained nor merged exactly. Choose the original; "
            "QLoRA quantises it when it is loaded.",
            name=name,
        )
    _require_bounds(config, name)
    kind = config.get("model_type")
    if not isinstance(kind, str) or not _MODEL_TYPE.fullmatch(kind):
        raise BadInput(
            "{name} is refused: its {config} does not say what type of model it is. Choose another.",
            name=name,
            config=CONFIG,
        )
    return kind


def _code(content: object, depth: int = 0) -> str:
    """The first key that leads to code outside of transformers; empty where none does.

    `_attn_implementation` may name a kernel of the hub, which is code too (CVE-2026-4372).
    """
    if depth > DEEPEST:
        return "too deep"
    if isinstance(content, list):
        return next((found for entry in content if (found := _code(entry, depth + 1))), "")
    if not isinstance(content, dict):
        return ""
    for key, value in content.items():
        low = str(key).lower()
        if low in ("auto_map", "custom_pipelines", "trust_remote_code") and value:
            return str(key)[:60]
        if low.endswith("_implementation_internal") or (
            isinstance(value, str) and ("_implementation" in low or "kernel" in low) and ("/" in value or ":" in value)
        ):
            return str(key)[:60]
        if found := _code(value, depth + 1):
            return found
    return ""


def _require_bounds(content: object, name: str, depth: int = 0) -> None:
    if isinstance(content, list):
        for entry in content:
            _require_bounds(entry, name, depth + 1)
    if not isinstance(content, dict):
        return
    for key, value in content.items():
        most = _MOST.get(key)
        if most is not None and value is not None and (type(value) is not int or not 0 <= value <= most):
            raise BadInput(
                "{name} is refused: {key} is {value} in its {config}, and 0 to {most:,} make sense. Choose "
                "another model.",
                name=name,
                key=key,
                value=str(value)[:40],
                config=CONFIG,
                most=most,
            )
        _require_bounds(value, name, depth + 1)
