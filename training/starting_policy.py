"""The model as it started, to say how far it has come: for any method, without a second model where one can do."""

import contextlib
import copy
from collections.abc import Iterator

import torch
from peft import PeftModel, PrefixTuningConfig
from transformers import PreTrainedModel


class StartingPolicy:
    """Made before the first step and before a checkpoint is loaded.

    New LoRA, QLoRA and adapter layers change nothing at their start, so it is the model without them. A prefix is not
    nothing when it starts, nor is an adapter that another run has trained (`is_new` False): a copy of the trained
    weights is kept. Of a model that is tuned whole, a copy of all of it.
    """

    def __init__(self, model: PreTrainedModel | PeftModel, *, is_new: bool) -> None:
        self._model = model
        self._copy: PreTrainedModel | None = None
        self._kept: dict[str, torch.Tensor] | None = None
        if not isinstance(model, PeftModel):
            self._copy = copy.deepcopy(model).requires_grad_(False).eval()
        elif not is_new or isinstance(model.active_peft_config, PrefixTuningConfig):
            self._kept = {name: weight.detach().clone() for name, weight in self._trained()}

    @property
    def copies(self) -> tuple[PreTrainedModel, ...]:
        """Models that are held besides the one that learns."""
        return (self._copy,) if self._copy is not None else ()

    @contextlib.contextmanager
    def model(self) -> Iterator[PreTrainedModel | PeftModel]:
        """To be asked without gradients."""
        if self._copy is not None:
            yield self._copy
        elif self._kept is not None:
            with self._starting_weights(self._kept):
                yield self._model
        else:
            with self._model.disable_adapter():
                yield self._model

    def _trained(self) -> Iterator[tuple[str, torch.nn.Parameter]]:
        return ((name, weight) for name, weight in self._model.named_parameters() if weight.requires_grad)

    @contextlib.contextmanager
    def _starting_weights(self, start: dict[str, torch.Tensor]) -> Iterator[None]:
        """In other memory: a pass whose gradients are still to be taken holds the learned ones."""
        learned = {name: weight.data for name, weight in self._trained()}
        for name, weight in self._trained():
            weight.data = start[name].to(weight.device)
        try:
            yield
        finally:
            for name, weight in self._trained():
                weight.data = learned[name]
