"""Our own passes for what a step spends its time on: Turbo Mode's, on a processor.

Three places, and the model stays PEFT's and transformers' own, so that nothing else has to know:

* A low-rank layer adds its two thin products into the frozen one in place and computes in the frozen weight's type;
  PEFT casts, multiplies, scales and adds, each with a tensor of the layer's output's size.
* The loss makes the gradient of each answer token while its logits are there; TRL computes the logits a second time,
  and their gradient in float32.
* Rows are padded on the right, where a causal model looks last: without a mask attention skips half of its work.

What comes out differs from PEFT's and TRL's by bfloat16's rounding only (tests/process/test_fused.py).
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
import trl.trainer.utils
from peft import PeftModel
from peft.tuners.lora import Linear
from torch import Tensor, nn
from transformers import PreTrainedModel

#: Answer tokens whose logits are there at once: 25 MB of them in bfloat16 for 49 152 words.
TOKENS_AT_ONCE = 256


@contextlib.contextmanager
def fused(model: PreTrainedModel | PeftModel, *, active: bool) -> Iterator[None]:
    """For training and evaluating, where rows are padded on the right."""
    if not active:
        yield
        return
    theirs = trl.trainer.utils._ChunkedLogProbFunction
    layers = [layer for layer in model.modules() if is_plain(layer)]
    hook = model.register_forward_pre_hook(without_mask, with_kwargs=True)
    if not model.get_output_embeddings().weight.requires_grad:  # full fine-tuning needs the head's gradient, too
        trl.trainer.utils._ChunkedLogProbFunction = AnswerLogProbs
    for layer in layers:
        layer.forward = pass_of(layer)
    try:
        yield
    finally:
        for layer in layers:
            del layer.forward
        trl.trainer.utils._ChunkedLogProbFunction = theirs
        hook.remove()


def is_plain(layer: nn.Module) -> bool:
    """LoRA over an ordinary linear layer: not quantised, no DoRA, no dropout, one adapter that trains."""
    return (
        isinstance(layer, Linear)
        and type(layer.get_base_layer()) is nn.Linear
        and len(layer.active_adapters) == 1
        and (name := layer.active_adapters[0]) in layer.lora_A
        and name not in layer.lora_variant
        and isinstance(layer.lora_dropout[name], nn.Identity)
        and layer.lora_A[name].bias is None
        and layer.lora_B[name].bias is None
    )


def pass_of(layer: Linear) -> Any:
    name = layer.active_adapters[0]
    base, a, b, scale = layer.get_base_layer(), layer.lora_A[name], layer.lora_B[name], layer.scaling[name]

    def forward(x: Tensor, *_: Any, **__: Any) -> Tensor:
        return LowRankProduct.apply(x, base.weight, base.bias, a.weight, b.weight, scale)

    return forward


def without_mask(_model: nn.Module, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Answers that are asked for in between are padded on the left: those need their mask."""
    mask = kwargs.get("attention_mask")
    return args, kwargs if mask is None or not mask[:, 0].all() else {**kwargs, "attention_mask": None}


class LowRankProduct(torch.autograd.Function):
    """`x Wᵀ + bias + scale · (x Aᵀ) Bᵀ`, W frozen. A and B are float32 and computed with in W's type."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, a: Tensor, b: Tensor, scale: float) -> Tensor:
        rows = x.reshape(-1, x.shape[-1]).to(weight.dtype)
        a, b = a.to(weight.dtype), b.to(weight.dtype)
        narrow = rows @ a.t()
        product = nn.functional.linear(rows, weight, bias).addmm_(narrow, b.t(), alpha=scale)
        ctx.save_for_backward(rows, weight, a, b, narrow)
        ctx.scale, ctx.dtype = scale, x.dtype
        return product.view(*x.shape[:-1], -1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, weight, a, b, narrow = ctx.saved_tensors
        of_product = gradient.reshape(-1, gradient.shape[-1])
        of_narrow = (of_product @ b).mul_(ctx.scale)
        of_x = None
        if ctx.needs_input_grad[0]:
            of_x = (of_product @ weight).addmm_(of_narrow, a).to(ctx.dtype).view(*gradient.shape[:-1], -1)
        of_a = (of_narrow.t() @ rows).float()
        # This way round the tall matrix is read along its rows: half the time.
        of_b = (narrow.t() @ of_product).t().float().mul_(ctx.scale)
        return of_x, None, None, of_a, of_b, None


class AnswerLogProbs(torch.autograd.Function):
    """Takes the place, and the arguments, of TRL's `ChunkedLogProbFunction`: log-probability, entropy and rightness of
    each target. Only the first has a gradient here."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        targets: Tensor,
        temperature: float,
        _vocabulary_at_once: int,
        softcap: float | None = None,
        scale: float = 1.0,
        _outputs: tuple[str, ...] = (),
    ) -> tuple[Tensor | None, ...]:
        ctx.set_materialize_grads(False)
        rows = hidden.to(weight.dtype)
        directions = torch.empty_like(rows) if ctx.needs_input_grad[0] else None
        log_probs = torch.empty(len(rows), device=rows.device)
        entropy = torch.empty_like(log_probs)
        is_best = torch.empty_like(log_probs, dtype=torch.bool)
        for some in torch.arange(len(rows), device=rows.device).split(TOKENS_AT_ONCE):
            part = slice(int(some[0]), int(some[-1]) + 1)
            logits = nn.functional.linear(rows[part], weight, bias).float().mul_(scale)
            slope = scale / temperature
            if softcap is not None:
                logits.div_(softcap).tanh_()
                bend = 1 - logits.square()
                logits.mul_(softcap)
            logits.div_(temperature)
            target = targets[part, None]
            best, wanted = logits.amax(-1, keepdim=True), logits.gather(-1, target)
            shares = logits.sub_(best).exp()
            total = shares.sum(-1, keepdim=True)
            log_total = total.log()
            log_probs[part] = (wanted - best - log_total)[:, 0]
            is_best[part] = (wanted == best)[:, 0]
            entropy[part] = (log_total - (shares * logits).sum(-1, keepdim=True) / total)[:, 0]
            if directions is not None:
                # How the log-probability changes with the logits: one at the target, less the probabilities.
                change = shares.div_(total).neg_()
                change.scatter_add_(-1, target, torch.ones_like(wanted))
                if softcap is not None:
                    change.mul_(bend)
                torch.mm(change.mul_(slope).to(weight.dtype), weight, out=directions[part])
        ctx.save_for_backward(directions)
        ctx.dtype = hidden.dtype
        ctx.mark_non_differentiable(entropy, is_best)
        return log_probs, entropy, None, None, is_best

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, *_: Tensor | None) -> tuple[Tensor | None, ...]:
        (directions,) = ctx.saved_tensors
        of_hidden = None
        if gradient is not None and directions is not None:
            of_hidden = (directions * gradient[:, None].to(directions.dtype)).to(ctx.dtype)
        return of_hidden, *[None] * 8
