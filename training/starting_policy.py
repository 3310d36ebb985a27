"""The model as it started, to say how far it has come: for any method, without a second model where one can do."""

import contextlib
import copy
from collections.abc import Iterator

import torch
from peft import PeftModel, PrefixTuningConfig
from transformers import PreTrainedModel


class StartingPolicy:
    """Made before the first step and before a checkpoint is loaded.

    LoRA, QLoRA and adapter layers change nothing at their start, so it is the model without them. A prefix is not
    nothing when it starts: a copy of it is kept. Of a model that is tuned whole, a copy of all of it.
    """

    def __init__(self, model: PreTrainedModel | PeftModel) -> None:
        self._model = model
        self._copy: PreTrainedModel | None = None
        self._prefix: dict[str, torch.Tensor] | None = None
        if not isinstance(model, PeftModel):
            self._copy = copy.deepcopy(model).requires_grad_(False).eval()
        elif isinstance(model.active_peft_config, PrefixTuningConfig):
            encoder = model.prompt_encoder[model.active_adapter]
            self._prefix = {name: value.detach().clone() for name, value in encoder.state_dict().items()}

    @property
    def copies(self) -> tuple[PreTrainedModel, ...]:
        """Models that are held besides the one that learns."""
        return (self._copy,) if self._copy is not None else ()

    @contextlib.contextmanager
    def model(self) -> Iterator[PreTrainedModel | PeftModel]:
        """To be asked without gradients."""
        if self._copy is not None:
            yield self._copy
        elif self._prefix is not None:
            with self._starting_prefix(self._prefix):
                yield self._model
        else:
            with self._model.disable_adapter():
                yield self._model

    @contextlib.contextmanager
    def _starting_prefix(self, start: dict[str, torch.Tensor]) -> Iterator[None]:
        encoder = self._model.prompt_encoder[self._model.active_adapter]
        learned = {name: value.detach().clone() for name, value in encoder.state_dict().items()}
        encoder.load_state_dict(start)
        try:
            yield
        finally:
            encoder.load_state_dict(learned)
