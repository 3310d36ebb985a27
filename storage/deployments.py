"""The only queries on deployments, and the file that each is made again from where the index is lost."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, delete, select, update

from storage.files import write_json
from storage.status import Status
from storage.tables import Deployment, Job

#: In a deployment's folder.
FILE = "deployment.json"


def write(folder: Path, row: Deployment) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, row.model_dump(mode="json"))


def add(session: Session, row: Deployment) -> None:
    session.add(row)


def replace(session: Session, rows: Iterable[Deployment]) -> int:
    """Make these the only ones; how many there are."""
    session.exec(delete(Deployment))
    found = list(rows)
    session.add_all(found)
    return len(found)


def by_name(session: Session, name: str) -> Deployment | None:
    return session.exec(select(Deployment).where(Deployment.name == name)).first()


def every(session: Session) -> Sequence[Deployment]:
    """In the order of their names."""
    return session.exec(select(Deployment).order_by(Deployment.name)).all()


def of_target(session: Session, target_id: str) -> Sequence[Deployment]:
    """Those of a job with its checkpoints, or of a model."""
    return session.exec(select(Deployment).where(Deployment.target_id == target_id).order_by(Deployment.name)).all()


def change(session: Session, deployment_id: str, **values: Any) -> bool:
    """Whether there was such a row."""
    changed = update(Deployment).where(col(Deployment.id) == deployment_id).values(**values)
    return session.exec(changed).rowcount == 1


def remove(session: Session, deployment_id: str) -> bool:
    return session.exec(delete(Deployment).where(col(Deployment.id) == deployment_id)).rowcount == 1


def tuned(session: Session, name: str) -> Job | None:
    """The newest completed job whose output has this name, or which has it as its id."""
    called = (col(Job.output_name) == name) | (col(Job.id) == name)
    newest = select(Job).where(called, Job.status == Status.COMPLETED).order_by(col(Job.created_at).desc())
    return session.exec(newest).first()


def tunable(session: Session, name: str) -> Job | None:
    """The newest job of that output name or id, whatever has become of it: it may have checkpoints."""
    called = (col(Job.output_name) == name) | (col(Job.id) == name)
    return session.exec(select(Job).where(called).order_by(col(Job.created_at).desc())).first()


def completed(session: Session, limit: int) -> Sequence[Job]:
    """The newest completed jobs."""
    newest = select(Job).where(Job.status == Status.COMPLETED).order_by(col(Job.created_at).desc())
    return session.exec(newest.limit(limit)).all()
