"""How many weights a method trains in a model, before the model is loaded."""

from core.estimate.shape import Shape, shape_of
from storage.methods import Adapter, Full, Lora, LowRank, Method, Prefix, Qlora
from storage.spec import ModelRef

#: Bytes of a trained weight in an adapter file, and in the file of a fully tuned model.
ADAPTER_BYTES = 4
MODEL_BYTES = 2


def trainable_parameters(method: Method, model: ModelRef) -> int:
    """Exact for a Llama whose configuration is known; close to it for its relatives."""
    shape = shape_of(model)
    match method:
        case Lora() | Qlora():
            return shape.layers * sum(_low_rank(method, shape))
        case Prefix():
            return method.length * shape.layers * 2 * shape.key_width
        case Adapter():
            places = 2 if method.placement == "houlsby" else 1
            return places * shape.layers * (2 * shape.hidden * method.size + shape.hidden + method.size)
        case Full():
            return shape.parameters


def trainable_share(method: Method, model: ModelRef) -> float:
    """Of the base model's weights, 0 to 1; 0 where the model does not say how large it is."""
    return trainable_parameters(method, model) / model.parameters if model.parameters else 0.0


def output_bytes(method: Method, model: ModelRef) -> int:
    """What is kept at the end: the adapter in float32, or the whole model in bfloat16."""
    return trainable_parameters(method, model) * (MODEL_BYTES if isinstance(method, Full) else ADAPTER_BYTES)


def _low_rank(method: LowRank, shape: Shape) -> list[int]:
    """Two thin matrices beside each target; DoRA also learns the length of each of its rows."""
    return [
        method.rank * (linear.inputs + linear.outputs) + (linear.outputs if method.dora else 0)
        for linear in shape.targets(method.targets)
    ]
