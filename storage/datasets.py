"""The only queries on datasets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, cast
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, or_, select, update

from storage.rows import Kind
from storage.status import TERMINAL
from storage.tables import Dataset, Job, Visibility

#: So many jobs that used a dataset are listed.
JOBS_LISTED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class DatasetQuery:
    """What the datasets page asks for. `page` counts from 1."""

    search: str = ""
    kind: Kind | None = None
    tag: str = ""
    page: int = 1
    page_size: int = 24


@dataclass(frozen=True, slots=True)
class DatasetPage:
    rows: tuple[Dataset, ...]
    total: int


def add(session: Session, dataset: Dataset) -> None:
    session.add(dataset)


def put(session: Session, dataset: Dataset) -> None:
    """Write a row whole, whether or not there was one."""
    session.merge(dataset)


def get(session: Session, dataset_id: str) -> Dataset | None:
    return session.get(Dataset, dataset_id)


def by_hash(session: Session, sha256: str) -> Sequence[Dataset]:
    """Everything that ever had these rows, deleted or not; the oldest first."""
    return session.exec(select(Dataset).where(Dataset.sha256 == sha256).order_by(col(Dataset.created_at))).all()


def by_source(session: Session, source: str) -> Sequence[Dataset]:
    """Everything, deleted or not, that came from there; the newest version first."""
    found = select(Dataset).where(Dataset.source_name == source)
    return session.exec(found.order_by(col(Dataset.version).desc())).all()


def without_folder(session: Session, there: set[str]) -> list[str]:
    """The ids of rows that should have a folder, but are not `there`."""
    return sorted(set(session.exec(select(Dataset.id).where(col(Dataset.trashed_at).is_(None))).all()) - there)


def newest_first(session: Session, email: str | None) -> Sequence[Dataset]:
    """Every version that `email` may see (None: everything)."""
    return session.exec(select(Dataset).where(*_seen_by(email)).order_by(*_NEWEST)).all()


def versions(session: Session, family: str, email: str | None) -> Sequence[Dataset]:
    found = select(Dataset).where(Dataset.family == family, *_seen_by(email))
    return session.exec(found.order_by(col(Dataset.version).desc())).all()


def next_version(session: Session, family: str) -> int:
    """Deleted versions keep their number."""
    highest = session.exec(select(func.max(Dataset.version)).where(Dataset.family == family)).one()
    return (highest or 0) + 1


def search(session: Session, query: DatasetQuery, email: str | None) -> DatasetPage:
    """The newest version of every dataset that `email` may see and that the query names."""
    counting = select(func.count()).select_from(Dataset).where(*_matching(query, email))
    return DatasetPage(found(session, query, email), session.exec(counting).one())


def found(session: Session, query: DatasetQuery, email: str | None) -> tuple[Dataset, ...]:
    """The page of them."""
    page = select(Dataset).where(*_matching(query, email)).order_by(*_NEWEST)
    return tuple(session.exec(page.offset((query.page - 1) * query.page_size).limit(query.page_size)).all())


def _matching(query: DatasetQuery, email: str | None) -> list[ColumnElement[bool]]:
    conditions = _newest_versions(email)
    conditions += [_mentions(word) for word in query.search.split()]
    if query.kind is not None:
        conditions.append(col(Dataset.kind) == query.kind)
    if query.tag:
        tags = func.json_each(col(Dataset.tags)).table_valued("value")
        conditions.append(select(tags.c.value).where(tags.c.value == query.tag).exists())
    return conditions


def count(session: Session, email: str | None, kinds: Sequence[Kind], *, at_least: int) -> tuple[int, int]:
    """Of the datasets that `email` may see: all, and those of these kinds with so many rows and no row in error."""
    newest = _newest_versions(email)
    ready = (col(Dataset.kind).in_(kinds), col(Dataset.errors) == 0, col(Dataset.rows) >= at_least)
    counting = select(func.count()).select_from(Dataset).where(*newest)
    return session.exec(counting).one(), session.exec(counting.where(*ready)).one()


def change(session: Session, ids: Sequence[str], **values: Any) -> None:
    session.exec(update(Dataset).where(col(Dataset.id).in_(ids)).values(**values))


def jobs_with(session: Session, dataset_id: str, *, open_only: bool = False) -> Sequence[Job]:
    """Jobs that train on it or are measured on it, the newest first."""
    uses = or_(col(Job.dataset_id) == dataset_id, col(Job.evaluation_dataset_id) == dataset_id)
    found = select(Job).where(uses)
    if open_only:
        found = found.where(col(Job.status).not_in(TERMINAL))
    return session.exec(found.order_by(col(Job.created_at).desc()).limit(JOBS_LISTED)).all()


_NEWEST = (col(Dataset.created_at).desc(), col(Dataset.id))


def _newest_versions(email: str | None) -> list[ColumnElement[bool]]:
    other = aliased(Dataset)
    newest = select(func.max(other.version)).where(other.family == Dataset.family, *_seen_by(email, other))
    return [*_seen_by(email), col(Dataset.version) == newest.scalar_subquery()]


def _seen_by(email: str | None, table: type[Dataset] = Dataset) -> list[ColumnElement[bool]]:
    there = col(table.trashed_at).is_(None)
    if email is None:
        return [there]
    return [there, or_(col(table.visibility) == Visibility.EVERYONE, col(table.created_by_email) == email)]


def _mentions(word: str) -> ColumnElement[bool]:
    columns = (Dataset.name, Dataset.description, Dataset.source_name, Dataset.created_by_name, Dataset.id)
    text = [col(column).icontains(word, autoescape=True) for column in columns]
    # Stored as JSON with escapes; tags of other scripts are found by the tag filter.
    return or_(*text, cast(col(Dataset.tags), String).icontains(word, autoescape=True))
