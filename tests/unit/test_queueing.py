"""Hold, release, priority, places and claims against a real SQLite."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app import main
from core.devices import SimulatedDevices
from core.errors import BadInput, Conflict
from core.home import Home
from core.people import Actor
from core.queueing import Shift
from core.studio import Studio
from storage.files import read_json, write_json
from storage.spec import JobSpec
from storage.status import Status
from storage.tables import Job

ALICE = Actor("Alice", "alice@example.org")
BOB = Actor("Bob", "bob@example.org")


@pytest.fixture
def gpus(tmp_path: Path) -> Path:
    path = tmp_path / "gpus.json"
    path.write_text(json.dumps({"gpus": [{"uuid": "GPU-a"}, {"uuid": "GPU-b"}]}))
    return path


@pytest.fixture
def studio(home: Home, gpus: Path):  # type: ignore[no-untyped-def]
    studio = Studio(home, devices=SimulatedDevices(gpus))
    studio.open()
    yield studio
    studio.close()


def submit(studio: Studio, asked: JobSpec, name: str, actor: Actor = ALICE, **fields: object) -> Job:
    return studio.runs.submit(asked.model_copy(update={"display_name": name} | fields), actor=actor)


def claim_titles(studio: Studio) -> list[str]:
    titles = []
    while job := studio.runs.claim_next():
        titles.append(job.title)
        studio.runs.move(job, Status.COMPLETED)
    return titles


def test_two_jobs_hold_two_gpus_and_a_third_waits(studio: Studio, asked: JobSpec) -> None:
    for name in ("first", "second", "third"):
        submit(studio, asked, name)
    first, second = studio.runs.claim_next(), studio.runs.claim_next()
    assert first
    assert second
    assert studio.runs.claim_next() is None
    held = [device.uuid for job in (first, second) for device in studio.queue.devices_of(job)]
    assert sorted(held) == ["GPU-a", "GPU-b"]
    third = studio.runs.search(query("third")).rows[0]
    assert studio.queue.waits_because(third).startswith("Waits for “first”, which uses GPU 0")
    studio.runs.move(first, Status.FAILED)
    assert studio.queue.devices_of(first) == ()
    assert studio.runs.claim_next()


def query(words: str):  # type: ignore[no-untyped-def]
    from storage.jobs import Query

    return Query(search=words)


def test_the_spec_names_a_kind_and_the_lease_the_gpus(studio: Studio, asked: JobSpec) -> None:
    job = submit(studio, asked, "wide", devices=2)
    compute = studio.runs.run_spec(job.id).compute
    assert (compute.device, compute.devices) == ("cuda", 2)
    assert compute.threads == max(1, len(os.sched_getaffinity(0)) // 2)
    claimed = studio.runs.claim_next()
    assert claimed
    assert [device.uuid for device in studio.queue.devices_of(claimed)] == ["GPU-a", "GPU-b"]


@pytest.mark.parametrize(
    ("devices", "gpus_here", "said"),
    [(3, 2, "this machine has 2"), (13, 16, "has 12 rows"), (2, 0, "its processor is one device")],
)
def test_more_gpus_than_there_are_or_than_rows_are_refused(
    studio: Studio, asked: JobSpec, gpus: Path, devices: int, gpus_here: int, said: str
) -> None:
    gpus.write_text(json.dumps({"gpus": [{"uuid": f"GPU-{number}"} for number in range(gpus_here)]}))
    with pytest.raises(BadInput, match=f"{devices} GPUs were asked for.*{said}"):
        submit(studio, asked, "wide", devices=devices)


def test_a_held_job_waits_for_its_release(studio: Studio, asked: JobSpec) -> None:
    job = submit(studio, asked, "one")
    assert studio.queue.waits_because(studio.queue.hold(job.id, actor=BOB)) == "Held by Bob."
    assert studio.runs.claim_next() is None
    assert studio.queue.waits_because(studio.queue.release(job.id, actor=BOB)) == "Starts in a moment."
    claimed = studio.runs.claim_next()
    assert claimed
    with pytest.raises(Conflict, match="“one” is preparing, so it cannot be held"):
        studio.queue.hold(job.id, actor=BOB)


def test_moves_change_the_order_even_where_places_are_equal(studio: Studio, asked: JobSpec) -> None:
    jobs = {name: submit(studio, asked, name) for name in "abcd"}
    with studio._database.write() as session:
        from storage.jobs import set_places

        set_places(session, dict.fromkeys((job.id for job in jobs.values()), 5.0))
    names = {job.id: name for name, job in jobs.items()}
    by_id = [names[job_id] for job_id in sorted(names)]
    studio.queue.move(jobs[by_id[3]].id, Shift.FRONT, actor=ALICE)
    studio.queue.move(jobs[by_id[0]].id, Shift.DOWN, actor=ALICE)
    studio.queue.move(jobs[by_id[2]].id, Shift.UP, actor=ALICE)
    assert claim_titles(studio) == [by_id[3], by_id[1], by_id[2], by_id[0]]


def test_a_priority_goes_first_and_has_bounds(studio: Studio, asked: JobSpec) -> None:
    submit(studio, asked, "early")
    late = submit(studio, asked, "late")
    assert studio.queue.prioritise(late.id, 5, actor=BOB).message == "Priority 5, given by Bob."
    with pytest.raises(BadInput, match="1000 is out of bounds"):
        studio.queue.prioritise(late.id, 1000, actor=BOB)
    assert claim_titles(studio) == ["late", "early"]


def test_stale_leases_are_freed_and_true_ones_kept(studio: Studio, asked: JobSpec) -> None:
    submit(studio, asked, "one")
    claimed = studio.runs.claim_next()
    assert claimed
    with studio._database.write() as session:
        from storage import leases

        leases.take(session, claimed.model_copy(update={"token": "0" * 32}), ["GPU-b"])
    studio.queue.release_stale()
    assert [device.uuid for device in studio.queue.devices_of(claimed)] == ["GPU-a"]


def test_a_lost_gpu_is_told_and_a_silent_driver_is_not_a_lost_gpu(studio: Studio, asked: JobSpec, gpus: Path) -> None:
    job = submit(studio, asked, "one")
    assert studio.runs.claim_next()
    gpus.write_text(json.dumps({"error": "Driver/library version mismatch"}))
    assert studio.queue.lost_devices() == {}
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "lost": True}, {"uuid": "GPU-b"}]}))
    assert "GPU 0" in studio.queue.lost_devices()[job.id]


def test_pages_hear_of_a_reason_that_has_changed(home: Home, gpus: Path, asked: JobSpec) -> None:
    changed: list[str] = []
    studio = Studio(home, job_changed=changed.append, devices=SimulatedDevices(gpus))
    job = submit(studio, asked, "one")
    studio.queue.tell_news()
    changed.clear()
    studio.queue.tell_news()
    assert changed == []
    users = [{"pid": 7, "user": "eve", "memory_gb": 20}]
    gpus.write_text(json.dumps({"gpus": [{"uuid": u, "processes": users} for u in ("GPU-a", "GPU-b")]}))
    studio.queue.tell_news()
    assert changed == [job.id]
    studio.close()


def test_a_gpu_that_is_gone_is_missed_over_a_restart_until_the_machine_is_restarted(
    home: Home, gpus: Path, asked: JobSpec
) -> None:
    job, gone = None, {"uuid": "GPU-a", "lost": True}

    def reason_after_a_restart() -> str:
        nonlocal job
        studio = Studio(home, devices=SimulatedDevices(gpus))
        job = job or submit(studio, asked, "one")
        said = studio.queue.waits_because(job)
        studio.queue.keep_in_mind()
        studio.close()
        return said

    assert reason_after_a_restart() == "Starts in a moment."
    gpus.write_text(json.dumps({"gpus": [gone, gone | {"uuid": "GPU-b"}]}))
    aside = "does not answer; it is set aside until it is seen healthy again."
    assert reason_after_a_restart().count(aside) == 2
    assert reason_after_a_restart().count(aside) == 2
    kept = read_json(home.path / "devices.json") or {}
    for change in ({"boot_id": "another"}, {"source": "NvmlDevices"}, {"gpus": [1, {}, {"uuid": "GPU-a"}]}):
        write_json(home.path / "devices.json", kept | change)
        assert reason_after_a_restart() == "Needs a GPU, none is free."


def test_reasons_are_found_once_and_anew_after_any_change(studio: Studio, asked: JobSpec, gpus: Path) -> None:
    job = submit(studio, asked, "one")
    assert studio.queue.reasons() is studio.queue.reasons()
    studio.queue.hold(job.id, actor=BOB)
    assert studio.queue.reasons()[job.id] == "Held by Bob."
    studio.queue.release(job.id, actor=BOB)
    users = [{"pid": 7, "user": "eve", "memory_gb": 20}]
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "processes": users}]}))
    assert "(eve)" in studio.queue.reasons()[job.id]
    studio.runs.cancel(job.id, actor=BOB)
    assert studio.queue.reasons() == {}
    another = submit(studio, asked, "two")
    assert list(studio.queue.reasons()) == [another.id]


def test_the_command_line_orders_the_queue(studio: Studio, asked: JobSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TUNESMITH_SIMULATED_GPUS", "/nowhere.json")
    job = submit(studio, asked, "one")

    def run(*words: str) -> str:
        done = CliRunner().invoke(main, ["jobs", *words, "--data-dir", str(studio.home.path)])
        assert done.exit_code == 0, done.output
        return done.output

    assert "Held by" in run("hold", job.id)
    run("priority", job.id, "7")
    run("move", job.id, "front")
    assert "which GPUs there are" in run("release", job.id)
    assert studio.runs.get(job.id).priority == 7
