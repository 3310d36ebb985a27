"""Turbo Mode: the fastest settings known for the device at equal final loss, each listed with its reason. Pure.

The processor's are measured (docs/measurements.md). A GPU's are their projects' own promises, taken where the packages
are installed; they have never run on a machine of ours.
"""

from core.resolve_noise import without_dropout
from storage.methods import Full, LowRank, Method
from storage.spec import Change, Compute, Objective

#: Padded tokens of a pass on a processor: less padding, and its activations stay near the caches. Measured.
PROCESSOR_PASS_TOKENS = 512

DROPOUT_COSTS = "its random numbers cost a sixth of a step; short trainings end at the same loss without"

FLASH_ATTENTION, LIGER, TRITON, BITSANDBYTES = "flash_attn", "liger_kernel", "triton", "bitsandbytes"
#: What a GPU may gain from; `core.hardware` looks which of them are installed.
PACKAGES = (FLASH_ATTENTION, LIGER, TRITON, BITSANDBYTES)


def faster(
    objective: Objective,
    method: Method,
    compute: Compute,
    packages: frozenset[str],
    changes: list[Change],
    *,
    passes_asked: bool,
) -> tuple[Method, Compute]:
    """`passes_asked`: somebody has chosen the size of a pass, and it stays."""
    gains: list[str] = []
    if compute.device == "cuda":
        compute = _on_gpu(method, compute, packages, gains)
    else:
        method, compute = _on_processor(objective, method, compute, gains, changes, passes_asked=passes_asked)
    changes.append(_listed(compute, gains))
    return method, compute


def _on_processor(
    objective: Objective,
    method: Method,
    compute: Compute,
    gains: list[str],
    changes: list[Change],
    *,
    passes_asked: bool,
) -> tuple[Method, Compute]:
    if compute.micro_batch_tokens > PROCESSOR_PASS_TOKENS and not passes_asked:
        gains.append(f"passes of {PROCESSOR_PASS_TOKENS} tokens, which pad less")
        compute = compute.model_copy(update={"micro_batch_tokens": PROCESSOR_PASS_TOKENS})
    if objective is not Objective.SFT or not isinstance(method, LowRank | Full):
        return method, compute
    gains.append("hand-written passes for the loss and for low-rank layers, attention without a mask")
    compute = compute.model_copy(update={"fused": True})
    # DoRA keeps PEFT's own pass, dropout and all.
    is_dora = isinstance(method, LowRank) and method.dora
    return method if is_dora else without_dropout(method, DROPOUT_COSTS, changes), compute


def _on_gpu(method: Method, compute: Compute, packages: frozenset[str], gains: list[str]) -> Compute:
    chosen: dict[str, object] = {}
    if FLASH_ATTENTION in packages:
        chosen["attention"] = "flash_attention_2"
        gains.append("flash attention")
    if LIGER in packages:
        chosen["liger"] = True
        gains.append("Liger's kernels")
    elif TRITON in packages:
        # Not both: Liger's kernels are compiled already.
        chosen["compiled"] = True
        gains.append("torch.compile")
    if BITSANDBYTES in packages and isinstance(method, Full):
        # An adapter's optimizer is too small to gain from it.
        chosen["optimizer"] = "adamw_bnb_8bit"
        gains.append("an 8-bit optimizer")
    return compute.model_copy(update=chosen)


def _listed(compute: Compute, gains: list[str]) -> Change:
    plain = f"{compute.weights_dtype} weights, no gradient checkpointing, a loss on what is learned only"
    if not gains:
        reason = f"nothing faster is known here than the settings that always run: {plain}"
        return Change(field="Turbo Mode", asked="On", runs="as Off", reason=reason)
    runs = "; ".join(gains)
    return Change(field="Turbo Mode", asked="On", runs=runs, reason=f"the fastest known, besides {plain}")
