"""TRL's SFTTrainer with our batches, our evaluation and our checkpoints."""

from typing import Any

import torch
from trl import SFTConfig, SFTTrainer

from storage.spec import RunSpec
from training.batches import TokenBatches
from training.data import MASKED
from training.run_trainer import RunTrainer, settings
from training.workbench import Workbench


class TokenTrainer(RunTrainer, SFTTrainer):
    def __init__(self, *, spec: RunSpec, batches: TokenBatches, bench: Workbench, resumes: bool, **kwargs: Any) -> None:
        evaluates = kwargs.get("eval_dataset") is not None
        args = SFTConfig(**settings(spec, batches, bench, evaluates=evaluates, resumes=resumes))
        super().__init__(spec=spec, batches=batches, bench=bench, args=args, **kwargs)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """The mean over all answer tokens. The Trainer's own, a mean of batch means, changes with the batches."""
        self.model.eval()
        loss_sum = tokens_sum = 0.0
        for inputs, counts in self.held_out_passes([len(ids) for ids in self.eval_dataset["input_ids"]]):
            tokens = (inputs["labels"][:, 1:] != MASKED).sum().item() if counts else 0
            with torch.no_grad():
                loss_sum += self.compute_loss(self.model, inputs).item() * tokens
            tokens_sum += tokens
        loss_sum, tokens_sum = self._bench.group.sum(loss_sum, tokens_sum)
        return self.tell_evaluation({"eval_loss": loss_sum / tokens_sum})
