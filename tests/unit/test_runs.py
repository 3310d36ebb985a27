"""Jobs without a trainer: submitting, the legal moves, cancelling, and sentences for what cannot be."""

import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pydantic
import pytest

from core.errors import BadInput, Conflict, NotFound
from core.home import Home
from core.people import Actor
from core.runs import MOVES
from core.studio import Studio
from storage import job_search, jobs
from storage.jobs import Query
from storage.methods import Prefix
from storage.spec import HoldOut, Hyperparameters, JobSpec, Objective
from storage.status import Status
from storage.tables import Job

ALICE = Actor("Alice", "alice@example.org")


def test_a_job_is_a_folder_and_a_row(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    assert studio.runs.get(job.id).status is Status.QUEUED
    spec = studio.runs.run_spec(job.id)
    assert spec.asked == asked
    assert spec.created_by == "alice@example.org"
    assert spec.dataset.sha256 == studio.datasets.get(asked.dataset).sha256


def test_what_was_asked_too_large_is_lowered_with_its_reason(studio: Studio, asked: JobSpec) -> None:
    spec = studio.runs.preview(asked)
    assert spec.hyperparameters.max_context_length == 512
    assert spec.hyperparameters.batch_size < 100
    assert {change.field for change in spec.changes} == {"Batch Size", "Max Context Length"}
    assert all(change.reason for change in spec.changes)


def test_what_fits_runs_as_asked(studio: Studio, asked: JobSpec) -> None:
    modest = asked.model_copy(update={"hyperparameters": Hyperparameters(batch_size=64, max_context_length=256)})
    assert studio.runs.preview(modest).changes == ()


@pytest.mark.parametrize(
    ("update", "said"),
    [
        ({"model": "gpt-17"}, "no model “gpt-17”"),
        ({"dataset": "ds-none"}, "no dataset “ds-none”"),
        ({"objective": Objective.RFT}, "holds labelled examples, but reinforcement"),
        ({"objective": Objective.DPO}, "holds labelled examples, but preference"),
        ({"method": Prefix(length=500)}, "A prefix of 500 virtual tokens with Tiny cannot be"),
    ],
)
def test_what_cannot_run_is_refused_and_leaves_nothing(
    studio: Studio, asked: JobSpec, update: dict[str, object], said: str
) -> None:
    with pytest.raises((BadInput, NotFound), match=said):
        studio.runs.submit(asked.model_copy(update=update), actor=ALICE)
    assert list(studio.home.runs.iterdir()) == []
    assert studio.runs.search(Query()).total == 0


@pytest.mark.parametrize(
    "fields",
    [
        {"job_id": "../../etc"},
        {"job_id": "UPPER"},
        {"output_name": "a/b"},
        {"hyperparameters": {"epochs": 0}},
        {"hyperparameters": {"learning_rate": float("nan")}},
        {"method": {"kind": "lora", "targets": "q_proj; rm"}},
        {"surprise": 1},
    ],
)
def test_the_spec_is_closed_and_bounded(fields: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        JobSpec.model_validate({"model": "m", "dataset": "d"} | fields)


def test_a_job_id_is_taken_once(studio: Studio, asked: JobSpec) -> None:
    named = asked.model_copy(update={"job_id": "my-job"})
    studio.runs.submit(named, actor=ALICE)
    with pytest.raises(Conflict, match="“my-job” is taken"):
        studio.runs.submit(named, actor=ALICE)


def test_a_full_disk_is_said_before_anything_is_written(studio: Studio, asked: JobSpec) -> None:
    crammed = Studio(Home(studio.home.path, floor_bytes=10**18))
    with pytest.raises(BadInput, match=r"needs about \d+ MB \(estimate\)"):
        crammed.runs.submit(asked, actor=ALICE)
    crammed.close()
    assert list(studio.home.runs.iterdir()) == []


def test_a_queued_job_is_cancelled_at_once_and_once(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    assert studio.runs.cancel(job.id, actor=ALICE).status is Status.CANCELLED
    again = studio.runs.cancel(job.id, actor=Actor("Bob", "bob@example.org"))
    assert again.message == "Cancelled by Alice."


def test_a_claim_is_fenced(studio: Studio, asked: JobSpec) -> None:
    studio.runs.submit(asked, actor=ALICE)
    first = studio.runs.claim_next()
    assert first is not None
    assert studio.runs.claim_next() is None
    stale = first.model_copy(update={"token": "0" * 32})
    assert not studio.runs.move(stale, Status.RUNNING)
    assert studio.runs.move(first, Status.RUNNING)


@pytest.mark.parametrize(("start", "target"), list(itertools.product(Status, Status)))
def test_only_legal_moves_change_a_row(studio: Studio, asked: JobSpec, start: Status, target: Status) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    studio.runs._write(job, only_from=list(Status), status=start)
    moved = studio.runs.move(job, target)
    assert moved == (target in MOVES[start])
    assert studio.runs.get(job.id).status is (target if moved else start)


def test_terminal_means_terminal_but_for_a_person_who_retries() -> None:
    assert set(MOVES) == set(Status)
    assert MOVES[Status.COMPLETED] == frozenset()
    assert all(MOVES[status] <= {Status.QUEUED} for status in Status if status.is_terminal)


def test_a_paused_job_waits_until_it_is_resumed(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    assert studio.runs.pause(job.id, actor=ALICE).status is Status.PAUSED
    assert studio.runs.claim_next() is None
    with pytest.raises(Conflict, match="is paused, so it cannot be paused"):
        studio.runs.pause(job.id, actor=ALICE)
    assert studio.runs.resume(job.id, actor=ALICE).status is Status.QUEUED
    assert studio.runs.claim_next() is not None


def test_a_cancelled_job_can_be_tried_again_and_a_completed_one_cannot(studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=ALICE)
    studio.runs.cancel(job.id, actor=ALICE)
    again = studio.runs.retry(job.id, actor=ALICE)
    assert (again.status, again.cancel_requested) == (Status.QUEUED, False)
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.move(claimed, Status.COMPLETED)
    with pytest.raises(Conflict, match="is completed, so it cannot be tried again"):
        studio.runs.retry(job.id, actor=ALICE)


def test_search_finds_words_in_any_column(studio: Studio, asked: JobSpec) -> None:
    for name in ("Refund bot 100%", "Other"):
        studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=ALICE)
    assert studio.runs.search(Query(search="refund greetings")).total == 1
    assert studio.runs.search(Query(search="alice@example.org")).total == 2
    assert studio.runs.search(Query(search="100%")).total == 1
    assert studio.runs.search(Query(search="%")).total == 1
    assert studio.runs.search(Query(status=Status.RUNNING)).total == 0


def test_search_understands_fragments_quotes_and_short_words(studio: Studio, asked: JobSpec) -> None:
    names = ('say "hello" OR goodbye', "Über-Ton", "x9")
    ids = {}
    for name in names:
        ids[name] = studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=ALICE).id

    def found(words: str) -> list[str]:
        return [job.display_name for job in studio.runs.search(Query(search=words)).rows]

    assert found('"hello"') == [names[0]]
    assert found("ello bye") == [names[0]]
    assert found("ber-T") == [names[1]]
    assert found("x9") == [names[2]]
    assert found("x9 greetings") == [names[2]]
    assert found("or goodbye") == [names[0]]
    assert found(ids["x9"]) == [names[2]]
    assert found("hello AND nothing*") == []
    studio.runs.cancel(ids["x9"], actor=ALICE)
    studio.runs.delete(ids["x9"], actor=ALICE)
    assert found("x9") == []


def test_the_palette_names_the_newest_jobs_of_any_type_that_have_every_word(studio: Studio, asked: JobSpec) -> None:
    for name in ("refund one", "greeting", "refund two", "x9 refund"):
        studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=ALICE)
    with studio._database.write() as session:
        job = studio.runs.search(Query(search="greeting")).rows[0]
        row = job.model_dump() | {"id": "liked", "objective": Objective.DPO, "display_name": "refund, preferred"}
        jobs.add(session, Job(**(row | {"created_at": datetime.now(UTC)})))

    def found(words: str) -> list[str]:
        return [hit.title for hit in studio.finder.find(words, actor=ALICE) if hit.kind == "job"]

    assert found("refund") == ["refund, preferred", "x9 refund", "refund two", "refund one"]
    assert found("REFUND x9") == found("x9") == ["x9 refund"]
    assert found("") == ["refund, preferred", "x9 refund", "refund two", "greeting", "refund one"]
    assert found("refund nowhere") == found("%") == []


def test_short_words_are_paged_in_the_lists_order_however_many_rows_have_them(studio: Studio) -> None:
    with studio._database.write() as session:
        for number in range(400):
            row = {name: "" for name in ("method", "output_name", "model_id", "model_name", "dataset_id")}
            people = {"created_by_name": "Al", "created_by_email": "al@x.org", "dataset_name": "d"}
            # Every eighth has the word; their places in the table are not their places in the list.
            name = f"{'zq' if number % 8 == 3 else 'n'}{number}"
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number * 7 % 400)
            jobs.add(
                session, Job(id=f"job-{number:03}", objective="sft", display_name=name, created_at=at, **row, **people)
            )
    everything = [job for page in range(1, 17) for job in studio.runs.search(Query(page=page)).rows]
    matching = [job for job in everything if "zq" in job.display_name]
    assert len(matching) == 50
    for page in (1, 2, 3):
        found = studio.runs.search(Query(search="ZQ", page=page))
        assert (list(found.rows), found.total) == (matching[25 * (page - 1) : 25 * page], 50)
    assert studio.runs.search(Query(search="#§")).rows == ()


