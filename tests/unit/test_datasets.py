"""A dataset's life: added, described, mended into versions, used, deleted and brought back."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.datasets.canonical import pasted
from core.datasets.changes import Change, Fix
from core.datasets.labels import Labels
from core.datasets.library import STARTER_NAME
from core.datasets.verdicts import finding_page, findings_of
from core.errors import BadInput, Cancelled, Conflict, NotFound
from core.formats.problems import Level
from core.home import Home
from core.people import Actor
from core.recovery import rebuild
from core.studio import Studio
from storage.datasets import DatasetQuery
from storage.rows import Kind, Rows
from storage.spec import HoldOut, JobSpec, OtherDataset
from storage.status import Status
from storage.tables import Dataset, Visibility

ALICE = Actor("Alice", "alice@example.org")
BOB = Actor("Bob", "bob@example.org")


def pair(question: str, answer: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]}


@pytest.fixture
def flawed(tmp_path: Path) -> Path:
    """Fourteen rows: the fourth has no answer, the sixth is no JSON, the last two are copies of the first."""
    rows = [json.dumps(pair(f"Question {number}", f"The answer is {number}.")) for number in range(12)]
    rows[3] = json.dumps(pair("Question 3", " "))
    rows[5] = '{"messages": ['
    path = tmp_path / "flawed_rows.jsonl"
    path.write_text("\n".join([*rows, rows[0], rows[0]]) + "\n")
    return path


@pytest.fixture
def first(studio: Studio, flawed: Path) -> Dataset:
    return studio.datasets.add(flawed, actor=ALICE)


def contents(studio: Studio, dataset: Dataset) -> list[dict[str, Any]]:
    return [row.content for row in studio.datasets.rows(dataset.id)]


def test_a_file_with_errors_is_kept_whole_and_says_so(studio: Studio, first: Dataset) -> None:
    assert (first.name, first.version, first.family, first.kind) == ("flawed rows", 1, first.id, Kind.SUPERVISED)
    assert (first.rows, first.errors, first.warnings, first.source_name) == (14, 2, 2, "flawed_rows.jsonl")
    shown = studio.datasets.preview(first.id, 6)
    assert (shown[0].prompt, shown[0].answer) == ("Question 0", "The answer is 0.")
    assert (shown[5].broken, shown[5].prompt) == ("not_json", '{"messages": [')
    folder = studio.datasets.folder(first.id)
    errors = finding_page(folder, level=Level.ERROR)
    assert [(found.line, found.code) for found in errors.findings] == [(4, "empty_content"), (6, "not_json")]
    assert finding_page(folder, code="duplicate", start=1).findings[0].row == 13
    assert finding_page(folder, code="duplicate").total == 2
    assert list(findings_of(folder, range(4, 13))) == [5, 12]


def test_the_same_content_again_is_the_same_dataset(studio: Studio, flawed: Path, first: Dataset) -> None:
    assert studio.datasets.add(flawed, name="Another name", actor=BOB).id == first.id


def test_fixes_make_versions_and_say_what_they_did(studio: Studio, first: Dataset) -> None:
    sound = studio.versions.fix(first.id, Fix.DROP_ERRORS, actor=BOB)
    assert (sound.family, sound.version, sound.parent_id) == (first.id, 2, first.id)
    assert (sound.made_by, sound.created_by_name) == ("2 rows with errors dropped", "Bob")
    assert (sound.rows, sound.errors, sound.warnings, sound.name) == (12, 0, 2, "flawed rows")
    diff = studio.versions.diff(sound.id)
    assert diff
    assert (diff.added, diff.removed, diff.changed) == (0, 2, 0)
    assert [(one.row, one.line) for one in diff.examples] == [(3, 4), (5, 6)]
    assert '{"messages": [' in json.loads(diff.examples[1].before)["broken"]
    lines = [row.line for row in studio.datasets.rows(sound.id)]
    assert lines == [1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14]
    single = studio.versions.fix(sound.id, Fix.DEDUPLICATE, actor=ALICE)
    assert (single.rows, single.warnings, single.version) == (10, 0, 3)
    assert single.characters == sum(len("".join(m["content"] for m in c["messages"])) for c in contents(studio, single))
    with pytest.raises(Conflict, match="stands there twice"):
        studio.versions.fix(single.id, Fix.DEDUPLICATE, actor=ALICE)
    assert [row.version for row in studio.datasets.versions(first.id)] == [3, 2, 1]
    assert len(contents(studio, first)) == 14
    assert studio.versions.diff(first.id) is None


def test_what_an_original_takes_with_it_is_no_copy_any_more(studio: Studio, first: Dataset) -> None:
    changed = studio.versions.edit(first.id, Change(delete=frozenset({0, 12})), actor=ALICE)
    assert (changed.rows, changed.warnings, changed.errors) == (12, 0, 2)


def test_rows_are_edited_inserted_and_deleted_together(studio: Studio, first: Dataset) -> None:
    change = Change(
        replace={3: pair("Question 3", "Three."), 5: pair("Question 5", "Five.")},
        delete=frozenset({12, 13}),
        insert={
            0: [pair("Before all", "Yes.")],
            14: pasted('{"prompt": "After all", "completion": "Indeed."}', Kind.SUPERVISED),
        },
    )
    mended = studio.versions.edit(first.id, change, actor=ALICE)
    assert mended.made_by == "2 rows changed, 2 removed, 2 added"
    assert (mended.rows, mended.errors, mended.warnings) == (14, 0, 0)
    rows = list(studio.datasets.rows(mended.id))
    assert [row.line for row in rows] == [0, *range(1, 13), 0]
    assert rows[0].content == pair("Before all", "Yes.")
    assert rows[6].content == pair("Question 5", "Five.")
    assert rows[13].content["messages"][0]["content"] == "After all"
    back = Change(replace={6: {"messages": "nothing"}})
    with pytest.raises(BadInput, match="not a list of messages"):
        studio.versions.edit(mended.id, back, actor=ALICE)
    with pytest.raises(BadInput, match="There is no row 100; the version has 14 rows"):
        studio.versions.edit(mended.id, Change(delete=frozenset({99})), actor=ALICE)
    with pytest.raises(Conflict, match="Nothing was changed"):
        studio.versions.edit(mended.id, Change(replace={0: pair("Before all", "Yes.")}), actor=ALICE)
    with pytest.raises(Conflict, match="would be left"):
        studio.versions.edit(mended.id, Change(delete=frozenset(range(14))), actor=ALICE)
    assert [path.name for path in studio.home.datasets.iterdir() if path.name.startswith(".")] == []


def test_going_back_leads_to_the_version_that_was(studio: Studio, first: Dataset) -> None:
    less = studio.versions.edit(first.id, Change(delete=frozenset({13})), actor=ALICE)
    again = Change(insert={13: [pair("Question 0", "The answer is 0.")]})
    with pytest.raises(Conflict, match="That would be version 1 again"):
        studio.versions.edit(less.id, again, actor=ALICE)


def test_leaked_rows_are_left_to_the_evaluation(studio: Studio, first: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "measured.jsonl"
    rows = [pair(f"Question {number}", f"The answer is {number}.") for number in (7, 8)]
    rows += [pair(f"Other {number}", "Yes, that is so.") for number in range(8)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    measured = studio.datasets.add(path, actor=ALICE)
    with pytest.raises(BadInput, match="Say in which evaluation dataset"):
        studio.versions.fix(first.id, Fix.MOVE_LEAKED, actor=ALICE)
    clean = studio.versions.fix(first.id, Fix.MOVE_LEAKED, actor=ALICE, evaluation=measured.id)
    assert clean.made_by == "2 rows left to the evaluation dataset “measured”"
    assert clean.rows == 12


def test_a_name_a_description_and_tags_are_the_familys(studio: Studio, first: Dataset) -> None:
    second = studio.versions.fix(first.id, Fix.DROP_ERRORS, actor=ALICE)
    labels = Labels(name="  Support\u202e mail\n", description="Two\n\x07lines ", tags=["mail", "mail", " a b "])
    studio.datasets.describe(second.id, labels, actor=ALICE)
    for row in studio.datasets.versions(first.id):
        assert (row.name, row.description, row.tags) == ("Support mail", "Two\nlines", ["mail", "a b"])
        kept = json.loads((studio.datasets.folder(row.id) / "dataset.json").read_text())
        assert kept["name"] == "Support mail"
    for query, found in (
        (DatasetQuery(search="support MAIL"), 1),
        (DatasetQuery(search="100%"), 0),
        (DatasetQuery(tag="a b"), 1),
        (DatasetQuery(tag="a"), 0),
        (DatasetQuery(kind=Kind.PREFERENCE), 0),
        (DatasetQuery(page=2), 0),
    ):
        page = studio.datasets.search(query, actor=ALICE)
        assert [row.version for row in page.rows] == [2] * found
    with pytest.raises(ValueError, match="name"):
        Labels(name=" \n ")


def test_a_private_dataset_is_its_creators_alone(studio: Studio, first: Dataset, flawed: Path) -> None:
    with pytest.raises(Conflict, match="versions of Alice"):
        studio.datasets.describe(first.id, Labels(visibility=Visibility.PRIVATE), actor=BOB)
    studio.datasets.describe(first.id, Labels(visibility=Visibility.PRIVATE), actor=ALICE)
    asking: tuple[Callable[[], object], ...] = (
        lambda: studio.datasets.get(first.id, actor=BOB),
        lambda: studio.datasets.rows(first.id, actor=BOB),
        lambda: studio.datasets.preview(first.id, actor=BOB),
        lambda: studio.datasets.ref(first.id, actor=BOB),
        lambda: studio.datasets.used_by(first.id, actor=BOB),
        lambda: studio.datasets.describe(first.id, Labels(name="Mine"), actor=BOB),
        lambda: studio.versions.fix(first.id, Fix.DROP_ERRORS, actor=BOB),
        lambda: studio.deletion.delete(first.id, actor=BOB),
    )
    for ask in asking:
        with pytest.raises(NotFound, match="There is no dataset"):
            ask()
    assert studio.datasets.all(actor=BOB) == []
    assert studio.datasets.search(DatasetQuery(), actor=BOB).total == 0
    mine = studio.datasets.add(flawed, actor=BOB)
    assert (mine.id != first.id, mine.sha256 == first.sha256) == (True, True)
    assert [row.id for row in studio.datasets.all(actor=ALICE)] == [mine.id, first.id]


def test_a_cancelled_import_leaves_nothing(studio: Studio, flawed: Path) -> None:
    """A file that is read in a moment has no process to cancel, so this one is longer."""
    flawed.write_bytes(flawed.read_bytes() * (300_000 // flawed.stat().st_size))
    with pytest.raises(Cancelled):
        studio.datasets.add(flawed, actor=ALICE, on_start=lambda running: running.cancel())
    assert studio.datasets.all() == []
    assert list(studio.home.datasets.iterdir()) == []


def test_deleting_is_refused_while_a_job_needs_it(studio: Studio, asked: JobSpec, first: Dataset) -> None:
    other = studio.versions.fix(first.id, Fix.DROP_ERRORS, actor=ALICE)
    spec = asked.model_copy(update={"evaluation": OtherDataset(dataset=other.id), "display_name": "First try"})
    job = studio.runs.submit(spec, actor=ALICE)
    for used in (asked.dataset, other.id):
        with pytest.raises(Conflict, match=r"is used by “First try” \(queued\)"):
            studio.deletion.delete(used, actor=ALICE)
        assert [user.id for user in studio.datasets.used_by(used)] == [job.id]
    with pytest.raises(Conflict):
        studio.deletion.delete(first.id, actor=ALICE, all_versions=True)
    assert len(studio.datasets.versions(first.id)) == 2
    studio.runs.cancel(job.id, actor=ALICE)
    studio.deletion.delete(asked.dataset, actor=ALICE)
    assert asked.dataset not in [row.id for row in studio.datasets.all()]
    assert studio.deletion.whereabouts(asked.dataset).startswith("in the trash since 20")
    assert studio.datasets.record(asked.dataset).name == "greetings"
    for again in (studio.runs.submit, studio.runs.preview):
        with pytest.raises(NotFound, match="“greetings” is in the trash since"):
            again(spec, actor=ALICE)
    with pytest.raises(NotFound, match="in the trash"):
        studio.runs.retry(job.id, actor=ALICE)
    assert studio.deletion.restore(asked.dataset, actor=ALICE).trashed_at is None
    assert studio.runs.retry(job.id, actor=ALICE).status is Status.QUEUED


def test_all_versions_go_and_come_back_one_by_one(studio: Studio, first: Dataset, flawed: Path) -> None:
    second = studio.versions.fix(first.id, Fix.DROP_ERRORS, actor=ALICE)
    gone = studio.deletion.delete(first.id, actor=ALICE, all_versions=True)
    assert [row.id for row in gone] == [second.id, first.id]
    assert list(studio.home.datasets.iterdir()) == []
    afresh = studio.datasets.add(flawed, actor=ALICE)
    assert afresh.id not in (first.id, second.id)
    studio.deletion.restore(second.id, actor=ALICE)
    assert [row.version for row in studio.datasets.versions(second.id)] == [2]
    for kept in studio.home.trash.iterdir():
        kept.rename(studio.home.path / "emptied")
    assert studio.deletion.whereabouts(first.id).startswith("deleted on 20")
    with pytest.raises(NotFound, match="was deleted for good"):
        studio.deletion.restore(first.id, actor=ALICE)


def test_the_starter_stays_deleted(studio: Studio) -> None:
    starter = studio.datasets.add_starter(ALICE)
    assert starter
    assert (starter.name, starter.errors) == (STARTER_NAME, 0)
    assert studio.datasets.add_starter(ALICE) == starter
    studio.deletion.delete(starter.id, actor=ALICE)
    assert studio.datasets.add_starter(ALICE) is None


def test_jobs_say_why_a_dataset_will_not_do(studio: Studio, asked: JobSpec, first: Dataset, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"2 of 14 rows of “flawed rows” version 1 have errors \(1 × .*Drop them"):
        studio.runs.submit(asked.model_copy(update={"dataset": first.id}), actor=ALICE)
    with pytest.raises(BadInput, match="2 of 14 rows"):
        studio.runs.submit(asked.model_copy(update={"evaluation": OtherDataset(dataset=first.id)}), actor=ALICE)
    path = tmp_path / "preferences.jsonl"
    row = {"prompt": "Which?", "chosen": "This one.", "rejected": "That one."}
    path.write_text("".join(json.dumps(row | {"prompt": f"Which of {number}?"}) + "\n" for number in range(10)))
    preferences = studio.datasets.add(path, actor=ALICE)
    with pytest.raises(BadInput, match=r"holds preference pairs, but .*\(sft\) learns from labelled examples"):
        studio.runs.submit(asked.model_copy(update={"dataset": preferences.id}), actor=ALICE)
    assert list(studio.home.runs.iterdir()) == []


def test_a_job_carries_the_rows_that_are_held_out(studio: Studio, asked: JobSpec) -> None:
    spec = asked.model_copy(update={"evaluation": HoldOut(share=0.25)})
    job = studio.runs.submit(spec, actor=ALICE)
    run = studio.runs.run_spec(job.id)
    assert Path(run.split) == studio.home.runs / job.id / "split.json"
    split = json.loads(Path(run.split).read_text())
    assert (split["seed"], split["share"], split["by"], len(split["evaluation"])) == (42, 0.25, "conversation", 3)
    other = studio.runs.run_spec(studio.runs.submit(spec, actor=ALICE).id)
    assert Path(other.split).read_bytes() == Path(run.split).read_bytes()
    none = studio.runs.submit(asked.model_copy(update={"evaluation": OtherDataset(dataset=asked.dataset)}), actor=ALICE)
    assert studio.runs.run_spec(none.id).split == ""


def test_the_index_comes_back_from_folders_and_trash(home: Home, studio: Studio, first: Dataset) -> None:
    second = studio.versions.fix(first.id, Fix.DROP_ERRORS, actor=ALICE)
    studio.datasets.describe(first.id, Labels(tags=["kept"]), actor=ALICE)
    studio.deletion.delete(first.id, actor=ALICE)
    studio.close()
    assert rebuild(home).report.datasets == 1
    again = Studio(home)
    again.open()
    found = again.datasets.get(second.id)
    assert (found.version, found.tags, found.parent_id, found.errors) == (2, ["kept"], first.id, 0)
    assert again.deletion.whereabouts(first.id).startswith("in the trash since")
    assert again.deletion.restore(first.id, actor=ALICE).version == 1
    assert len(Rows(again.datasets.folder(first.id))) == 14
    again.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is nothing to add"),
        ('{"prompt": "a", "completion": "b"}\n{', "Line 2: not JSON"),
        ('{"prompt": "a", "completion": "b", "prompt": "c"}', "The text: the same key twice"),
        ("[1]", "Item 1: not an object"),
        ('{"text": "a"}', "The row has text; a row of a dataset of this kind has"),
    ],
)
def test_pasted_rows_are_refused_with_their_line(text: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        pasted(text, Kind.SUPERVISED)


def test_pasted_rows_may_be_lines_or_a_list() -> None:
    row = '{"prompt": "a", "completion": "b"}'
    for text in (f"{row}\n\n{row}\n", f"[{row},\n {row}]"):
        assert pasted(text, Kind.SUPERVISED) == [pair("a", "b"), pair("a", "b")]
