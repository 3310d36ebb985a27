"""The library of base models on this machine: sealed folders of the model store."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import learning_rates
from core.errors import NotFound
from core.home import Home
from core.models.starter import STARTER_ID, Starter
from storage import manifest
from storage.files import read_json
from storage.spec import ModelRef, Objective


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """A model as the library shows it."""

    id: str
    name: str
    provider: str
    public_id: str
    licence: str
    parameters: int
    context_length: int
    ready: bool
    is_starter: bool
    bytes: int = 0
    revision: str = ""
    model_type: str = ""
    #: hub, cache, folder or upload; empty for the starter.
    source: str = ""
    added_at: float = 0.0
    #: What this model learns well at, where that is known; small models want larger steps.
    suggested_learning_rate: float | None = None


_STARTER = ModelInfo(
    id=STARTER_ID,
    name="SmolLM2-135M-Instruct",
    provider="HuggingFaceTB",
    public_id="HuggingFaceTB/SmolLM2-135M-Instruct",
    licence="apache-2.0",
    parameters=134_515_008,
    context_length=8192,
    ready=False,
    is_starter=True,
    suggested_learning_rate=1e-3,
)


class Models:
    """Reads the model store; a folder without a sealed manifest is not a model."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self.starter = Starter(home)

    def all(self) -> list[ModelInfo]:
        found = [info for folder in sorted(self._home.models.glob("[!.]*")) if (info := self._read(folder))]
        has_starter = any(info.is_starter for info in found)
        return found if has_starter else [_STARTER, *found]

    def get(self, model_id: str) -> ModelRef:
        """The model, pinned. Raises NotFound naming what there is."""
        known = {info.id: info for info in self.all()}
        info = known.get(model_id) or next((i for i in known.values() if i.public_id == model_id), None)
        if info is None:
            raise NotFound(
                "There is no model “{model_id}” on this machine. Available: {known}.",
                model_id=model_id,
                known=", ".join(known),
            )
        if not info.ready:
            raise NotFound(
                "The model {name} is not ready yet: {state}.",
                name=info.name,
                state=self.starter.state().detail or "it is being made",
            )
        folder = self._home.models / info.id
        details = read_json(folder / "model.json") or {}
        return ModelRef(
            id=info.id,
            name=info.name,
            path=str(folder),
            revision=str(details.get("revision", "")),
            context_length=info.context_length,
            parameters=info.parameters,
            hidden_size=int(details.get("hidden_size", 0)),
            layers=int(details.get("layers", 0)),
            **_sizes(folder),
        )

    def suggested(self, model_id: str, objective: Objective, method: str) -> dict[str, float]:
        """Hyperparameters to begin with for this model and method, where they differ from the spec's defaults."""
        info = next((info for info in self.all() if info.id == model_id), None)
        parameters, known = (info.parameters, info.suggested_learning_rate) if info else (0, None)
        return {"learning_rate": learning_rates.suggested(objective, method, parameters, known)}

    def _read(self, folder: Path) -> ModelInfo | None:
        details = read_json(folder / "model.json")
        if details is None or folder.name.endswith(manifest.PARTIAL) or not manifest.is_sealed(folder):
            return None
        return ModelInfo(
            id=folder.name,
            name=str(details["name"]),
            provider=str(details["provider"]),
            public_id=str(details["public_id"]),
            licence=str(details["licence"]),
            parameters=int(details["parameters"]),
            context_length=int(details["context_length"]),
            ready=True,
            is_starter=folder.name == STARTER_ID,
            bytes=manifest.size(folder),
            revision=str(details.get("revision", "")),
            model_type=str(details.get("model_type", "")),
            source=str(details.get("source", "")),
            added_at=(folder / manifest.NAME).stat().st_mtime,
            suggested_learning_rate=details.get("suggested_learning_rate"),
        )


#: Field of ModelRef → its name in a model's `config.json`.
_SIZES = {
    "intermediate_size": "intermediate_size",
    "attention_heads": "num_attention_heads",
    "key_value_heads": "num_key_value_heads",
    "head_size": "head_dim",
    "vocabulary": "vocab_size",
}


def _sizes(folder: Path) -> dict[str, Any]:
    """What estimates want to know beyond the store's own description; what the file does not say stays away.

    A model of text and images keeps them in a part of its configuration.
    """
    config = read_json(folder / "config.json") or {}
    inner = config.get("text_config")
    config = inner if isinstance(inner, dict) else config
    found: dict[str, Any] = {
        field: value for field, name in _SIZES.items() if type(value := config.get(name)) is int and value > 0
    }
    return found | {"tied_embeddings": config.get("tie_word_embeddings", True) is not False}
