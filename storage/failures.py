"""What real error messages mean: pattern, cause and sentence, in one table.

The trainer asks with the exception, the server with the last lines that a dead trainer left. Standard library only.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from storage.status import Cause

EVIDENCE_CHARACTERS = 500
#: The tail of a log in which a cause is looked for; above it lie warnings of things that went well after all.
TAIL_LINES = 40


class Rule(NamedTuple):
    """`pattern` is searched in "module.Type: message": to know an error, its library need not be imported."""

    pattern: str
    cause: Cause
    sentence: str


class Explanation(NamedTuple):
    cause: Cause
    sentence: str
    evidence: str


#: The first that matches wins. Every one of them is held against real messages in tests/unit/failure_messages.txt.
RULES = (
    Rule(
        # Before the disk's rule: both readers and writers name inline_container.
        r"PytorchStreamReader|central directory|UnpicklingError|Ran out of input|trainer_state\.json",
        Cause.BAD_CHECKPOINT,
        "A checkpoint cannot be read: it is torn or was changed after it was written.",
    ),
    Rule(
        r"No space left on device|Errno 28\b|os error 28\b|StorageFull|Disk quota exceeded|inline_container"
        r"|PytorchStreamWriter|database or disk is full",
        Cause.DISK_FULL,
        "The disk is full. Free some space and start the run again.",
    ),
    Rule(
        r"(CUDA|HIP|MPS backend|XPU) out of memory|torch(\.cuda)?\.OutOfMemoryError|CUBLAS_STATUS_ALLOC_FAILED"
        r"|CUDNN_STATUS_ALLOC_FAILED|cudaErrorMemoryAllocation|CUDA error: out of memory|Error out of memory at line",
        Cause.OOM_GPU,
        "The GPU ran out of memory. Lower the max context length or the rank, or choose a smaller model.",
    ),
    Rule(
        r"DefaultCPUAllocator|MemoryError\b|Cannot allocate memory|std::bad_alloc|oom-kill|Out of memory: Kill"
        r"|DataLoader worker .* is killed by signal: (Killed|Bus error)",
        Cause.OOM_HOST,
        "The machine ran out of memory. Lower the max context length or choose a smaller model.",
    ),
    Rule(
        r"GatedRepoError|(Cannot access|trying to access a) gated repo|Access to model .* is restricted"
        r"|not in the authorized list|awaiting a review",
        Cause.GATED_MODEL,
        "The model is gated: its publisher lets only those download it who have accepted its licence.",
    ),
    Rule(
        r"RepositoryNotFoundError|RevisionNotFoundError|EntryNotFoundError: [45]|is not a valid model identifier"
        r"|Repository Not Found|Repo id must be in the form",
        Cause.MODEL_NOT_FOUND,
        "There is no such model, or it is private and this machine may not see it.",
    ),
    Rule(
        r"Error while deserializing|no file named|does not appear to have a file|Unrecognized model|MetadataIncomplete"
        r"|Can't load tokenizer|Error\(s\) in loading state_dict",
        Cause.MODEL_NOT_FOUND,
        "The base model's files are missing or damaged. Import the model again.",
    ),
    Rule(
        # What the others say when one process of a run is gone. Before the network's rule: they speak of connections.
        r"gloo/transport|remote process exited or there was a network error",
        Cause.LOST,
        "A process of this run was gone before the others had an answer from it.",
    ),
    Rule(
        r"LocalEntryNotFoundError|Name or service not known|name resolution|NameResolutionError|ConnectTimeout"
        r"|ReadTimeout|Read timed out|Max retries exceeded|ConnectionError|ConnectError|RemoteProtocolError"
        r"|Network is unreachable|Connection (refused|reset|aborted)|couldn't connect to|OfflineModeIsEnabled"
        r"|IncompleteRead|CERTIFICATE_VERIFY_FAILED|50[0234] Server Error",
        Cause.NETWORK,
        "The network did not answer. What was missing could not be downloaded.",
    ),
    Rule(
        r"no kernel image is available|driver version is insufficient|not compiled with CUDA|forward compatibility",
        Cause.USER_CONFIG,
        "This build of PyTorch does not fit the GPU or its driver. Update the driver, or install the build for it.",
    ),
    Rule(
        r"device-side assert",
        Cause.GPU_LOST,
        "The GPU refused an operation (device-side assert): often a token that the model's vocabulary does not have.",
    ),
    Rule(
        r"GPU is lost|GpuIsLost|fallen off the bus|\bXid\b|CUDA error|NVML|cudaError|NCCL error"
        r"|CUDNN_STATUS_(INTERNAL_ERROR|EXECUTION_FAILED)|No CUDA GPUs are available|HIP error",
        Cause.GPU_LOST,
        "The GPU stopped answering. Look at its driver's log, then start the run again.",
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
        r"chat_template is not set",
        Cause.USER_CONFIG,
        "The model has no chat template: it is a base model. Choose its instruct version.",
    ),
    Rule(
        r"(^|\s)jinja2\.|TemplateError|TemplateSyntaxError|Conversation roles must alternate",
        Cause.BAD_DATASET,
        "The model's chat template refuses a conversation of the dataset.",
    ),
    Rule(
        r"ArrowInvalid|ArrowTypeError|JSONDecodeError|DatasetGenerationError|UnicodeDecodeError",
        Cause.BAD_DATASET,
        "A row of the dataset cannot be read.",
    ),
    Rule(
        r"NanLoss|(?i:\bloss\W+(is )?(nan|inf)\b|\bgrad_?norm\W+(is )?(nan|inf)\b|nan or inf found|non-finite)",
        Cause.NAN_LOSS,
        "The loss was no number any more. Lower the learning rate and look for broken rows in the dataset.",
    ),
)  # fmt: skip

_COMPILED = tuple((re.compile(rule.pattern), rule) for rule in RULES)


def classify(message: str) -> Rule | None:
    """The rule for an error message, written as Python prints it."""
    return next((rule for pattern, rule in _COMPILED if pattern.search(message)), None)


def explain_log(lines: Iterable[str]) -> Explanation | None:
    """What the end of a log says, with the line that proves it. The last line that is known is nearest to the end."""
    for line in reversed(list(lines)[-TAIL_LINES:]):
        rule = classify(line)
        if rule:
            return Explanation(rule.cause, rule.sentence, line.strip()[:EVIDENCE_CHARACTERS])
    return None
