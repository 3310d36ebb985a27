"""How much of the disk a run takes at most."""

from core.estimate.parameters import output_bytes, trainable_parameters
from storage.methods import Method
from storage.retention import Retention
from storage.spec import ModelRef

#: A trained weight and its two Adam moments, in float32.
CHECKPOINT_BYTES = 12
#: Tokenizer, state and random numbers beside the weights.
BESIDE_BYTES = 6 * 1024**2
#: Logs and events.
LOG_BYTES = 30 * 1024**2
#: The cache keeps each token as an int32 with a mark.
TOKEN_BYTES = 5


def disk_bytes(method: Method, model: ModelRef, keep: Retention, dataset_tokens: int = 0) -> int:
    """The checkpoints that are kept and one that is being written, the output, the token cache, and logs."""
    checkpoint = trainable_parameters(method, model) * CHECKPOINT_BYTES + BESIDE_BYTES
    output = output_bytes(method, model) + BESIDE_BYTES
    return (keep.best + keep.latest + 1) * checkpoint + output + dataset_tokens * TOKEN_BYTES + LOG_BYTES
