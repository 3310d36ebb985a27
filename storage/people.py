"""The only queries on the local profile and the wizard's drafts."""

from sqlmodel import Session

from storage.tables import Draft, Profile, now


def profile(session: Session) -> Profile | None:
    return session.get(Profile, 1)


def save_profile(session: Session, profile: Profile) -> None:
    session.merge(profile)


def draft(session: Session, key: str) -> str | None:
    found = session.get(Draft, key)
    return found.content if found else None


def save_draft(session: Session, key: str, content: str) -> None:
    session.merge(Draft(key=key, content=content, updated_at=now()))


def drop_draft(session: Session, key: str) -> None:
    found = session.get(Draft, key)
    if found:
        session.delete(found)
