"""Bottleneck adapter layers as a PEFT method, registered through PEFT's own plug-in point.

PEFT has some forty methods, but not the original adapters (Houlsby et al. 2019, arXiv:1902.00751; Pfeiffer et al. 2020,
arXiv:2005.00247). Whoever imports this module can save, load, switch and disable them like any other PEFT adapter.
They are not linear, so they cannot be merged into the weights, and GGUF and vLLM cannot hold them.
"""

import re
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from peft import PeftConfig
from peft.tuners.tuners_utils import BaseTuner, BaseTunerLayer
from peft.utils import PeftType, register_peft_method
from torch import nn
from transformers.activations import ACT2FN

NAME = "bottleneck"

#: The projections that write into the residual stream, after attention and after the MLP.
ATTENTION_OUTPUT = r"(?:self_attn|self_attention|attention|attn)\.(?:o_proj|out_proj|c_proj|dense)"
MLP_OUTPUT = r"(?:mlp|feed_forward|ffn|block_sparse_moe)\.(?:down_proj|fc2|c_proj|w2|dense_4h_to_h|dense_2)|fc2"


@dataclass
class BottleneckConfig(PeftConfig):
    """`size`: width of the bottleneck; `target_modules`: pattern of the modules that an adapter follows."""

    size: int = field(default=64)
    activation: str = field(default="gelu")
    target_modules: str | None = field(default=None)
    exclude_modules: str | None = field(default=None)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.peft_type = peft_type()


class BottleneckLayer(nn.Module, BaseTunerLayer):
    """y + up(activation(down(y))) behind a frozen module. `up` begins at zero, so a new adapter changes nothing."""

    adapter_layer_names = ("bottleneck_down", "bottleneck_up")

    def __init__(self, base_layer: nn.Module, adapter_name: str, config: BottleneckConfig) -> None:
        super().__init__()
        self.base_layer = base_layer
        self.bottleneck_down = nn.ModuleDict()
        self.bottleneck_up = nn.ModuleDict()
        self._activations: dict[str, nn.Module] = {}
        self._disable_adapters = False
        self.cast_input_dtype_enabled = True
        self.merged_adapters: list[str] = []
        self._active_adapter = adapter_name
        self.update_layer(adapter_name, config)

    def update_layer(self, adapter_name: str, config: BottleneckConfig) -> None:
        width = output_width(self.get_base_layer())
        self.bottleneck_down[adapter_name] = down = nn.Linear(width, config.size)
        self.bottleneck_up[adapter_name] = up = nn.Linear(config.size, width)
        nn.init.normal_(down.weight, std=0.01)  # near the identity, as in Houlsby et al., section 2.1
        nn.init.zeros_(down.bias)
        nn.init.zeros_(up.weight)
        nn.init.zeros_(up.bias)
        self._activations[adapter_name] = ACT2FN[config.activation]
        self._move_adapter_to_device_of_base_layer(adapter_name)
        self.set_adapter(self.active_adapters, inference_mode=config.inference_mode)

    def forward(self, x: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
        y: torch.Tensor = self.base_layer(x, *args, **kwargs)
        if self.disable_adapters:
            return y
        for name in self.active_adapters:
            if name in self.bottleneck_down:
                down, up = self.bottleneck_down[name], self.bottleneck_up[name]
                narrow = self._activations[name](down(self._cast_input_dtype(y, down.weight.dtype)))
                y = y + up(narrow).to(y.dtype)
        return y

    def merge(self, safe_merge: bool = False, adapter_names: list[str] | None = None) -> None:
        raise NotImplementedError("Adapter layers are not linear, so they cannot be merged into the weights.")

    def unmerge(self) -> None:
        raise NotImplementedError("Adapter layers are never merged.")


class BottleneckModel(BaseTuner):
    """A frozen model with an adapter behind every module that `target_modules` matches."""

    prefix = f"{NAME}_"
    tuner_layer_cls = BottleneckLayer
    target_module_mapping: ClassVar[dict[str, Any]] = {}

    @staticmethod
    def _prepare_adapter_config(peft_config: BottleneckConfig, model_config: dict[str, Any]) -> BottleneckConfig:
        if not peft_config.target_modules:
            peft_config.target_modules = targets("houlsby")
        return peft_config

    def _create_and_replace(
        self,
        peft_config: BottleneckConfig,
        adapter_name: str,
        target: nn.Module,
        target_name: str,
        parent: nn.Module,
        current_key: str,
        **_: Any,
    ) -> None:
        if isinstance(target, BottleneckLayer):
            target.update_layer(adapter_name, peft_config)
            return
        layer = BottleneckLayer(target, adapter_name, peft_config)
        if adapter_name not in self.active_adapters:
            layer.requires_grad_(False)
        self._replace_module(parent, target_name, layer, target)


def targets(placement: str) -> str:
    """The pattern of the places of a `placement` (houlsby: after attention and MLP; pfeiffer: after the MLP)."""
    places = MLP_OUTPUT if placement == "pfeiffer" else f"{ATTENTION_OUTPUT}|{MLP_OUTPUT}"
    return rf".*\.(?:{places})"


def places(model: nn.Module, placement: str) -> list[str]:
    """The modules of this model that an adapter would follow."""
    pattern = re.compile(targets(placement))
    return [name for name, _ in model.named_modules() if pattern.fullmatch(name)]


def output_width(module: nn.Module) -> int:
    """Features that a projection writes: nn.Linear and its quantised kin say it, GPT-2's Conv1D calls it `nf`."""
    width = getattr(module, "out_features", None) or getattr(module, "nf", None)
    if width is None:
        raise TypeError(f"A {type(module).__name__} does not say how wide its output is.")
    return int(width)


def peft_type() -> Any:
    """PEFT's enum of methods is closed: a member for ours is added at run time, once a process."""
    if NAME.upper() not in PeftType.__members__:
        member = str.__new__(PeftType, NAME.upper())
        member._name_, member._value_ = NAME.upper(), NAME.upper()
        PeftType._member_map_[NAME.upper()] = member
        PeftType._value2member_map_[NAME.upper()] = member
        PeftType._member_names_.append(NAME.upper())
    return PeftType[NAME.upper()]


def register() -> None:
    """Make PEFT know the method; a second call does nothing."""
    from peft.mapping import PEFT_TYPE_TO_CONFIG_MAPPING

    if peft_type() not in PEFT_TYPE_TO_CONFIG_MAPPING:
        register_peft_method(name=NAME, config_cls=BottleneckConfig, model_cls=BottleneckModel)


register()
