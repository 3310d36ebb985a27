"""The versions of a dataset: what made each, and what it changed of its parent."""

from collections.abc import Sequence

from core.datasets.changes import Diff
from core.studio import Studio
from storage.tables import Dataset
from ui import routes
from ui.components.clock import short_date, time_of_day
from ui.components.example import clipped
from ui.components.quantity import counted
from ui.components.text import Text, box, heading, link
from ui.components.verdict import verdict_mark
from ui.kinds import WORDS
from ui.texts import say
from ui.threads import in_thread


async def dataset_versions(studio: Studio, dataset: Dataset, versions: Sequence[Dataset]) -> None:
    diff = await in_thread(studio.versions.diff, dataset.id)
    numbers = {version.id: version.version for version in versions}
    with box("ts-timeline", "ol"):
        for version in versions:
            _version(version, is_here=version.id == dataset.id, parent=numbers.get(version.parent_id))
    if diff:
        _diff(dataset, diff, numbers.get(dataset.parent_id))


def _version(version: Dataset, *, is_here: bool, parent: int | None) -> None:
    with box("ts-timeline-entry", "li").classes("ts-timeline-here" if is_here else ""):
        verdict_mark(version)
        with box("ts-timeline-text"):
            with box("ts-title-line"):
                link(
                    say("Version {version}", version=version.version),
                    routes.dataset(version.id, tab="versions"),
                    "ts-link ts-strong",
                )
                if is_here:
                    Text("span", "Shown here", "ts-badge ts-badge-violet")
                Text("span", counted(version.rows, WORDS[version.kind].unit), "ts-muted")
            made = version.made_by or say("Imported from {file}", file=version.source_name or "a file")
            Text("span", f"{made}{say(' (from version {parent})', parent=parent) if parent else ''}")
            when = f"{short_date(version.created_at)}, {time_of_day(version.created_at)} · {version.created_by_name}"
            Text("span", when, "ts-sub")


def _diff(dataset: Dataset, diff: Diff, parent: int | None) -> None:
    with box("ts-card", "section").mark("diff"):
        before = say("version {parent}", parent=parent) if parent else "the version before"
        heading(say("What version {version} changed of {before}", version=dataset.version, before=before), 2)
        Text("p", f"{diff.sentence()[:1].upper()}{diff.sentence()[1:]}.", "ts-muted")
        with box("ts-diff"):
            for example in diff.examples:
                with box("ts-diff-row"):
                    Text("span", say("Row {number:,}", number=example.row + 1), "ts-tag")
                    if example.before:
                        Text("pre", f"− {clipped(example.before)}", "ts-diff-line ts-diff-gone")
                    if example.after:
                        Text("pre", f"+ {clipped(example.after)}", "ts-diff-line ts-diff-new")
