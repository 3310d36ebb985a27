"""Wizards not yet finished. A reload or a restart must not cost the user what was typed."""

import json
from typing import Any

from storage import people
from storage.database import Database


class Drafts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, key: str) -> dict[str, Any] | None:
        with self._database.read() as session:
            content = people.draft(session, key)
        value = json.loads(content) if content else None
        return value if isinstance(value, dict) else None

    def save(self, key: str, content: dict[str, Any]) -> None:
        with self._database.write() as session:
            people.save_draft(session, key, json.dumps(content))

    def drop(self, key: str) -> None:
        with self._database.write() as session:
            people.drop_draft(session, key)
