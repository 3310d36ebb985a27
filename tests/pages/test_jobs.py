"""The jobs list: rows, filters, paging, live pills, and what it says when there is nothing to list."""

import asyncio
import io
import json
import tarfile
from pathlib import Path

import pytest
from nicegui import ui
from nicegui.testing import User

from core.people import Actor
from core.studio import Studio
from storage.jobs import Query
from storage.manifest import seal
from storage.process import SIMULATION_VARIABLE
from storage.spec import JobSpec
from storage.status import Status

BOB = Actor("Bob", "bob@example.org")
JOBS = "/dashboard/fine-tuning"


def rows(user: User) -> list[str]:
    """The titles that the table shows, top to bottom."""
    (table,) = user.find(ui.table).elements
    return [row["title"] for row in table.rows]


async def test_an_empty_list_teaches_and_offers_the_first_step(user: User) -> None:
    await user.open("/dashboard/fine-tuning")
    await user.should_see("Fine-Tuning Jobs")
    await user.should_see("View your past fine-tuning jobs and create new ones.")
    await user.should_see("Teach a model with your own examples")
    user.find("new-job").click()
    await user.should_see("Supervised (SFT)")
    await user.should_see("Uses pairs of preferred vs. rejected answers")


async def test_a_row_shows_who_made_what_from_what(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked.model_copy(update={"display_name": "My tone"}), actor=BOB)
    await user.open("/dashboard/fine-tuning")
    (table,) = user.find(ui.table).elements
    (row,) = table.rows
    assert (row["title"], row["id"], row["by"]) == ("My tone", job.id, BOB.email)
    assert (row["model"], row["dataset"], row["status"]) == ("Tiny", "greetings", "Queued")
    assert row["url"] == f"/dashboard/fine-tuning/supervised/{job.id}"


async def test_search_and_status_narrow_the_list(user: User, studio: Studio, asked: JobSpec) -> None:
    for name in ("alpha", "beta"):
        studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=BOB)
    await user.open("/dashboard/fine-tuning")
    assert sorted(rows(user)) == ["alpha", "beta"]
    user.find("search").type("alph")
    await asyncio.sleep(0.2)
    assert rows(user) == ["alpha"]
    user.find("search").clear()
    await asyncio.sleep(0.2)
    (status,) = user.find("status").elements
    status.value = "completed"
    await user.should_see("No jobs match")


async def test_the_address_holds_the_whole_view(user: User, studio: Studio, asked: JobSpec) -> None:
    for number in range(27):
        studio.runs.submit(asked.model_copy(update={"display_name": f"run-{number:02}-of-27"}), actor=BOB)
    await user.open("/dashboard/fine-tuning?type=supervised&status=queued&page=2")
    assert rows(user) == ["run-01-of-27", "run-00-of-27"]
    await user.should_see("26–27 of 27")
    user.find("Previous").click()
    await asyncio.sleep(0.2)
    assert len(rows(user)) == 25
    await user.open("/dashboard/fine-tuning?q=run-13-of-27")
    assert rows(user) == ["run-13-of-27"]


async def test_nonsense_in_the_address_shows_the_plain_list(user: User, studio: Studio, asked: JobSpec) -> None:
    studio.runs.submit(asked.model_copy(update={"display_name": "alpha"}), actor=BOB)
    await user.open("/dashboard/fine-tuning?type=x&status=%3Cb%3E&page=minus-one")
    assert rows(user) == ["alpha"]