def test_a_word_that_every_row_has_is_paged_in_order(studio: Studio, asked: JobSpec) -> None:
    with studio._database.write() as session:
        for number in range(job_search.COUNTED + 5):
            row = {name: "" for name in ("method", "output_name", "model_id", "model_name", "dataset_id")}
            people = {"created_by_name": "Al", "created_by_email": "al@x.org", "dataset_name": "everywhere"}
            at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
            job = Job(id=f"job-{number:05}", objective="sft", display_name=f"n{number}", created_at=at, **row, **people)
            jobs.add(session, job)
    for page in (1, 50, 300):
        found = studio.runs.search(Query(search="everywhere", page=page))
        plain = studio.runs.search(Query(page=page))
        assert found.rows == plain.rows
        assert (found.total, found.more) == (job_search.COUNTED, True)
        assert not plain.more


def test_running_means_every_live_state(studio: Studio, asked: JobSpec) -> None:
    for status in Status:
        job = studio.runs.submit(asked, actor=ALICE)
        studio.runs._write(job, only_from=list(Status), status=status)
    running = studio.runs.search(Query(status=Status.RUNNING)).rows
    assert {job.status for job in running} == {status for status in Status if status.is_live}
    assert [job.status for job in studio.runs.search(Query(status=Status.PREPARING)).rows] == [Status.PREPARING]


