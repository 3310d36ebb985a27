"""Adapters that people bring: LoRA as PEFT saves it, laid against a base model of the library, and kept.

adapters/<id>/           sealed: adapter_model.safetensors, adapter_config.json (written anew), README.md, adapter.json
adapters/<id>.tags.json  what people call it
"""

import logging
import math
import re
import secrets
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.errors import BadInput, Conflict, NotFound
from core.home import Home
from core.models.admission import slug
from core.models.config import read_strictly
from core.models.library import Models
from core.models.repository import ADAPTER, ADAPTER_CONFIG, LARGEST_CONFIG
from core.models.tensors import Tensor, tensors_in
from core.people import Actor
from core.trash import Trash
from storage import manifest
from storage.files import fsync_path, read_json, write_json
from storage.methods import Lora, Record
from storage.spec import ModelRef

log = logging.getLogger(__name__)

ABOUT, CARD = "adapter.json", "README.md"
LONGEST_NAME = 80
_TENSOR = re.compile(r"base_model\.model\.(?P<module>[\w.]{1,200})\.lora_(?P<part>A|B|magnitude_vector)(?:\.weight)?")
#: What changes the calculation in a way that is not supported here, or makes PEFT import something.
_MUST_BE_EMPTY = (
    "modules_to_save", "rank_pattern", "alpha_pattern", "layers_to_transform", "layer_replication", "megatron_config",
    "auto_mapping", "trainable_token_indices", "target_parameters", "exclude_modules", "corda_config", "eva_config",
    "loftq_config", "lora_bias", "alora_invocation_tokens", "arrow_config", "use_qalora",
)  # fmt: skip


class Adapter(Record):
    """`adapter.json`: what is known of one that was brought. `base_revision`: what it was laid against."""

    id: str
    name: str
    method: Lora
    base_id: str
    base_name: str
    base_revision: str
    created_at: datetime
    created_by_name: str
    created_by_email: str


class Adapters:
    """All methods may block: not for the event loop."""

    def __init__(self, home: Home, models: Models) -> None:
        self._home = home
        self._models = models
        self._trash = Trash(home)
        #: Asked before one is deleted: its id → who needs it, as a sentence; empty where nobody does.
        self.objections: list[Callable[[str], str]] = []

    def all(self) -> list[Adapter]:
        """The newest first."""
        found = (brought_adapter(path) for path in self._home.adapters.glob("[!.]*/"))
        return sorted((adapter for adapter in found if adapter), key=lambda one: one.created_at, reverse=True)

    def get(self, adapter_id: str) -> Adapter:
        found = brought_adapter(self._home.adapters / adapter_id) if "/" not in adapter_id else None
        if found is None:
            raise NotFound(
                "There is no adapter “{adapter_id}” here. See them on the models page.", adapter_id=adapter_id[:80]
            )
        return found

    def folder(self, adapter_id: str) -> Path:
        return self._home.adapters / self.get(adapter_id).id

    def add(self, folder: Path, *, actor: Actor, name: str = "", base: str = "") -> Adapter:
        """`base`: a model's id, where the adapter does not name one of the library. Raises StudioError."""
        config = read_strictly(folder / ADAPTER_CONFIG, LARGEST_CONFIG)
        method = method_of(config)
        model = self._base(base or str(config.get("base_model_name_or_path") or ""))
        if not (folder / ADAPTER).is_file():
            raise BadInput(
                "There is no {adapter}: adapters are taken as safetensors only. Save it so and add it again.",
                adapter=ADAPTER,
            )
        self._home.require_free((folder / ADAPTER).stat().st_size, "This adapter")
        tensors = tensors_in(folder / ADAPTER)
        targets = require_fit(tensors, weights_of(model), method.rank, model.name)
        adapter = Adapter(
            id=f"ad-{slug(name or folder.name).replace('.', '-')[:40].strip('-')}-{secrets.token_hex(3)}",
            name=(name or folder.name)[:LONGEST_NAME],
            method=method.model_copy(update={"targets": ",".join(targets)}),
            base_id=model.id,
            base_name=model.name,
            base_revision=model.revision,
            created_at=datetime.now(UTC),
            created_by_name=actor.name,
            created_by_email=actor.email,
        )
        self._keep(folder, adapter)
        return adapter

    def remove(self, adapter_id: str, *, actor: Actor) -> Adapter:
        """Into the trash. Runs that began with it have files of their own. Raises Conflict while it is deployed."""
        adapter = self.get(adapter_id)
        if said := next(filter(None, (objection(adapter.id) for objection in self.objections)), ""):
            raise Conflict(said)
        self._trash.take(self._home.adapters / adapter.id, called=f"adapter-{adapter.id}")
        log.info("%s deleted the adapter %s.", actor.email, adapter.id)
        return adapter

    def _keep(self, folder: Path, adapter: Adapter) -> None:
        final = self._home.adapters / adapter.id
        partial = self._home.adapters / f".{adapter.id}{manifest.PARTIAL}"
        partial.mkdir(parents=True)
        try:
            shutil.copyfile(folder / ADAPTER, partial / ADAPTER)
            if (folder / CARD).is_file() and (folder / CARD).stat().st_size <= LARGEST_CONFIG:
                shutil.copyfile(folder / CARD, partial / CARD)
            write_json(partial / ADAPTER_CONFIG, config_of(adapter.method, adapter.base_id))
            write_json(partial / ABOUT, adapter.model_dump(mode="json"))
            manifest.seal(partial, final)
            fsync_path(self._home.adapters)
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def _base(self, named: str) -> ModelRef:
        if not named:
            raise BadInput("The adapter's {file} names no base model. Choose it from the library.", file=ADAPTER_CONFIG)
        try:
            return self._models.get(named)
        except NotFound:
            raise BadInput(
                "The adapter was made for {named}, which is not in the library. Fetch that model first, or "
                "choose the base model yourself.",
                named=named[:200],
            ) from None


