"""Deployments: which names answer, what stands behind each, and how the index finds them again."""

import shutil
from pathlib import Path

import pytest

from core.errors import BadInput, Conflict, NotFound
from core.people import Actor
from core.recovery import rebuild
from core.serving.counters import Answered
from core.serving.deployments import proposed_name
from core.serving.ledger import Ledger
from core.serving.standing import State
from core.serving.targets import Target
from core.studio import Studio
from storage.files import write_json
from storage.manifest import seal
from storage.methods import Full, Method
from storage.retention import PIN
from storage.spec import JobSpec
from storage.status import Status
from storage.tables import TargetKind

ALICE = Actor("Alice", "alice@example.org")


def sealed(folder: Path, *, adapter: bool = True) -> None:
    partial = folder.with_name(f"{folder.name}.partial")
    partial.mkdir(parents=True)
    write_json(partial / ("adapter_config.json" if adapter else "config.json"), {})
    seal(partial, folder)


def completed(studio: Studio, asked: JobSpec, name: str, method: Method | None = None) -> str:
    changes = {"job_id": name, "output_name": f"{name}-out", "method": method or asked.method}
    studio.runs.submit(asked.model_copy(update=changes), actor=ALICE)
    job = studio.runs.claim_next()
    assert job
    folder = studio.runs.folder(name)
    folder.attempt(1).claim(job.token)
    sealed(folder.checkpoints / "step-00000200")
    sealed(folder.output, adapter=not isinstance(method, Full))
    studio.runs.move(job, Status.COMPLETED, ended_at=job.started_at)
    return name


@pytest.fixture
def greeter(studio: Studio, asked: JobSpec) -> str:
    return completed(studio, asked, "greeter")


@pytest.mark.parametrize(
    ("asked_for", "kind", "step"),
    [
        ("greeter", TargetKind.JOB, 0),
        ("greeter-out", TargetKind.JOB, 0),
        ("greeter-out@200", TargetKind.CHECKPOINT, 200),
        ("tiny", TargetKind.MODEL, 0),
        ("nobody/tiny", TargetKind.MODEL, 0),
    ],
)
def test_what_may_be_deployed(studio: Studio, greeter: str, asked_for: str, kind: TargetKind, step: int) -> None:
    row = studio.deployments.create("support", asked_for, actor=ALICE)
    assert (row.kind, row.target_id, row.step) == (kind, "tiny" if kind is TargetKind.MODEL else greeter, step)
    place = studio.deployments.place(row)
    assert place.base.model.id == "tiny"
    assert (place.adapter is None) is (kind is TargetKind.MODEL)


def test_what_lies_on_top_of_another_jobs_adapter_has_a_worker_that_merges_that_first(
    studio: Studio, asked: JobSpec, greeter: str
) -> None:
    on_top = completed(studio, asked, "on-top")
    other = studio.runs.folder(on_top).output / "start"
    other.mkdir()
    write_json(other / "adapter_config.json", {})
    plain, merged = (
        studio.deployments.place(studio.deployments.create(f"of-{name}", name, actor=ALICE))
        for name in (greeter, on_top)
    )
    assert (plain.base.beneath, merged.base.beneath) == ("", str(other))
    assert merged.base != plain.base
    assert merged.base.model.path == plain.base.model.path
    # The base model is needed for it, too.
    assert "“of-greeter”, “of-on-top”" in studio.deployments.needing("tiny")


def test_totals_outlive_the_studio_and_a_damaged_file_costs_figures_only(studio: Studio, greeter: str) -> None:
    row = studio.deployments.create("support", greeter, actor=ALICE)
    folder = studio.home.deployments
    ledger = Ledger(folder)
    for failed in (False, True):
        ledger.counter(row.id).begin()
        ledger.counter(row.id).end(Answered(took_s=1.0, prompt_tokens=5, completion_tokens=7, failed=failed))
    ledger.counter("gone").begin()
    ledger.counter("gone").end(Answered(took_s=1.0))
    ledger.stop()
    later = Ledger(folder).counter(row.id).figures()
    assert (later.requests, later.errors, later.prompt_tokens, later.completion_tokens) == (2, 1, 10, 14)
    assert (later.running, later.latency_p50_s) == (0, None), "lately nothing was asked"
    assert not (folder / "gone").exists()
    write_json(folder / row.id / "figures.json", {"requests": "many", "errors": -1, "prompt_tokens": 3, "odd": []})
    damaged = Ledger(folder).counter(row.id).figures()
    assert (damaged.requests, damaged.errors, damaged.prompt_tokens) == (0, 0, 3)


