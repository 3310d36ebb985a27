"""TRL's DPOTrainer with our tokens, our batches, our evaluation, our checkpoints, and a reference kept on disk."""

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from peft import PeftModel
from torch import Tensor
from trl import DPOConfig, DPOTrainer

from storage.events import Phase
from storage.objectives import Dpo
from storage.spec import RunSpec
from training.batches import TokenBatches, fill
from training.run_trainer import RunTrainer, settings
from training.workbench import Workbench

SIDES = ("chosen", "rejected")


def preference_settings(asked: Dpo, *, has_adapter: bool) -> dict[str, Any]:
    """What we ask of TRL beside the common settings."""
    return {
        "beta": asked.beta,
        "loss_type": [asked.loss, *(["sft"] if asked.sft_weight else [])],
        "loss_weights": [1.0, *([asked.sft_weight] if asked.sft_weight else [])],
        "label_smoothing": asked.label_smoothing,
        "neftune_noise_alpha": None,  # noise would be measured as a change from the reference
        # Without it, TRL would load a second model to compare a fully tuned one with.
        "precompute_ref_log_probs": not has_adapter,
    }


class PreferenceTrainer(RunTrainer, DPOTrainer):
    """`data_collator` is a PairCollator; call `starting_logps` before `train`, and give it to the collator."""

    loss_is_scaled_for_ga = True

    def __init__(self, *, spec: RunSpec, batches: TokenBatches, bench: Workbench, resumes: bool, **kwargs: Any) -> None:
        has_adapter = isinstance(kwargs["model"], PeftModel)
        evaluates = kwargs.get("eval_dataset") is not None
        asked = settings(spec, batches, bench, evaluates=evaluates, resumes=resumes)
        args = DPOConfig(**{**asked, **preference_settings(spec.dpo, has_adapter=has_adapter)})
        #: How many pairs each pass had of which TRL has measured the means.
        self._pairs: dict[str, list[int]] = {"train": [], "eval": []}
        super().__init__(spec=spec, batches=batches, bench=bench, args=args, **kwargs)
        self.precompute_ref_logps = True
        if has_adapter:
            self.model.delete_adapter("ref")  # TRL's own reference: a copy of the adapter

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset  # these are tokens already

    def _precompute_ref_logps(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset  # the collator knows them

    def starting_logps(self) -> np.ndarray:
        """(pairs, 2) for the training pairs and the held-out ones, under the model as it is before `train`.

        The held-out ones in the passes in which they are evaluated: in bfloat16, others would give other last digits.
        """
        passes = [each for pairs in (self.train_dataset, self.eval_dataset) for each in self._passes_over(pairs)]
        found = np.zeros((sum(map(len, passes)), 2))
        self.model.eval()
        for done, pairs in enumerate(passes):
            if done % self._bench.rank.size == self._bench.rank.number:
                found[[pair["number"] for pair in pairs]] = self._logps(pairs)
            detail = "What the model thinks of the answers before it learns"
            self._bench.progress(Phase(name="loading", detail=detail, done=done + 1, total=len(passes)))
        return np.array(self._bench.group.sum(*found.ravel())).reshape(found.shape)

    def _passes_over(self, pairs: Dataset | None) -> Iterator[list[dict[str, Any]]]:
        widths = [width_of(pair) for pair in pairs or ()]
        for rows in fill(range(len(widths)), widths, self._spec.compute.micro_batch_tokens):
            yield [pairs[row] for row in rows]

    def _logps(self, pairs: list[dict[str, Any]]) -> np.ndarray:
        inputs = self._prepare_inputs(self.data_collator(pairs))
        labels = inputs["input_ids"].masked_fill(inputs["completion_mask"] == 0, -100)
        with torch.no_grad(), self.accelerator.autocast():
            outputs = self.model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                labels=labels,
                use_cache=False,
                fused_lm_head=True,
            )
        # A prefix stands before the tokens in the output, too.
        logps = outputs.log_probs[:, 1 - labels.shape[1] :].sum(dim=1)
        return torch.stack(logps.chunk(2), dim=1).float().cpu().numpy()

    def get_batch_samples(self, *args: Any) -> tuple[list[dict[str, Any]], float]:
        """With the number of pairs in the whole step: each counts the same, however the passes divide them."""
        samples, _ = super().get_batch_samples(*args)
        return samples, self._bench.group.sum(sum(pairs_in(inputs) for inputs in samples))[0]

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: float | None = None,
    ) -> Tensor:
        """The pass's mean, or in training its share of the step's, by its pairs; the SFT term's tokens follow them."""
        self._pairs["train" if self.model.training else "eval"].append(pairs_in(inputs))
        with measuring_alone(self.accelerator):
            loss = super().compute_loss(model, inputs)
        if num_items_in_batch is None:
            return loss
        # Gradients are averaged over the processes, so each process's part counts as many times more.
        return loss * (pairs_in(inputs) * self._bench.rank.size / num_items_in_batch)

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Means over the held-out pairs, and of how many of them the model finds the chosen answer likelier."""
        self.model.eval()
        loss_sum = preferred = counted = 0.0
        for inputs, counts in self.held_out_passes([width_of(pair) for pair in self.eval_dataset]):
            listening = Listening(self.model)
            with torch.no_grad():
                loss = self.compute_loss(listening, inputs).item()
            pairs = self._pairs["eval"][-1] = pairs_in(inputs) if counts else 0
            loss_sum += loss * pairs
            preferred += prefers_chosen(listening.outputs, inputs) if counts else 0
            counted += pairs
        loss_sum, preferred, counted = self._bench.group.sum(loss_sum, preferred, counted)
        return self.tell_evaluation({"eval_loss": loss_sum / counted, "eval_preferred": preferred / counted})

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Means over all pairs of the step. TRL's own are means of the passes' means, and one process's passes."""
        mode = "train" if self.model.training else "eval"
        pairs, self._pairs[mode] = self._pairs[mode], []
        if pairs:
            measured = self._metrics[mode]
            names = sorted(name for name in measured if name != "num_tokens")
            sums = [sum(value * n for value, n in zip(measured[name], pairs, strict=True)) for name in names]
            *sums, count, tokens = self._bench.group.sum(*sums, sum(pairs), self._total_train_tokens)
            means = {name: [total / count] for name, total in zip(names, sums, strict=True)}
            self._metrics[mode] = defaultdict(list, means | {"num_tokens": [tokens]})
        super().log(logs, start_time)