def test_cancel_all_hits_what_the_query_lists(studio: Studio, asked: JobSpec) -> None:
    for name in ("alpha", "alpha", "beta"):
        studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=ALICE)
    live = studio.runs.claim_next()
    assert live
    assert studio.runs.cancel_all(Query(status=Status.QUEUED, search="alpha"), actor=ALICE) == 1
    assert studio.runs.cancel_all(Query(status=Status.RUNNING), actor=ALICE) == 1
    row = studio.runs.get(live.id)
    assert (row.status, row.cancel_requested, row.message) == (Status.CANCELLING, True, "Cancelled by Alice.")
    assert studio.runs.search(Query(status=Status.QUEUED)).total == 1
    assert studio.runs.cancel_all(Query(status=Status.RUNNING), actor=ALICE) == 0


def test_the_profile_is_asked_once_and_checked(studio: Studio) -> None:
    assert not studio.people.profile().confirmed
    with pytest.raises(BadInput, match="not an email"):
        studio.people.save("Alice", "alice")
    assert studio.people.save(" Alice ", "alice@example.org").confirmed
    assert studio.people.actor() == ALICE


def test_a_draft_survives_a_restart(studio: Studio) -> None:
    studio.drafts.save("sft", {"epochs": 3})
    reopened = Studio(studio.home)
    reopened.open()
    assert reopened.drafts.load("sft") == {"epochs": 3}
    reopened.drafts.drop("sft")
    assert studio.drafts.load("sft") is None
    reopened.close()


def test_a_hold_out_is_a_share() -> None:
    with pytest.raises(pydantic.ValidationError):
        HoldOut(share=1.0)


def test_a_dataset_that_is_a_folder_is_refused(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file"):
        studio.datasets.add(tmp_path, name=None, actor=ALICE)