def test_adapters_of_one_base_model_share_its_worker_and_a_whole_model_is_its_own(
    studio: Studio, asked: JobSpec, greeter: str
) -> None:
    completed(studio, asked, "whole", Full())
    places = {
        name: studio.deployments.place(studio.deployments.create(f"of-{name.replace('@', '-')}", name, actor=ALICE))
        for name in ("tiny", "greeter", "greeter@200", "whole")
    }
    assert places["tiny"].base == places["greeter"].base == places["greeter@200"].base
    assert places["whole"].base != places["tiny"].base
    assert places["whole"].adapter is None
    assert places["whole"].base.model.path == str(studio.runs.folder("whole").output)
    assert places["greeter"].adapter != places["greeter@200"].adapter


@pytest.mark.parametrize("name", ["", "Support", "a b", "../etc", "-x", "x" * 64, "a/b", "<b>"])
def test_a_name_that_is_none_is_refused(studio: Studio, greeter: str, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be a deployment's name"):
        studio.deployments.create(name, greeter, actor=ALICE)


def test_names_are_unique_and_targets_there(studio: Studio, greeter: str) -> None:
    studio.deployments.create("support", greeter, actor=ALICE)
    with pytest.raises(Conflict, match="already"):
        studio.deployments.create("support", "tiny", actor=ALICE)
    with pytest.raises(NotFound, match=r"no checkpoint of step 7.*There are: 200"):
        studio.deployments.create("other", "greeter@7", actor=ALICE)
    with pytest.raises(NotFound, match="“nothing”"):
        studio.deployments.create("other", "nothing", actor=ALICE)


def test_a_deployed_checkpoint_is_pinned_and_a_deployed_job_stays(studio: Studio, greeter: str) -> None:
    studio.deployments.create("support", "greeter@200", actor=ALICE)
    assert (studio.runs.folder(greeter).checkpoints / "step-00000200" / PIN).exists()
    with pytest.raises(Conflict, match="answers as support"):
        studio.runs.delete(greeter, actor=ALICE)
    assert "“support”" in studio.deployments.needing("tiny")
    studio.deployments.delete("support", actor=ALICE)
    studio.runs.delete(greeter, actor=ALICE)


def test_without_a_worker_a_switch_is_made_at_once(studio: Studio, asked: JobSpec, greeter: str) -> None:
    completed(studio, asked, "better")
    studio.deployments.create("support", greeter, actor=ALICE)
    studio.deployments.switch("support", "better", actor=ALICE).result(0)
    row = studio.deployments.get("support")
    assert (row.target_id, row.message) == ("better", "Switched to better-out by Alice.")


def test_each_state_says_why(studio: Studio, greeter: str) -> None:
    studio.deployments.create("support", greeter, actor=ALICE)

    def state() -> tuple[State, str]:
        (shown,) = studio.deployments.all()
        return shown.standing.state, shown.standing.reason

    assert state() == (State.READY, "Not in memory yet; the first request loads it.")
    studio.deployments.stop("support", actor=ALICE)
    assert state() == (State.STOPPED, "Stopped by Alice.")
    studio.deployments.start("support", actor=ALICE)
    shutil.rmtree(studio.runs.folder(greeter).output)
    assert state()[0] is State.DEGRADED
    assert "no finished output" in state()[1]


def test_the_index_finds_deployments_again_and_forgets_deleted_ones(studio: Studio, greeter: str) -> None:
    studio.deployments.create("kept", greeter, actor=ALICE)
    studio.deployments.create("gone", "tiny", actor=ALICE)
    studio.deployments.stop("kept", actor=ALICE)
    before = studio.deployments.get("kept")
    studio.deployments.delete("gone", actor=ALICE)
    studio.close()
    studio.home.database.unlink()
    assert rebuild(studio.home).report.deployments == 1
    again = Studio(studio.home)
    again.open()
    assert again.deployments.rows() == [before]
    again.close()


def test_a_name_is_proposed_that_can_be_one() -> None:
    assert proposed_name("Support Bot 2 (Müller)") == "support-bot-2-m-ller"
    assert proposed_name("…") == "deployment"
    assert Target(kind=TargetKind.CHECKPOINT, id="a-b", step=3).key == "checkpoint.a-b.3"
