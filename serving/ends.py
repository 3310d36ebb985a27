"""Which tokens end an answer, the same for every engine: read off the model's folder, without its libraries."""

import json
from pathlib import Path
from typing import Any

#: llama.cpp ends at these control tokens whatever a model's settings say (llama-vocab.cpp); so every engine does.
NAMES = frozenset(
    {"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "<end_of_turn>"}
    | {"<|endoftext|>", "<|end_of_text|>", "<EOT>", "_<EOT>", "<|END_OF_TURN_TOKEN|>", "<｜end▁of▁sentence｜>"}
    | {"<|eom_id|>", "<end_of_utterance>", "</s>"}
)


def ends_of(model: Path) -> frozenset[int]:
    """Every token that the model's own settings, its tokenizer, or llama.cpp's list name as an end."""
    named: set[int] = set()
    for file in ("generation_config.json", "config.json"):
        ids = object_of(model / file).get("eos_token_id")
        named |= {token for token in (ids if isinstance(ids, list) else [ids]) if isinstance(token, int)}
    control = controls_of(object_of(model / "tokenizer.json"))
    said = object_of(model / "tokenizer_config.json").get("eos_token")
    eos = said.get("content") if isinstance(said, dict) else said
    return frozenset(named | {number for token, number in control.items() if token in NAMES or token == eos})


def controls_of(tokenizer: dict[str, Any]) -> dict[str, int]:
    """Tokens that are never text, by name; out of tokenizer.json."""
    added = tokenizer.get("added_tokens") or []
    return {str(token["content"]): int(token["id"]) for token in added if token.get("special")}


def object_of(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
