"""What can be done about a failure: advice as a sentence, and remedies that are one click.

A spec is immutable, so a remedy that changes it starts a new job; one that changes nothing tries the same job again.
"""

from dataclasses import dataclass

from core.people import Actor
from core.resolve import LEAST_MICRO_BATCH_TOKENS
from core.runs import Runs
from storage.spec import JobSpec, RunSpec
from storage.status import Cause, Status
from storage.tables import Job

ADVICE = {
    Cause.USER_CONFIG: "Clone the job and change the setting that is named above.",
    Cause.BAD_DATASET: "Mend the dataset, add it again, and clone the job with it.",
    Cause.MODEL_NOT_FOUND: "Choose a model that is on this machine: clone the job and change it there.",
    Cause.GATED_MODEL: "Accept the model's licence at its publisher, import it again, and clone the job.",
    Cause.NETWORK: "Check the connection, then try again.",
    Cause.OOM_GPU: "A smaller Micro-Batch Size needs less memory and leaves every step as it was; a smaller Max "
    "Context Length helps where one long example is too much, but cuts it.",
    Cause.OOM_HOST: "Close other programs. A smaller Micro-Batch Size needs less memory and leaves every step as it "
    "was; a smaller Max Context Length helps where one long example is too much, but cuts it.",
    Cause.DISK_FULL: "Free some disk space, then go on.",
    Cause.BAD_CHECKPOINT: "Start it again from the beginning.",
    Cause.NAN_LOSS: "Use a smaller Learning Rate, and look for broken rows in the dataset.",
    Cause.TIMEOUT: "Try again; if it happens twice, look into the log.",
    Cause.GPU_LOST: "Check the GPU and its driver, then try again.",
    Cause.KILLED_EXTERNALLY: "Something on this machine ended the trainer. Find out what, then try again.",
    Cause.LOST: "The trainer vanished without a word, as after a power cut. Try again.",
    Cause.EXPORT: "Check the disk and try again: it goes on from the last checkpoint.",
    Cause.INTERNAL: "Try again; if it happens twice, report it with the evidence above.",
}

#: Nothing about the job is wrong: what was in its way may be gone.
_WORTH_ANOTHER_TRY = frozenset(
    {Cause.NETWORK, Cause.DISK_FULL, Cause.TIMEOUT, Cause.GPU_LOST, Cause.KILLED_EXTERNALLY, Cause.LOST, Cause.EXPORT,
     Cause.INTERNAL}
)  # fmt: skip
_LEAST_CONTEXT = 32


@dataclass(frozen=True, slots=True)
class Remedy:
    """`spec` is the new job's; None tries this very job again, from its newest checkpoint."""

    label: str
    spec: JobSpec | None = None


def remedies(job: Job, run: RunSpec) -> list[Remedy]:
    """The first is the one to try first. Empty where only a person can mend it."""
    cause = job.cause or Cause.INTERNAL
    if job.status is Status.PAUSED:
        return [Remedy("Resume")]
    if cause in (Cause.OOM_GPU, Cause.OOM_HOST):
        return _less_memory(run)
    if cause is Cause.NAN_LOSS:
        tenth = float(f"{run.hyperparameters.learning_rate / 10:.6g}")
        return [Remedy("A tenth of the learning rate and retry", _changed(run, learning_rate=tenth))]
    if cause is Cause.BAD_CHECKPOINT:
        return [Remedy("Start from the beginning", _changed(run))]
    return [Remedy("Try again")] if cause in _WORTH_ANOTHER_TRY else []


def take(remedy: Remedy, job: Job, runs: Runs, *, actor: Actor) -> Job:
    """Do it; returns the job that now runs. Raises StudioError where that job cannot start."""
    if remedy.spec:
        return runs.submit(remedy.spec, actor=actor)
    again = runs.resume if job.status is Status.PAUSED else runs.retry
    return again(job.id, actor=actor)


def _less_memory(run: RunSpec) -> list[Remedy]:
    found = []
    micro_batch, context = run.compute.micro_batch_tokens // 2, run.hyperparameters.max_context_length // 2
    if micro_batch >= LEAST_MICRO_BATCH_TOKENS:
        found.append(Remedy("Halve the micro-batch and retry", _changed(run, micro_batch_tokens=micro_batch)))
    if context >= _LEAST_CONTEXT:
        found.append(Remedy("Halve the max context length and retry", _changed(run, max_context_length=context)))
    return found


def _changed(run: RunSpec, **hyperparameters: float) -> JobSpec:
    """What was asked, with a change. Names and ids are made anew, as for a clone."""
    asked = run.asked
    changed = asked.hyperparameters.model_copy(update=hyperparameters)
    return asked.model_copy(update={"hyperparameters": changed, "job_id": "", "output_name": ""})
