"""The only queries on jobs. Writes about a live attempt are fenced by its number and token."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select as sa_select
from sqlmodel import Session, col, delete, func, select, update

from storage.job_search import Page, Query, among, conditions, newest, search
from storage.spec import Objective
from storage.status import LIVE, TERMINAL, Status
from storage.tables import Job, now

__all__ = ["Page", "Query", "among", "newest", "search"]  # the list's question has a module of its own

#: In a sentence about who uses something.
_NAMED = 100
_QUEUE_ORDER = (col(Job.priority).desc(), col(Job.place), col(Job.id))


def add(session: Session, job: Job) -> None:
    session.add(job)


def get(session: Session, job_id: str) -> Job | None:
    return session.get(Job, job_id)


def change_matching(session: Session, which: Query | str, *, only_from: Collection[Status], **values: Any) -> list[str]:
    """One update of what the query lists, or of the job of this id, while it is in one of `only_from`; the ids hit.

    Not fenced: what a person asks of a job is meant for whichever attempt is the live one."""
    matching = [col(Job.id) == which] if isinstance(which, str) else conditions(which)
    changed = update(Job).where(*matching, col(Job.status).in_(only_from)).values(**values)
    return list(session.exec(changed.returning(col(Job.id))).scalars())


def put(session: Session, job: Job) -> None:
    """Write a row whole, whether or not there was one."""
    session.merge(job)


def remove(session: Session, job_id: str, *, only_from: Collection[Status]) -> bool:
    gone = delete(Job).where(col(Job.id) == job_id, col(Job.status).in_(only_from))
    return session.exec(gone).rowcount == 1


def ids(session: Session) -> set[str]:
    return set(session.exec(select(Job.id)).all())


def live(session: Session) -> Sequence[Job]:
    return session.exec(select(Job).where(col(Job.status).in_(LIVE))).all()


def with_model(session: Session, model_id: str) -> Sequence[Job]:
    """Jobs on this base model that are not over, the newest first."""
    found = select(Job).where(col(Job.model_id) == model_id, col(Job.status).not_in(TERMINAL))
    return session.exec(found.order_by(col(Job.created_at).desc()).limit(_NAMED)).all()


def by_status(session: Session) -> dict[tuple[Objective, Status], int]:
    """How many jobs there are of each objective in each status."""
    counted = select(col(Job.objective), col(Job.status), func.count()).group_by(col(Job.objective), col(Job.status))
    return {(Objective(objective), Status(status)): number for objective, status, number in session.exec(counted)}


def latest(session: Session, count: int) -> list[Job]:
    """The newest jobs of all objectives, those that hold a device left out."""
    found: list[Job] = []
    for objective in Objective:  # one by one, in the order of their index
        newest = select(Job).where(Job.objective == objective, col(Job.status).not_in(LIVE))
        newest = newest.order_by(col(Job.created_at).desc(), col(Job.id).desc())
        found += session.exec(newest.limit(count)).all()
    return sorted(found, key=lambda job: job.created_at, reverse=True)[:count]


def having(session: Session, status: Status) -> Sequence[Job]:
    return session.exec(select(Job).where(Job.status == status)).all()


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """A queued job, as far as its place and its needs go: a thousand of them are read every second."""

    id: str
    title: str
    user: str
    priority: int
    place: float
    held: bool
    message: str
    device: str
    devices: int
    memory_bytes: int


def waiting(session: Session) -> Sequence[Waiting]:
    """The whole queue, held ones too; by priority, then by place."""
    columns: tuple[Any, ...] = (
        Job.id,
        Job.display_name,
        Job.output_name,
        Job.created_by_email,
        Job.priority,
        Job.place,
        Job.held,
    )
    needs: tuple[Any, ...] = (Job.message, Job.device, Job.devices, Job.memory_bytes)
    rows = session.connection().execute(
        sa_select(*columns, *needs).where(col(Job.status) == Status.QUEUED).order_by(*_QUEUE_ORDER)
    )
    return [
        Waiting(
            id=row.id,
            title=row.display_name or row.output_name,
            user=row.created_by_email,
            priority=row.priority,
            place=row.place,
            held=row.held,
            message=row.message,
            device=row.device,
            devices=row.devices,
            memory_bytes=row.memory_bytes,
        )
        for row in rows
    ]


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


def set_places(session: Session, places: Mapping[str, float]) -> list[str]:
    """Put waiting jobs elsewhere in the queue; returns those that still waited."""
    return [
        job_id
        for job_id, place in places.items()
        if session.exec(
            update(Job).where(col(Job.id) == job_id, col(Job.status) == Status.QUEUED).values(place=place)
        ).rowcount
    ]
