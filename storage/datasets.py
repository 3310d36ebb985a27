"""The only queries on datasets."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from storage.tables import Dataset


def add(session: Session, dataset: Dataset) -> None:
    session.add(dataset)


def get(session: Session, dataset_id: str) -> Dataset | None:
    return session.get(Dataset, dataset_id)


def by_hash(session: Session, sha256: str) -> Dataset | None:
    return session.exec(select(Dataset).where(Dataset.sha256 == sha256)).first()


def newest_first(session: Session) -> Sequence[Dataset]:
    return session.exec(select(Dataset).order_by(col(Dataset.created_at).desc())).all()
