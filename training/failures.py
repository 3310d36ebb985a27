"""From an exception to a named cause, one sentence, and the line that proves it.

TrainingError         carries its own cause; its message is the sentence
├── BadDataset        a row that cannot be trained on, named by its line
├── ModelMissing      the model folder is not there or not whole
├── NanLoss           the loss is no number any more
└── Unsupported       asked for what this model or this version cannot do
"""

import re
from typing import NamedTuple

from storage.events import Failed
from storage.status import Cause

EVIDENCE_CHARACTERS = 500


class TrainingError(Exception):
    cause = Cause.INTERNAL


class BadDataset(TrainingError):
    cause = Cause.BAD_DATASET


class ModelMissing(TrainingError):
    cause = Cause.MODEL_NOT_FOUND


class NanLoss(TrainingError):
    cause = Cause.NAN_LOSS


class Unsupported(TrainingError):
    cause = Cause.USER_CONFIG


class Rule(NamedTuple):
    """`pattern` is searched in "module.Type: message": to know an error, its library need not be imported."""

    pattern: str
    cause: Cause
    sentence: str


#: The first that matches wins.
RULES = (
    Rule(
        r"No space left on device|Errno 28|Disk quota exceeded|inline_container|PytorchStreamWriter",
        Cause.DISK_FULL,
        "The disk is full. Free some space and start the run again.",
    ),
    Rule(
        r"CUDA out of memory|OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED",
        Cause.OOM_GPU,
        "The GPU ran out of memory. Lower the max context length or the rank, or choose a smaller model.",
    ),
    Rule(
        r"DefaultCPUAllocator|MemoryError|Cannot allocate memory|std::bad_alloc",
        Cause.OOM_HOST,
        "The machine ran out of memory. Lower the max context length or choose a smaller model.",
    ),
    Rule(
        r"device-side assert|CUDA error|NVML|cudaError",
        Cause.GPU_LOST,
        "The GPU stopped answering. Look at its driver's log, then start the run again.",
    ),
    Rule(
        r"SafetensorError|no file named|does not appear to have a file|Unrecognized model|MetadataIncomplete",
        Cause.MODEL_NOT_FOUND,
        "The base model's files are missing or damaged. Import the model again.",
    ),
    Rule(
        r"Target modules .* not found",
        Cause.USER_CONFIG,
        "The model has no layers of the names given as target modules. Use all-linear, or names that it has.",
    ),
    Rule(
        r"adapter to `lm_head`",
        Cause.USER_CONFIG,
        "The output layer lm_head cannot get an adapter. Remove it from the target modules.",
    ),
    Rule(
        r"^jinja2\.",
        Cause.BAD_DATASET,
        "The model's chat template refuses a conversation of the dataset.",
    ),
)  # fmt: skip


def explain(error: BaseException) -> Failed:
    evidence = f"{type(error).__module__}.{type(error).__qualname__}: {error}"
    shown = evidence.removeprefix("builtins.").partition("\n")[0][:EVIDENCE_CHARACTERS]
    if isinstance(error, TrainingError):
        return Failed(cause=error.cause, message=str(error), evidence=shown)
    for rule in RULES:
        if re.search(rule.pattern, evidence):
            return Failed(cause=rule.cause, message=rule.sentence, evidence=shown)
    return Failed(
        cause=Cause.INTERNAL,
        message="The trainer stopped on an error that it does not know. The run's log has the details.",
        evidence=shown,
    )