@dataclass
class PairCollator:
    """Pairs as one batch: all chosen answers, then all rejected ones, padded on the right; and their reference.

    `reference`: (pairs, 2), by the pairs' numbers. Zeros favour neither answer.
    """

    pad_token_id: int
    reference: np.ndarray

    def __call__(self, pairs: list[dict[str, Any]]) -> dict[str, Tensor]:
        sides = [(pair[f"{side}_ids"], pair[f"{side}_learned"]) for side in SIDES for pair in pairs]
        shape = (len(sides), max(len(ids) for ids, _ in sides))
        input_ids = torch.full(shape, self.pad_token_id)
        attention_mask, completion_mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
        for row, (ids, learned) in enumerate(sides):
            input_ids[row, : len(ids)] = torch.tensor(ids)
            attention_mask[row, : len(ids)] = 1
            completion_mask[row, : len(ids)] = torch.tensor(learned)
        reference = torch.tensor(self.reference[[pair["number"] for pair in pairs]], dtype=torch.float32)
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "completion_mask": completion_mask,
            "ref_chosen_logps": reference[:, 0],
            "ref_rejected_logps": reference[:, 1],
        }


class Listening:
    """A model whose last outputs can be asked for."""

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model
        self.outputs: Any = None

    def __call__(self, **inputs: Any) -> Any:
        self.outputs = self._model(**inputs)
        return self.outputs


def prefers_chosen(outputs: Any, inputs: dict[str, Tensor]) -> int:
    """In how many pairs the chosen answer's tokens are the likelier ones. A sum would prefer whatever is short."""
    learned = inputs["completion_mask"][:, 1:]
    per_token = outputs.log_probs[:, -learned.shape[1] :].sum(dim=1) / learned.sum(dim=1)
    chosen, rejected = per_token.chunk(2)
    return int((chosen > rejected).sum())


def pairs_in(inputs: dict[str, Any]) -> int:
    return len(inputs["ref_chosen_logps"])


def width_of(pair: dict[str, Any]) -> int:
    """Padded tokens of a pair in a pass."""
    return 2 * max(len(pair[f"{side}_ids"]) for side in SIDES)


@contextlib.contextmanager
def measuring_alone(accelerator: Any) -> Iterator[None]:
    """TRL gathers its measurements in every pass, for which all processes would need equally many pairs in it.

    Ours are summed once a step instead.
    """
    accelerator.gather = accelerator.gather_for_metrics = lambda measured: measured
    try:
        yield
    finally:
        del accelerator.gather, accelerator.gather_for_metrics
