"""What a run will need, by arithmetic. Estimates: marked as such wherever they are shown."""

from core.estimate.parameters import trainable_parameters
from storage.methods import Method
from storage.retention import Retention
from storage.spec import Compute, ModelRef

#: Activation bytes per token, hidden unit and layer: measured on this stack without checkpointing, bf16
#: (100 to 115 on a Llama of 135 M parameters; one model, so a starting point).
ACTIVATION_BYTES = 110
#: What CUDA itself takes on a GPU before the first tensor is there.
CUDA_CONTEXT_BYTES = 600 * 1024**2
#: What Python, torch and trl take of the host's memory before the first tensor is there: 527 MB on this stack.
PROCESS_BYTES = 600 * 1024**2


def activation_bytes_per_token(model: ModelRef) -> int:
    return ACTIVATION_BYTES * model.hidden_size * model.layers


def memory_bytes(method: Method, model: ModelRef, compute: Compute) -> int:
    """On each device: weights, trained weights with gradient and two Adam moments in fp32, activations of a pass.

    Several devices hold all of it each, and the gradients once more, in the buckets that are sent round.
    """
    weights = model.parameters * (2 if compute.weights_dtype == "bfloat16" else 4)
    trained = trainable_parameters(method, model) * (20 if compute.devices > 1 else 16)
    activations = activation_bytes_per_token(model) * compute.micro_batch_tokens
    return weights + trained + activations + (CUDA_CONTEXT_BYTES if compute.device == "cuda" else PROCESS_BYTES)


def disk_bytes(method: Method, model: ModelRef, keep: Retention) -> int:
    """Checkpoints (weights and two Adam moments in fp32), the output, tokenizer and logs."""
    trainable = trainable_parameters(method, model)
    return (keep.best + keep.latest + 1) * trainable * 12 + trainable * 4 + 30 * 1024**2
