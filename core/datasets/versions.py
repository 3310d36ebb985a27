"""New versions of a dataset: edits by hand and fixes by button. What they start from stays as it is."""

from collections.abc import Callable
from pathlib import Path

from core.checks.report import Report
from core.datasets import child
from core.datasets.changes import DIFF, ERRORS, Change, Diff, Fix
from core.datasets.library import Datasets, described
from core.errors import BadInput, Conflict
from core.home import Home
from core.people import Actor
from storage.files import read_json
from storage.rows import ROWS
from storage.tables import Dataset

#: (rows done, rows in all)
OnProgress = Callable[[int, int], None]


class Versions:
    def __init__(self, home: Home, datasets: Datasets) -> None:
        self._home = home
        self._datasets = datasets

    def edit(self, dataset_id: str, change: Change, *, actor: Actor, on_progress: OnProgress | None = None) -> Dataset:
        """The version with these rows replaced, deleted and inserted. Raises StudioError; then there is none."""
        parent = self._datasets.get(dataset_id, actor=actor)
        return self._make(parent, change, "", "Nothing was changed, so there is no new version.", actor, on_progress)

    def fix(
        self,
        dataset_id: str,
        fix: Fix,
        *,
        actor: Actor,
        evaluation: str = "",
        on_progress: OnProgress | None = None,
    ) -> Dataset:
        """The version without the rows that the fix is about. `evaluation` is the dataset they leaked into."""
        parent = self._datasets.get(dataset_id, actor=actor)
        change, made_by, otherwise = self._planned(parent, fix, evaluation, actor)
        return self._make(parent, change, made_by, otherwise, actor, on_progress)

    def drop(
        self, dataset_id: str, codes: frozenset[str], *, actor: Actor, on_progress: OnProgress | None = None
    ) -> Dataset:
        """The version without the rows that have one of these findings, of the first look or of the closer one."""
        parent = self._datasets.get(dataset_id, actor=actor)
        named = ", ".join(sorted(codes))
        otherwise = f"No row of “{parent.name}” has the finding {named}."
        return self._make(parent, Change(drop=codes), f"{{rows}} with {named} removed", otherwise, actor, on_progress)

    def diff(self, dataset_id: str, *, actor: Actor | None = None) -> Diff | None:
        """What this version changed of its parent; None for a first version."""
        found = read_json(self._datasets.folder(self._datasets.get(dataset_id, actor=actor).id) / DIFF)
        return Diff.model_validate(found) if found else None

    def _planned(self, parent: Dataset, fix: Fix, evaluation: str, actor: Actor) -> tuple[Change, str, str]:
        """(the change, what it did, what to say where there is nothing to do)"""
        match fix:
            case Fix.DROP_ERRORS:
                return Change(drop=ERRORS), "{rows} with errors dropped", f"No row of “{parent.name}” has an error."
            case Fix.DEDUPLICATE:
                nothing = f"No row of “{parent.name}” stands there twice."
                return Change(drop=frozenset({"duplicate"})), "{rows} removed that stood there before", nothing
            case Fix.MOVE_LEAKED:
                if not evaluation:
                    raise BadInput("Say in which evaluation dataset the rows are; those are left to it.")
                other = self._datasets.get(evaluation, actor=actor)
                leaked = Change(drop=frozenset({"leak_into_eval"}), leave_to=self._datasets.folder(other.id))
                nothing = f"No row of “{parent.name}” is known to be in “{other.name}” too."
                return leaked, f"{{rows}} left to the evaluation dataset “{other.name}”", nothing

    def _make(
        self,
        parent: Dataset,
        change: Change,
        made_by: str,
        otherwise: str,
        actor: Actor,
        on_progress: OnProgress | None,
    ) -> Dataset:
        """`made_by` may hold {rows}; empty: the difference says it. `otherwise` is said where nothing changes."""
        folder = self._datasets.folder(parent.id)
        self._home.require_free((folder / ROWS).stat().st_size, "The new version")
        with self._datasets.drafting() as partial:
            report, diff = self._rewrite(folder, partial, change, on_progress)
            if diff.is_empty:
                raise Conflict(otherwise)
            if not report.rows:
                raise Conflict("Nothing of “{name}” would be left. Mend some rows instead.", name=parent.name)
            row = described(report, actor)
            row.family, row.parent_id, row.source_name = parent.family, parent.id, parent.source_name
            row.name, row.description = parent.name, parent.description
            row.tags, row.visibility = parent.tags, parent.visibility
            row.bytes = (partial / ROWS).stat().st_size
            row.made_by = made_by.format(rows=_rows(diff.removed)) if made_by else diff.sentence()
            self._require_new(row)
            return self._datasets.keep(row, partial)

    def _rewrite(self, parent: Path, into: Path, change: Change, on_progress: OnProgress | None) -> tuple[Report, Diff]:
        request = {"parent": str(parent), "into": str(into), "change": change.model_dump(mode="json")}
        told = child.run(
            "core.datasets.rewriting",
            request,
            on_progress=lambda said: on_progress(said["done"], said["total"]) if on_progress else None,
        )
        return Report.model_validate(told["report"]), Diff.model_validate(told["diff"])

    def _require_new(self, row: Dataset) -> None:
        same = next((old for old in self._datasets.family(row.family) if old.sha256 == row.sha256), None)
        if same:
            raise Conflict("That would be version {version} again, row for row. Use that one.", version=same.version)


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"
