"""Remedies: which failure gets which button, and that a changed job is a new one."""

import pytest

from core.remedies import ADVICE, remedies, take
from core.studio import Studio
from storage.spec import Compute, Hyperparameters, JobSpec, RunSpec
from storage.status import Cause, Status
from storage.tables import Job


def failed(studio: Studio, asked: JobSpec, cause: Cause) -> Job:
    studio.runs.submit(asked, actor=studio.people.actor())
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.move(claimed, Status.FAILED, cause=cause)
    return studio.runs.get(claimed.id)


def test_every_cause_has_advice() -> None:
    assert set(ADVICE) == set(Cause)
    assert all(sentence.endswith(".") for sentence in ADVICE.values())


def test_a_changed_job_is_a_new_one_and_the_old_spec_stays(studio: Studio, asked: JobSpec) -> None:
    job = failed(studio, asked.model_copy(update={"job_id": "mine", "output_name": "mine"}), Cause.OOM_GPU)
    before = studio.runs.run_spec(job.id)
    smaller, shorter = remedies(job, before)
    for remedy in (smaller, shorter):
        again = take(remedy, job, studio.runs, actor=studio.people.actor())
        assert again.id != job.id
        assert again.output_name != "mine"
    assert studio.runs.run_spec(job.id) == before
    assert studio.runs.get(job.id).status is Status.FAILED
    assert shorter.spec
    assert shorter.spec.hyperparameters.max_context_length == before.hyperparameters.max_context_length // 2


def test_halving_ends_where_nothing_is_left_to_halve(studio: Studio, asked: JobSpec) -> None:
    job = failed(studio, asked, Cause.OOM_HOST)
    run = studio.runs.run_spec(job.id)
    compute: Compute = run.compute.model_copy(update={"micro_batch_tokens": 64})
    least = run.model_copy(update={"compute": compute, "hyperparameters": Hyperparameters(max_context_length=20)})
    assert remedies(job, least) == []


@pytest.mark.parametrize(("rate", "tenth"), [(1e-4, 1e-5), (3e-4, 3e-5), (0.5, 0.05)])
def test_a_tenth_is_a_round_number(studio: Studio, asked: JobSpec, rate: float, tenth: float) -> None:
    changed = asked.model_copy(update={"hyperparameters": Hyperparameters(learning_rate=rate)})
    job = failed(studio, changed, Cause.NAN_LOSS)
    (remedy,) = remedies(job, studio.runs.run_spec(job.id))
    assert remedy.spec
    assert remedy.spec.hyperparameters.learning_rate == tenth


def test_a_torn_checkpoint_means_a_fresh_start(studio: Studio, asked: JobSpec) -> None:
    job = failed(studio, asked, Cause.BAD_CHECKPOINT)
    (remedy,) = remedies(job, studio.runs.run_spec(job.id))
    assert remedy.spec == asked


def test_the_micro_batch_is_honoured_and_never_more_than_fits(studio: Studio, asked: JobSpec) -> None:
    def preview(tokens: int) -> RunSpec:
        return studio.runs.preview(
            asked.model_copy(update={"hyperparameters": Hyperparameters(micro_batch_tokens=tokens)})
        )

    assert preview(128).compute.micro_batch_tokens == 128
    fits = preview(0).compute.micro_batch_tokens
    assert preview(10**6).compute.micro_batch_tokens == fits
    assert "Micro-Batch Size" in {change.field for change in preview(10**6).changes}
    assert "Micro-Batch Size" not in {change.field for change in preview(0).changes}