def brought_adapter(folder: Path) -> Adapter | None:
    """What is known of the one in this folder; None where there is none."""
    if not manifest.is_sealed(folder):
        return None
    try:
        return Adapter.model_validate(read_json(folder / ABOUT))
    except ValidationError:
        return None


def method_of(config: Mapping[str, Any]) -> Lora:
    """PEFT's own words as our method. Raises BadInput for what would be calculated in another way here."""
    kind = config.get("peft_type")
    if kind != "LORA":
        raise BadInput(
            "This adapter is of the type {kind}; LoRA is what can be brought. Merge it elsewhere.", kind=str(kind)[:40]
        )
    if strange := next((field for field in _MUST_BE_EMPTY if config.get(field)), ""):
        raise BadInput(
            "This adapter uses {strange}, which is not supported here. Bring a plain LoRA, or a whole model.",
            strange=strange,
        )
    if config.get("bias", "none") != "none":
        raise BadInput("This adapter trains biases, which is not supported here. Bring a plain LoRA, or a whole model.")
    alpha = config.get("lora_alpha", 8)
    if not isinstance(alpha, int | float) or not math.isfinite(alpha) or alpha != int(alpha):
        raise BadInput("lora_alpha is {alpha}, and a whole number is expected.", alpha=str(alpha)[:40])
    try:
        return Lora.model_validate(
            {
                "rank": config.get("r", 8),
                "alpha": int(alpha),
                "dropout": min(max(float(config.get("lora_dropout") or 0), 0), 0.9),
                "rslora": config.get("use_rslora") is True,
                "dora": config.get("use_dora") is True,
            }
        )
    except (ValidationError, TypeError, ValueError) as error:
        raise BadInput(
            "{file} has figures that no LoRA has: {error}", file=ADAPTER_CONFIG, error=str(error)[:200]
        ) from error


def config_of(method: Lora, base: str) -> dict[str, Any]:
    """As PEFT reads it, with the fields that we know and no other: the rest of a stranger's file may name code."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": method.rank,
        "lora_alpha": method.alpha,
        "lora_dropout": method.dropout,
        "target_modules": method.targets.split(","),
        "use_rslora": method.rslora,
        "use_dora": method.dora,
        "bias": "none",
        "inference_mode": True,
    }


def weights_of(model: ModelRef) -> dict[str, Tensor]:
    """Of a base model, by name."""
    found: dict[str, Tensor] = {}
    for path in sorted(Path(model.path).glob("*.safetensors")):
        found |= tensors_in(path)
    return found


def require_fit(tensors: Mapping[str, Tensor], weights: Mapping[str, Tensor], rank: int, base: str) -> list[str]:
    """The names of the layers that it changes. Raises BadInput where names or shapes are not the base's."""
    parts: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        found = _TENSOR.fullmatch(name)
        if not found:
            raise BadInput("“{name}” is no tensor of a LoRA. Bring an adapter as PEFT saves it.", name=name[:120])
        parts.setdefault(found["module"], {})[found["part"]] = tensor
    if not parts:
        raise BadInput("{adapter} is empty. Bring an adapter as PEFT saves it.", adapter=ADAPTER)
    for module, both in parts.items():
        # Some families' files leave out the first part of a name.
        weight = weights.get(f"{module}.weight") or weights.get(f"{module.partition('.')[2]}.weight")
        if weight is None or len(weight.shape) != 2:
            raise BadInput(
                "The adapter changes {module}, and {base} has no such layer. Choose the base that it is for.",
                module=module,
                base=base,
            )
        a, b = both.get("A"), both.get("B")
        if a is None or b is None or a.shape[:1] != (rank,) or b.shape[1:] != (rank,):
            raise BadInput(
                "The adapter's matrices for {module} are not of rank {rank}. Save it again.", module=module, rank=rank
            )
        if len(a.shape) != 2 or len(b.shape) != 2 or {a.shape[1], b.shape[0]} != set(weight.shape):
            shapes = f"{b.shape[0]} x {a.shape[-1]}" if b.shape else "none"
            raise BadInput(
                "The adapter changes {module} as {shapes}, and in {base} it is {rows} x {columns}. Choose the "
                "base that it is for.",
                module=module,
                shapes=shapes,
                base=base,
                rows=weight.shape[0],
                columns=weight.shape[1],
            )
    return sorted({module.rpartition(".")[2] for module in parts})
