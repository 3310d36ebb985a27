"""A tokenizer in llama.cpp's words. Prompts reach llama.cpp as tokens, so it only has to turn tokens into text."""

from pathlib import Path
from typing import Any

import gguf

from serving.ends import controls_of, ends_of, object_of
from serving.failures import CannotHold

#: The keys that name ends besides eos; llama.cpp knows no list of them.
FURTHER_ENDS = (gguf.Keys.Tokenizer.EOT_ID, gguf.Keys.Tokenizer.EOM_ID)


def describe_vocabulary(writer: gguf.GGUFWriter, model: Path, size: int) -> None:
    """Raises CannotHold for tokenizers that llama.cpp would turn into other text. `size`: rows of the embedding."""
    tokenizer = object_of(model / "tokenizer.json")
    require_byte_level(tokenizer)
    tokens, types = listed(tokenizer, size)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    merges = tokenizer["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_add_bos_token(False)
    describe_ends(writer, model)


def require_byte_level(tokenizer: dict[str, Any]) -> None:
    kind = str((tokenizer.get("model") or {}).get("type"))
    if kind != "BPE":
        raise CannotHold(f"llama.cpp files are made of byte-level BPE tokenizers only; this one is {kind[:40]}.")
    decoder = tokenizer.get("decoder") or {}
    parts = [decoder, *(decoder.get("decoders") or [])]
    if not any(part.get("type") == "ByteLevel" for part in parts):
        raise CannotHold("llama.cpp files are made of byte-level BPE tokenizers only; this one spells spaces as ▁.")


def listed(tokenizer: dict[str, Any], size: int) -> tuple[list[str], list[int]]:
    """Every token's text and type, by number; numbers that the tokenizer does not use get names of ours."""
    control = set(controls_of(tokenizer).values())
    added = {int(token["id"]): str(token["content"]) for token in tokenizer.get("added_tokens") or []}
    by_id = {int(number): token for token, number in tokenizer["model"]["vocab"].items()} | added
    tokens = [by_id.get(number, f"[unused{number}]") for number in range(size)]

    def kind(number: int) -> gguf.TokenType:
        if number in control:
            return gguf.TokenType.CONTROL
        if number in added:
            return gguf.TokenType.USER_DEFINED  # written as it stands, not byte by byte
        return gguf.TokenType.NORMAL if number in by_id else gguf.TokenType.UNUSED

    return tokens, [int(kind(number)) for number in range(size)]


def describe_ends(writer: gguf.GGUFWriter, model: Path) -> None:
    config = object_of(model / "config.json")
    eos = config.get("eos_token_id")
    first = eos if isinstance(eos, int) else None
    ends = sorted(ends_of(model), key=lambda token: (token != first, token))
    if ends:
        writer.add_eos_token_id(ends[0])
    for key, token in zip(FURTHER_ENDS, ends[1:], strict=False):
        writer.add_uint32(key, token)
    if isinstance(config.get("bos_token_id"), int):
        writer.add_bos_token_id(config["bos_token_id"])
