"""The jobs list's question to SQLite: which rows, how many, and by which way they are found fastest.

Measured with 101 000 rows (docs/measurements.md). SQLite cannot know how often a word occurs, so left alone it walks
the whole list for a word that six rows have, and collects 100 000 rowids for a word that every row has.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import sqlalchemy
from sqlalchemy import ColumnElement, Select
from sqlmodel import Session, col, func, literal_column, or_, select, text

from storage.spec import Objective
from storage.status import GROUPS, Status
from storage.tables import Job

#: The search index knows runs of three characters; shorter words are compared row by row.
TRIGRAM = 3
#: Matches of a search are counted up to here: nobody pages further, and counting is most of the work.
COUNTED = 10_000
#: The same where a word is too short for the search index: every row until then is compared, in the table's own
#: order, which costs half of what the list's order does.
COUNTED_SHORT = 1_000
#: A word of one or two letters is looked for among so many of the newest jobs.
SHORT_REACH = 50_000
#: Up to here matches are looked up and sorted; beyond, walking the list in its order finds a page sooner.
SPARSE = 2_000
#: Where every tenth row or more matches, so many rows into the list are found soonest by comparing row by row.
SHALLOW = 1_000
#: By name only: a column of the model would bring its table along, and once more where it is joined by hand.
SEARCHED: tuple[ColumnElement[str], ...] = tuple(
    literal_column(f"job.{name}")
    for name in ("id", "display_name", "output_name", "dataset_name", "created_by_email", "created_by_name")
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What the jobs list asks for; lives in the page's URL. A status stands for its group (`storage.status.GROUPS`)."""

    objective: Objective = Objective.SFT
    search: str = ""
    status: Status | None = None
    page: int = 1
    page_size: int = 25

    @property
    def words(self) -> list[str]:
        """A NUL ends a text for SQLite, so it only parts words here."""
        return self.search.replace("\0", " ").split()

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.page_size


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """`total` stops at COUNTED (or COUNTED_SHORT) for a search; then there are `more`."""

    rows: tuple[Job, ...]
    total: int
    more: bool = False


class Way(Enum):
    #: The search index names the rows, or the table is read once from end to end; what is found is sorted.
    LOOK_UP = auto()
    #: The list in its order; the search index says which rows count.
    WALK = auto()
    #: The list in its order; every row is compared.
    COMPARE = auto()


def search(session: Session, query: Query) -> Page:
    total = _count(session, query)
    newest = select(Job).where(*conditions(query, _way(query, total)))
    newest = newest.order_by(col(Job.created_at).desc(), col(Job.id).desc())
    rows = session.exec(newest.offset(query.offset).limit(query.page_size)).all() if total else ()
    most = _counted(query.words)
    return Page(rows=tuple(rows), total=min(total, most or total), more=most is not None and total > most)


def among(session: Session, query: Query, ids: Sequence[str]) -> tuple[Job, ...]:
    """Of a few jobs those that the query lists, on whatever page; the newest first."""
    wanted = [col(Job.id).in_(ids), *(_contains(word) for word in query.words), *_in_group(query, by_index=False)]
    newest = select(Job).where(*wanted).order_by(col(Job.created_at).desc(), col(Job.id).desc())
    return tuple(session.exec(newest).all())


def newest(session: Session, searched: str, count: int) -> tuple[Job, ...]:
    """A few jobs of any objective that have every word; nothing is counted. The newest are those written last.

    Where all words are too short for the search index, rows are compared until SHORT_REACH jobs ago."""
    words = Query(search=searched).words
    indexed = _indexed(words)
    ids: Select[tuple[int]] = sqlalchemy.select(literal_column("job.rowid"))
    ids = ids.where(*(_contains(word) for word in words if word not in indexed))
    if indexed:
        # The search index gives its matches from the end, so it stops at the limit.
        ids = ids.select_from(text("job_search CROSS JOIN job ON job.rowid = job_search.rowid"))
        ids = ids.where(text("job_search MATCH :terms").bindparams(terms=_terms(indexed)))
        ids = ids.order_by(text("job_search.rowid DESC"))
    else:
        ids = ids.select_from(text("job")).order_by(text("job.rowid DESC"))
        if words:
            ids = ids.where(text(f"job.rowid > (SELECT max(rowid) FROM job) - {SHORT_REACH}"))
    found = select(Job).where(literal_column("job.rowid").in_(ids.limit(count)))
    return tuple(session.exec(found.order_by(col(Job.created_at).desc(), col(Job.id).desc())).all())


