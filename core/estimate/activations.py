"""What a pass keeps for its way back, counted tensor by tensor on this stack (transformers 5.23, PEFT 0.21, SDPA).

Each figure was read off with `torch.autograd.graph.saved_tensors_hooks`, so it is a count and not a fit. Per token and
layer; `b` is the size of a number in the type that is computed in.
"""

from core.estimate.shape import Shape, shape_of
from core.estimate.traffic import Traffic, a_pass_of
from storage.methods import Adapter, Full, LowRank, Method, Prefix
from storage.spec import Compute, ModelRef

FLOAT32 = 4
#: Tokens of a pass where only its proportions matter.
USUAL_PASS = 1024
#: TRL scores so many tokens against so much of the vocabulary at a time.
TILE_TOKENS, TILE_VOCABULARY = 4096, 32768
#: Bytes of each number of such a tile, beside the tile itself: where there is no Triton, its steps are float32 copies.
TILE_STEPS_ON_CPU = 29
#: The same of Turbo's own loss (`training/fused.py`), over the whole vocabulary and with the tile.
FUSED_TOKENS, FUSED_STEPS = 256, 14


def number_bytes(compute: Compute) -> int:
    return 2 if compute.weights_dtype == "bfloat16" else FLOAT32


def per_token_and_layer(method: Method, shape: Shape, compute: Compute, width: int) -> float:
    """Without checkpointing. The mask of padded rows makes it grow with the longest row of the pass."""
    b = number_bytes(compute)
    norms = 2 * shape.hidden * FLOAT32
    # Turbo's own passes and flash attention need no mask.
    mask = 0 if compute.fused or compute.attention == "flash_attention_2" else width * b
    attention = 4 * shape.query_width * b + shape.heads * FLOAT32 + mask
    mlp = 3 * shape.intermediate * b
    return norms + attention + mlp + _of_method(method, shape, b) + 2 * FLOAT32


def _of_method(method: Method, shape: Shape, b: int) -> float:
    match method:
        case Full():
            inputs = 5 if b == 2 else 2  # autocast copies the input of each module anew
            return 2 * shape.hidden * FLOAT32 + (inputs * shape.hidden + shape.intermediate) * b
        case LowRank():
            return _low_rank(method, shape, b)
        case Prefix():
            return 0.0
        case Adapter():
            places = 2 if method.placement == "houlsby" else 1
            return float(places * (shape.hidden + 2 * method.size) * b)


def _low_rank(method: LowRank, shape: Shape, b: int) -> float:
    """With dropout each target keeps its own input and what was dropped of it; without, equal inputs are shared."""
    targets = list(shape.targets(method.targets))
    if method.dropout:
        inputs = 2 * sum(target.inputs for target in targets)
    else:
        read_by = {"q_proj": "block", "k_proj": "block", "v_proj": "block", "gate_proj": "mlp", "up_proj": "mlp"}
        shared = {read_by.get(target.name, target.name): target.inputs for target in targets}
        shared.pop("o_proj", None)  # what attention gives is kept anyway
        inputs = sum(shared.values())
    outputs = 2 * sum(target.outputs for target in targets) if method.dora else 0
    return float((inputs + outputs + method.rank * len(targets)) * b)


def per_layer(method: Method, shape: Shape, compute: Compute) -> int:
    """However many tokens there are: weights in the type that is computed in, and DoRA's products of its matrices."""
    b = number_bytes(compute)
    match method:
        case Full() if b != FLOAT32:
            return b * sum(linear.weights for linear in shape.linears)
        case LowRank() if method.dora:
            return b * sum(target.inputs**2 for target in shape.targets(method.targets))
        case _:
            return 0


def activation_bytes(method: Method, shape: Shape, compute: Compute, traffic: Traffic) -> int:
    """Of one pass, when the way back begins. Under checkpointing each layer keeps its input, and one is made again."""
    full = traffic.tokens * per_token_and_layer(method, shape, compute, traffic.width)
    full += per_layer(method, shape, compute)
    if not compute.gradient_checkpointing:
        return int(full * shape.layers)
    kept = traffic.tokens * shape.hidden * (FLOAT32 if isinstance(method, Full) else number_bytes(compute))
    return int(kept * shape.layers + full)


def loss_bytes(method: Method, shape: Shape, compute: Compute, traffic: Traffic) -> int:
    """While the learned tokens are scored on the way back; a fully tuned head's gradient is made there, too."""
    b = number_bytes(compute)
    learned = int(traffic.tokens * traffic.learned)
    if compute.fused and not isinstance(method, Full):
        return min(learned, FUSED_TOKENS) * shape.vocabulary * FUSED_STEPS + learned * shape.hidden * (FLOAT32 + 2 * b)
    vocabulary = min(shape.vocabulary, TILE_VOCABULARY)
    each = b + (TILE_STEPS_ON_CPU if compute.device == "cpu" else 0)
    tile = min(learned, TILE_TOKENS) * vocabulary * each
    head = shape.vocabulary * shape.hidden * FLOAT32 + vocabulary * shape.hidden * b if isinstance(method, Full) else 0
    return tile + learned * shape.hidden * (FLOAT32 + 2 * b) + head


def bytes_per_token(method: Method, model: ModelRef, compute: Compute) -> float:
    """Of a pass of rows of usual length, its loss included: what decides how many tokens go through at once."""
    shape = shape_of(model)
    traffic = a_pass_of(USUAL_PASS)
    taken = activation_bytes(method, shape, compute, traffic) + loss_bytes(method, shape, compute, traffic)
    return max(1.0, taken / USUAL_PASS)
