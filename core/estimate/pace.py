"""How long a run takes: its tokens, at so many a second. A starting table until this machine has trained something."""

from core.estimate.shape import shape_of
from core.estimate.traffic import Traffic
from core.hardware import Hardware
from storage.methods import Full, Method, Qlora
from storage.spec import Compute, ModelRef, Objective, RunSpec

#: Operations a second that a processor core really does, by type: the starter on the cores of `docs/measurements.md`.
CORE_FLOPS = {"bfloat16": 45e9, "float32": 22e9}
#: Of a GPU by a piece of its name: about 35 % of what its maker promises for dense bfloat16. Not measured by us.
GPU_FLOPS = {"H200": 340e12, "H100": 340e12, "A100": 110e12, "4090": 58e12, "3090": 25e12, "L40": 60e12, "L4": 40e12}
OTHER_GPU_FLOPS = 20e12
#: Python, torch and the model; the base model's answers and the tuned one's.
START_S, ANSWERS_S = 12.0, 16.0
#: An evaluation only goes forward.
EVALUATION_SHARE = 1 / 3
#: A sampled token needs a pass of its own, in which the processor waits for memory.
SAMPLING_SHARE = 0.15


def flops_per_token(method: Method, model: ModelRef, compute: Compute, width: int) -> float:
    """Forward 2 a weight, back 2 for the way and 2 more where the weight is trained; again forward if checkpointed."""
    shape = shape_of(model)
    passes = (6 if isinstance(method, Full) else 4) + (2 if compute.gradient_checkpointing else 0)
    attention = shape.layers * shape.query_width * width
    slower = 1.15 if isinstance(method, Qlora) else 1.0  # weights are unpacked for each pass
    return passes * (model.parameters + attention) * slower


def starting_tokens_per_second(run: RunSpec, traffic: Traffic, machine: Hardware) -> float:
    """Before anything was measured."""
    each = flops_per_token(run.method, run.model, run.compute, traffic.width)
    if run.compute.device == "cuda":
        names = [gpu.name for gpu in machine.gpus]
        flops = min((_flops_of(name) for name in names), default=OTHER_GPU_FLOPS) * run.compute.devices
    else:
        flops = CORE_FLOPS[run.compute.weights_dtype] * run.compute.threads * run.compute.devices
    return flops / max(each, 1.0)


def seconds(run: RunSpec, traffic: Traffic, tokens_per_second: float) -> float:
    """From start to end: the epochs, an evaluation before the first and after each, and what is done around them."""
    epochs = run.hyperparameters.epochs
    trained = float(traffic.epoch_tokens * epochs)
    if run.objective is Objective.RFT:
        trained = rollout_tokens(run, traffic) * epochs
    evaluated = traffic.held_out_tokens * (epochs + 1)
    worked = (trained + evaluated * EVALUATION_SHARE) / max(tokens_per_second, 1e-9)
    if run.objective is Objective.RFT:
        worked += trained / max(tokens_per_second * SAMPLING_SHARE, 1e-9)
    elif run.objective is Objective.DPO and not run.dpo.reference_free:
        worked += (traffic.epoch_tokens + traffic.held_out_tokens) * EVALUATION_SHARE / max(tokens_per_second, 1e-9)
    return START_S + ANSWERS_S + worked


def rollout_tokens(run: RunSpec, traffic: Traffic) -> float:
    """Each prompt is answered by its whole group; answers are guessed at half of the longest."""
    answers = run.dataset.rows * run.rft.group_size
    return traffic.epoch_tokens * run.rft.group_size + answers * run.rft.max_completion_tokens / 2


def _flops_of(name: str) -> float:
    return next((flops for piece, flops in GPU_FLOPS.items() if piece in name), OTHER_GPU_FLOPS)
