"""The only queries on jobs. Writes about a live attempt are fenced by its number and token."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, func, or_, select, update

from storage.spec import Objective
from storage.status import LIVE, Status
from storage.tables import Job, now


@dataclass(frozen=True, kw_only=True, slots=True)
class Query:
    """What the jobs list asks for; lives in the page's URL."""

    objective: Objective = Objective.SFT
    search: str = ""
    status: Status | None = None
    page: int = 1
    page_size: int = 25


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    rows: tuple[Job, ...]
    total: int


_QUEUE_ORDER = (col(Job.priority).desc(), col(Job.place), col(Job.id))


def add(session: Session, job: Job) -> None:
    session.add(job)


def get(session: Session, job_id: str) -> Job | None:
    return session.get(Job, job_id)


def search(session: Session, query: Query) -> Page:
    wanted = select(Job).where(Job.objective == query.objective)
    if query.status:
        wanted = wanted.where(Job.status == query.status)
    for word in query.search.split():
        columns = (
            Job.id,
            Job.display_name,
            Job.output_name,
            Job.dataset_name,
            Job.created_by_email,
            Job.created_by_name,
        )
        wanted = wanted.where(or_(*(col(column).contains(word, autoescape=True) for column in columns)))
    total = session.exec(select(func.count()).select_from(wanted.subquery())).one()
    newest = wanted.order_by(col(Job.created_at).desc(), col(Job.id).desc())
    rows = session.exec(newest.offset((query.page - 1) * query.page_size).limit(query.page_size)).all()
    return Page(rows=tuple(rows), total=total)


def live(session: Session) -> Sequence[Job]:
    return session.exec(select(Job).where(col(Job.status).in_(LIVE))).all()


def having(session: Session, status: Status) -> Sequence[Job]:
    return session.exec(select(Job).where(Job.status == status)).all()


def next_queued(session: Session) -> Job | None:
    waiting = select(Job).where(Job.status == Status.QUEUED, col(Job.held).is_(False))
    return session.exec(waiting.order_by(*_QUEUE_ORDER).limit(1)).first()


def claim(session: Session, job_id: str, token: str) -> Job | None:
    """Take a queued job for a new attempt; None when somebody was faster or it is queued no more."""
    taken = (
        update(Job)
        .where(col(Job.id) == job_id, col(Job.status) == Status.QUEUED)
        .values(status=Status.PREPARING, attempt=Job.attempt + 1, token=token, started_at=now())
    )
    return get(session, job_id) if session.exec(taken).rowcount == 1 else None


def write(session: Session, job: Job, *, only_from: Collection[Status], **values: Any) -> bool:
    """Change a row of this very attempt while it is in one of `only_from`. False: stale, nothing changed."""
    fenced = (
        update(Job)
        .where(
            col(Job.id) == job.id,
            col(Job.attempt) == job.attempt,
            col(Job.token) == job.token,
            col(Job.status).in_(only_from),
        )
        .values(**values)
    )
    return session.exec(fenced).rowcount == 1


def ahead_of(session: Session, job: Job) -> int:
    """How many queued jobs start before this one."""
    queue = session.exec(select(Job.id).where(Job.status == Status.QUEUED).order_by(*_QUEUE_ORDER)).all()
    return queue.index(job.id) if job.id in queue else 0
