"""What a job can be, and why one failed. The legal moves between them are in `core/runs.py`."""

from enum import StrEnum


class Status(StrEnum):
    #: Waiting for a device.
    QUEUED = "queued"
    #: Claimed: the supervisor starts, the model loads, the rows are tokenised.
    PREPARING = "preparing"
    #: Optimizer steps happen.
    RUNNING = "running"
    #: The steps are done; answers are sampled and the adapter is written.
    COMPLETING = "completing"
    #: Asked to save a checkpoint and exit.
    PAUSING = "pausing"
    #: Checkpoint saved, device freed.
    PAUSED = "paused"
    #: Asked to end; the ladder is at work.
    CANCELLING = "cancelling"
    #: The trainer is gone without a word. Only the reconciler says so.
    INTERRUPTED = "interrupted"
    #: The output is on disk and sealed.
    COMPLETED = "completed"
    #: Ended with a named cause.
    FAILED = "failed"
    #: Ended because somebody asked.
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        return self in TERMINAL

    @property
    def is_live(self) -> bool:
        """Whether an attempt holds a device right now."""
        return self in LIVE


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})
LIVE = frozenset({Status.PREPARING, Status.RUNNING, Status.COMPLETING, Status.PAUSING, Status.CANCELLING})
#: What a person means who filters by a status: a running job is one that holds a device, whatever it does there.
GROUPS: dict[Status, frozenset[Status]] = {status: frozenset({status}) for status in Status} | {Status.RUNNING: LIVE}


class Cause(StrEnum):
    USER_CONFIG = "user_config"
    BAD_DATASET = "bad_dataset"
    MODEL_NOT_FOUND = "model_not_found"
    GATED_MODEL = "gated_model"
    NETWORK = "network"
    OOM_GPU = "oom_gpu"
    OOM_HOST = "oom_host"
    DISK_FULL = "disk_full"
    BAD_CHECKPOINT = "bad_checkpoint"
    NAN_LOSS = "nan_loss"
    TIMEOUT = "timeout"
    GPU_LOST = "gpu_lost"
    KILLED_EXTERNALLY = "killed_externally"
    LOST = "lost"
    EXPORT = "export"
    INTERNAL = "internal"
