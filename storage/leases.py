"""The only queries on leases: which device is in use by which attempt, or by which serving worker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlmodel import Session, col, delete, exists, select, true

from storage import jobs
from storage.jobs import Waiting
from storage.status import LIVE
from storage.tables import Job, Lease

#: The attempt of a lease that is a serving worker's; attempts of jobs count from 1.
SERVING = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Who waits, who runs, and who has which device: read in one transaction."""

    waiting: Sequence[Waiting]
    live: Sequence[Job]
    leases: Sequence[Lease]


def line(session: Session) -> Line:
    return Line(waiting=jobs.waiting(session), live=jobs.live(session), leases=every(session))


def take(session: Session, job: Job, device_uuids: Iterable[str]) -> None:
    """In the transaction of the claim. The primary key refuses a device that is taken."""
    session.add_all(
        Lease(device_uuid=uuid, job_id=job.id, attempt=job.attempt, token=job.token) for uuid in device_uuids
    )


def take_for_serving(session: Session, title: str, token: str, device_uuid: str) -> None:
    """For a worker, which has no job: the title stands in its place, and the attempt is `SERVING`."""
    session.add(Lease(device_uuid=device_uuid, job_id=title, attempt=SERVING, token=token))


def release_serving(session: Session, token: str = "") -> None:
    """That of one worker, or of all of them."""
    mine = (col(Lease.token) == token) if token else true()
    session.exec(delete(Lease).where(col(Lease.attempt) == SERVING, mine))


def release(session: Session, job_id: str) -> None:
    session.exec(delete(Lease).where(col(Lease.job_id) == job_id))


def release_stale(session: Session) -> int:
    """Free what is held for an attempt that is not the live one of its job; returns how many devices.

    What a worker holds stays: it belongs to no job."""
    holder = select(Job.id).where(col(Job.id) == Lease.job_id, col(Job.token) == Lease.token, col(Job.status).in_(LIVE))
    return session.exec(delete(Lease).where(~exists(holder), col(Lease.attempt) != SERVING)).rowcount


def every(session: Session) -> Sequence[Lease]:
    return session.exec(select(Lease)).all()


def devices_of(session: Session, job_id: str) -> tuple[str, ...]:
    return tuple(session.exec(select(Lease.device_uuid).where(Lease.job_id == job_id)).all())