async def test_a_pill_changes_without_reload(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await user.open("/dashboard/fine-tuning")
    await asyncio.to_thread(studio.runs.cancel, job.id, actor=BOB)
    for _ in range(300):
        await asyncio.sleep(0.1)
        (table,) = user.find(ui.table).elements
        if table.rows[0]["status"] == "Cancelled":
            break
    assert table.rows[0]["status"] == "Cancelled"
    assert "cancel" not in [action["name"] for action in table.rows[0]["acts"]]


async def test_each_kind_says_what_it_is_while_there_are_no_jobs(user: User) -> None:
    await user.open("/dashboard/fine-tuning?type=reinforcement")
    await user.should_see("Teach a model by scoring its answers")


async def test_a_waiting_row_says_why_and_can_be_held(user: User, studio: Studio, asked: JobSpec) -> None:
    first = studio.runs.submit(asked.model_copy(update={"display_name": "first"}), actor=BOB)
    second = studio.runs.submit(asked.model_copy(update={"display_name": "second"}), actor=BOB)
    assert studio.runs.claim_next()
    await user.open("/dashboard/fine-tuning")
    (table,) = user.find(ui.table).elements
    notes = {row["title"]: row["note"] for row in table.rows}
    assert notes == {"first": "", "second": "Waits for “first”, which uses this machine's processor."}
    asks = {row["title"]: [entry["ask"] for entry in row["queue"]] for row in table.rows}
    assert asks == {"first": [], "second": ["hold", "front", "up", "down", "raise", "lower"]}
    assert studio.runs.get(first.id).status.value == "preparing"
    for ask in ("raise", "hold"):
        user.find(ui.table).trigger("ask_queue", [ask, second.id])
    for _ in range(300):
        if (row := studio.runs.get(second.id)).held and row.priority:
            break
        await asyncio.sleep(0.05)
    assert (row.priority, row.held) == (1, True)


async def test_hold_and_release_from_the_job_page(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await user.open(f"/dashboard/fine-tuning/supervised/{job.id}")
    await user.should_see("Processor")
    user.find("queue-hold").click()
    await user.should_see("Held by Alice.")
    user.find("queue-release").click()
    await user.should_see("Starts in a moment.")


async def test_cancel_all_is_offered_for_what_waits_and_asks_first(user: User, studio: Studio, asked: JobSpec) -> None:
    for name in ("alpha", "beta"):
        studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=BOB)
    await user.open("/dashboard/fine-tuning")
    await user.should_not_see(marker="cancel-all")
    await user.open("/dashboard/fine-tuning?status=queued")
    user.find(marker="cancel-all").click()
    await user.should_see("Cancel 2 jobs?")
    user.find(kind=ui.button, content="Cancel 2 jobs").click()
    await user.should_see("No jobs match")
    assert {job.status for job in studio.runs.search(Query()).rows} == {Status.CANCELLED}


async def test_a_row_can_be_deleted_once_it_is_over(user: User, studio: Studio, asked: JobSpec) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await user.open("/dashboard/fine-tuning")
    (table,) = user.find(ui.table).elements
    assert not offers_delete(table)
    await asyncio.to_thread(studio.runs.cancel, job.id, actor=BOB)
    await user.open("/dashboard/fine-tuning")
    (table,) = user.find(ui.table).elements
    assert offers_delete(table)
    user.find(ui.table).trigger("act", ["delete", job.id])
    await user.should_see("Delete this job?")
    user.find(kind=ui.button, content="Delete job").click()
    await user.should_see("Teach a model with your own examples")
    assert not studio.home.runs.joinpath(job.id).exists()


def offers_delete(table: ui.table) -> bool:
    return "delete" in [act["name"] for act in table.rows[0]["acts"]]


async def test_a_pinned_job_stands_first_until_it_is_unpinned(user: User, studio: Studio, asked: JobSpec) -> None:
    ids = {}
    for number in range(27):
        name = f"run-{number:02}"
        ids[name] = studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=BOB).id
    await user.open(JOBS)
    assert rows(user)[:2] == ["run-26", "run-25"]
    user.find(ui.table).trigger("pin", [ids["run-00"], True])
    await shown_first(user, "run-00")
    assert len(rows(user)) == 26
    await user.open(f"{JOBS}?q=run-2")  # a pin does not bring in what the search leaves out
    assert rows(user)[0] == "run-26"
    await user.open(JOBS)
    assert rows(user)[0] == "run-00"
    user.find(ui.table).trigger("pin", [ids["run-00"], False])
    await shown_first(user, "run-26")


async def shown_first(user: User, title: str) -> None:
    for _ in range(300):
        if rows(user)[0] == title:
            break
        await asyncio.sleep(0.1)
    assert rows(user)[0] == title


def choose(user: User, *ids: str) -> None:
    (table,) = user.find(ui.table).elements
    chosen = [row for row in table.rows if row["id"] in ids]
    user.find(ui.table).trigger("selection", {"added": True, "rows": chosen, "keys": list(ids)})