def conditions(query: Query, way: Way = Way.WALK) -> list[ColumnElement[bool]]:
    """The rows that a query lists, as conditions on `Job`."""
    words = query.words
    indexed = _indexed(words) if way is not Way.COMPARE else []
    wanted = [_contains(word) for word in words if word not in indexed]
    if indexed:
        found = text("SELECT rowid FROM job_search WHERE job_search MATCH :terms").bindparams(terms=_terms(indexed))
        wanted.append(literal_column("job.rowid").in_(found))
    return wanted + _in_group(query, by_index=not (words and way is Way.LOOK_UP))


def _in_group(query: Query, *, by_index: bool) -> list[ColumnElement[bool]]:
    """A plus sign in front of a column keeps SQLite from walking that column's index."""
    # Few jobs are not over; their index is always the short way.
    plus = "" if by_index or (query.status and not query.status.is_terminal) else "+"
    wanted = [literal_column(f"{plus}job.objective") == query.objective.value]
    if query.status:
        group = [status.value for status in sorted(GROUPS[query.status])]
        wanted.append(literal_column(f"{plus}job.status").in_(group))
    return wanted


def _count(session: Session, query: Query) -> int:
    """Exact without words; with them up to one more than is shown."""
    words = query.words
    if not words:
        return session.exec(select(func.count()).select_from(Job).where(*conditions(query))).one()
    indexed = _indexed(words)
    one: Select[tuple[int]] = sqlalchemy.select(literal_column("1"))
    if indexed and not (query.status and not query.status.is_terminal):
        # Joined in this order it stops at the limit; a subquery would collect every match first.
        joined = one.select_from(text("job_search CROSS JOIN job ON job.rowid = job_search.rowid"))
        matching = joined.where(text("job_search MATCH :terms").bindparams(terms=_terms(indexed)))
        short = [_contains(word) for word in words if word not in indexed]
        found = matching.where(*short, *_in_group(query, by_index=False))
    else:
        found = one.select_from(Job).where(*conditions(query, Way.LOOK_UP))
    counted = sqlalchemy.select(func.count()).select_from(found.limit((_counted(words) or COUNTED) + 1).subquery())
    return session.connection().execute(counted).scalar_one()


def _counted(words: Sequence[str]) -> int | None:
    if not words:
        return None
    return COUNTED if len(_indexed(words)) == len(words) else COUNTED_SHORT


def _way(query: Query, total: int) -> Way:
    words = query.words
    # By the search index finding is cheap; without it, only what lies far apart is worth reading the whole table.
    sparse = SPARSE if _indexed(words) else min(2 * (query.offset + query.page_size), COUNTED_SHORT)
    if total <= sparse:
        return Way.LOOK_UP
    # Row by row, only ASCII is compared without regard to case.
    if total > COUNTED and query.offset < SHALLOW and query.search.isascii():
        return Way.COMPARE
    return Way.WALK


def _indexed(words: Sequence[str]) -> list[str]:
    return [word for word in words if len(word) >= TRIGRAM]


def _terms(words: Sequence[str]) -> str:
    """Each word as a quoted string of the search index's language, so that none of it is syntax."""
    return " AND ".join('"' + word.replace('"', '""') + '"' for word in words)


def _contains(word: str) -> ColumnElement[bool]:
    # Put together here: left to SQLAlchemy's `contains`, SQLite would join the pattern anew for every row.
    pattern = "%" + "".join(f"/{letter}" if letter in "%_/" else letter for letter in word) + "%"
    return or_(*(column.like(pattern, escape="/") for column in SEARCHED))
