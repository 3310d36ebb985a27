"""Which files of somebody's repository (or folder) make a model, and why some repositories have none to offer.

Safetensors only: a pickle runs whatever code its author put in, as soon as it is read.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from core.errors import BadInput

CONFIG, INDEX, SINGLE = "config.json", "model.safetensors.index.json", "model.safetensors"
ADAPTER_CONFIG, ADAPTER = "adapter_config.json", "adapter_model.safetensors"
#: More is no configuration. Also how much of a hostile one is ever parsed.
LARGEST_CONFIG = 1024**2
LARGEST_TEXT = 64 * 1024**2
MOST_SHARDS = 500

_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
#: Beside the weights: name → the most bytes that are taken.
_TEXTS = {
    CONFIG: LARGEST_CONFIG,
    "generation_config.json": LARGEST_CONFIG,
    INDEX: LARGEST_TEXT,
    "tokenizer.json": LARGEST_TEXT,
    "tokenizer_config.json": 16 * LARGEST_CONFIG,
    "special_tokens_map.json": LARGEST_CONFIG,
    "added_tokens.json": LARGEST_CONFIG,
    "vocab.json": LARGEST_TEXT,
    "vocab.txt": LARGEST_TEXT,
    "merges.txt": LARGEST_TEXT,
    "tokenizer.model": LARGEST_TEXT,
    "spiece.model": LARGEST_TEXT,
    "chat_template.jinja": LARGEST_CONFIG,
    "chat_template.json": LARGEST_CONFIG,
    "README.md": LARGEST_CONFIG,
}
_LICENCE = re.compile(r"(?:licen[cs]e|notice|use_policy|usage_policy)(?:\.\w{1,5})?", re.IGNORECASE)
#: Nothing is lost without them.
_OPTIONAL = re.compile(r"(?:README|licen[cs]e|notice|use_policy|usage_policy).*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """`sha256`: as the repository tells it, where it does."""

    path: str
    bytes: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is needed of a repository: first the texts, which can refuse the weights."""

    texts: tuple[RepositoryFile, ...]
    weights: tuple[RepositoryFile, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in (*self.texts, *self.weights))


def choose(files: Iterable[RepositoryFile], name: str) -> Choice:
    """Raises BadInput with the reason where there is no model in it that is safe to read."""
    there = {file.path: file for file in files}
    if CONFIG not in there:
        raise BadInput(_without_config(name, there))
    weights = _weights(there)
    if not weights:
        raise BadInput(_without_weights(name, there))
    if len(weights) > MOST_SHARDS:
        raise BadInput(
            "{name} comes in {count:,} files; at most {most} are taken. Choose another.",
            name=name,
            count=len(weights),
            most=MOST_SHARDS,
        )
    texts = [file for path, file in sorted(there.items()) if path in _TEXTS or _LICENCE.fullmatch(path)]
    for file in texts:
        most = _TEXTS.get(file.path, LARGEST_CONFIG)
        if file.bytes > most and not _OPTIONAL.fullmatch(file.path):
            raise BadInput(
                "{name} is refused: its {path} has {size:,.0f} MB, and at most {most:,.0f} MB are read. Choose "
                "another model.",
                name=name,
                path=file.path,
                size=file.bytes / 1024**2,
                most=most / 1024**2,
            )
    kept = tuple(file for file in texts if file.bytes <= _TEXTS.get(file.path, LARGEST_CONFIG))
    if SINGLE in there:
        kept = tuple(file for file in kept if file.path != INDEX)
    return Choice(kept, weights)


def _weights(there: dict[str, RepositoryFile]) -> tuple[RepositoryFile, ...]:
    if SINGLE in there:
        return (there[SINGLE],)
    if INDEX not in there:
        return ()
    return tuple(file for path, file in sorted(there.items()) if _SHARD.fullmatch(path))


def require_shards(index: dict[str, object], weights: Sequence[RepositoryFile], name: str) -> None:
    """The index names exactly the files that are taken. Raises BadInput."""
    mapped = index.get("weight_map")
    named = set(mapped.values()) if isinstance(mapped, dict) else set()
    if not named or named != {file.path for file in weights}:
        raise BadInput(
            "{name} is refused: its {index} does not name the weight files that are there. Choose another model, "
            "or another revision of it.",
            name=name,
            index=INDEX,
        )


def _without_config(name: str, there: dict[str, RepositoryFile]) -> str:
    if ADAPTER_CONFIG in there:
        return (
            f"{name} is an adapter, not a model. Get the model that its {ADAPTER_CONFIG} names first, then add the "
            "adapter's folder: tunesmith models add FOLDER."
        )
    return f"{name} has no {CONFIG} at its top, so it is not a language model as transformers keeps it. Choose another."


def _without_weights(name: str, there: dict[str, RepositoryFile]) -> str:
    if any(path.endswith(_PICKLES) for path in there):
        return (
            f"{name} keeps its weights as a pickle only (.bin, .pt), which runs its author's code when it is read. "
            "Tunesmith reads safetensors only: choose a model that has them, or a revision of this one that does."
        )
    if any(path.endswith(".gguf") for path in there):
        return (
            f"{name} keeps its weights as GGUF, which is made for answering and cannot be trained. Choose the model it "
            "was made from, with safetensors."
        )
    return f"{name} has no {SINGLE} and no {INDEX}, so there are no weights that can be read. Choose another model."
