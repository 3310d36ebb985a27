"""What a run will need, by arithmetic. Estimates: marked as such wherever they are shown."""

from storage.methods import Adapter, Full, Lora, Method, Prefix, Qlora
from storage.retention import Retention
from storage.spec import Compute, ModelRef

#: Activation bytes per token, hidden unit and layer: measured on this stack without checkpointing, bf16
#: (100 to 115 on a Llama of 135 M parameters; one model, so a starting point).
ACTIVATION_BYTES = 110
#: What CUDA itself takes on a GPU before the first tensor is there.
CUDA_CONTEXT_BYTES = 600 * 1024**2
#: Sum over a Llama block's seven linear layers of (inputs + outputs) / hidden size, with grouped keys and values.
_LINEAR_WIDTHS = 18


def trainable_parameters(method: Method, model: ModelRef) -> int:
    match method:
        case Lora() | Qlora():
            return method.rank * model.layers * model.hidden_size * _LINEAR_WIDTHS
        case Prefix():
            return method.length * model.layers * model.hidden_size * 2
        case Adapter():
            places = 2 if method.placement == "houlsby" else 1
            return places * model.layers * 2 * model.hidden_size * method.size
        case Full():
            return model.parameters


def activation_bytes_per_token(model: ModelRef) -> int:
    return ACTIVATION_BYTES * model.hidden_size * model.layers


def memory_bytes(method: Method, model: ModelRef, compute: Compute) -> int:
    """On each device: weights, trained weights with gradient and two Adam moments in fp32, activations of a pass.

    Several devices hold all of it each, and the gradients once more, in the buckets that are sent round.
    """
    weights = model.parameters * (2 if compute.weights_dtype == "bfloat16" else 4)
    trained = trainable_parameters(method, model) * (20 if compute.devices > 1 else 16)
    activations = activation_bytes_per_token(model) * compute.micro_batch_tokens
    return weights + trained + activations + (CUDA_CONTEXT_BYTES if compute.device == "cuda" else 0)


def disk_bytes(method: Method, model: ModelRef, keep: Retention) -> int:
    """Checkpoints (weights and two Adam moments in fp32), the output, tokenizer and logs."""
    trainable = trainable_parameters(method, model)
    return (keep.best + keep.latest + 1) * trainable * 12 + trainable * 4 + 30 * 1024**2