async def test_chosen_jobs_are_cancelled_and_deleted_with_one_question_and_one_toast(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    ids = [
        studio.runs.submit(asked.model_copy(update={"display_name": name}), actor=BOB).id
        for name in ("alpha", "beta", "gamma")
    ]
    await user.open(JOBS)
    await user.should_not_see("1 chosen")
    choose(user, *ids[:2])
    await user.should_see("2 chosen")
    user.find(marker="cancel-chosen").click()
    await user.should_see("Cancel 2 jobs?")
    user.find(kind=ui.button, content="Cancel 2 jobs").click()
    await user.should_see("2 jobs cancelled.")
    choose(user, ids[2])
    await user.should_see("3 chosen")
    user.find(marker="delete-chosen").click()
    await user.should_see("Delete 3 jobs?")
    user.find(kind=ui.button, content="Delete 3 jobs").click()
    await user.should_see("2 jobs deleted. 1 job left as before: “gamma” is queued.")
    await user.should_see("1 chosen")  # what is gone is chosen no more
    assert [job.title for job in studio.runs.search(Query()).rows] == ["gamma"]


async def test_two_chosen_jobs_can_be_compared_and_another_search_lets_them_go(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    ids = [studio.runs.submit(asked, actor=BOB).id for _ in range(2)]
    await user.open(JOBS)
    choose(user, ids[0])
    await user.should_see("1 chosen")
    (compare,) = user.find(marker="compare-chosen").elements
    assert not compare.enabled
    choose(user, ids[1])
    await user.should_see("2 chosen")
    assert compare.enabled
    user.find("search").type("nothing like it")
    await user.should_see("No jobs match")
    await user.should_not_see("2 chosen")


async def test_the_output_of_a_completed_job_is_downloaded_as_an_archive(
    user: User, studio: Studio, asked: JobSpec
) -> None:
    job = studio.runs.submit(asked.model_copy(update={"output_name": "tone größe"}), actor=BOB)
    refused = await user.http_client.get(f"{JOBS}/output/{job.id}.tar")
    assert refused.status_code == 404
    assert "has no output: it is queued" in refused.text
    made = make_output(studio, job.id)
    claimed = studio.runs.claim_next()
    assert claimed
    studio.runs.move(claimed, Status.COMPLETED)
    await user.open(JOBS)
    (table,) = user.find(ui.table).elements
    got = await user.http_client.get(table.rows[0]["output_url"])
    assert int(got.headers["content-length"]) == len(got.content)
    assert got.headers["content-disposition"].startswith('attachment; filename="tone-gr--e.tar"')
    with tarfile.open(fileobj=io.BytesIO(got.content)) as archive:
        found = {member.name: archive.extractfile(member) for member in archive.getmembers()}
        files = {name: file.read() for name, file in found.items() if file}
    assert {name: files[f"tone größe/{name}"] for name in made} == made


def make_output(studio: Studio, job_id: str) -> dict[str, bytes]:
    partial = studio.home.runs / job_id / ".output.partial"
    made = {"README.md": b"# A card", "parts/adapter_model.safetensors": bytes(range(256)) * 9}
    for name, content in made.items():
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        (partial / name).write_bytes(content)
    seal(partial, studio.home.runs / job_id / "output")
    return made


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A simulated GPU that two strangers use. Named before `studio`."""
    path = tmp_path / "gpus.json"
    occupy(path, "eve", "bob")
    monkeypatch.setenv(SIMULATION_VARIABLE, str(path))
    return path


def occupy(gpus: Path, *users: str) -> None:
    processes = [{"pid": 7, "user": user, "memory_gb": 4} for user in users]
    gpus.write_text(json.dumps({"gpus": [{"uuid": "GPU-a", "processes": processes}]}))


async def test_a_stranger_who_frees_a_gpu_changes_why_a_row_waits(
    gpus: Path, user: User, studio: Studio, asked: JobSpec
) -> None:
    job = studio.runs.submit(asked, actor=BOB)
    await asyncio.to_thread(studio.queue.tell_news)
    await user.open("/dashboard/fine-tuning")
    (table,) = user.find(ui.table).elements
    assert "(eve)" in table.rows[0]["note"]
    occupy(gpus, "bob")
    before = studio.runs.get(job.id)
    await asyncio.to_thread(studio.queue.tell_news)  # as each round of the scheduler ends
    for _ in range(300):
        await asyncio.sleep(0.1)
        if "(eve)" not in table.rows[0]["note"]:
            break
    assert table.rows[0]["note"] == "GPU 0: 4 GB used by pid 7 (bob)."
    assert studio.runs.get(job.id) == before
