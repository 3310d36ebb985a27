"""From an exception to a named cause, one sentence, and the line that proves it.

TrainingError         carries its own cause; its message is the sentence
├── BadDataset        a row that cannot be trained on, named by its line
├── ModelMissing      the model folder is not there or not whole
├── NanLoss           the loss is no number any more
├── Unsupported       asked for what this model or this version cannot do
├── EndpointAway      the model that grades answers cannot be asked
└── ExportFailed      trained, but the adapter could not be written
"""

from collections.abc import Iterator
from contextlib import contextmanager

from storage.events import Failed
from storage.failures import EVIDENCE_CHARACTERS, classify
from storage.status import Cause


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


class EndpointAway(TrainingError):
    cause = Cause.NETWORK


class ExportFailed(TrainingError):
    cause = Cause.EXPORT


@contextmanager
def exporting() -> Iterator[None]:
    """What goes wrong inside is a failed export, unless its own cause is known: a full disk stays a full disk."""
    try:
        yield
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        if explain(error).cause is not Cause.INTERNAL:
            raise
        raise ExportFailed(f"The run was trained, but its adapter could not be written: {error}") from error


def explain(error: BaseException) -> Failed:
    shown = as_printed(error).partition("\n")[0][:EVIDENCE_CHARACTERS]
    if isinstance(error, TrainingError):
        return Failed(cause=error.cause, message=str(error), evidence=shown)
    for behind in chain(error):
        rule = classify(as_printed(behind))
        if rule:
            return Failed(cause=rule.cause, message=rule.sentence, evidence=shown)
    return Failed(
        cause=Cause.INTERNAL,
        message="It stopped on an error that Tunesmith does not know. The log has the details.",
        evidence=shown,
    )


def as_printed(error: BaseException) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}: {error}".removeprefix("builtins.")


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error, then what it came from: libraries wrap a full disk in errors of their own."""
    behind: BaseException | None = error
    while behind is not None:
        yield behind
        hidden = behind.__suppress_context__
        behind = behind.__cause__ or (None if hidden else behind.__context__)
