"""Deleting base models: refused while a job or a deployment needs one, and through the trash."""

import logging
from collections.abc import Callable

from core.errors import BadInput, Conflict
from core.home import Home
from core.models.library import Models
from core.models.starter import STARTER_ID
from core.people import Actor
from core.trash import Trash
from storage import jobs
from storage.database import Database

log = logging.getLogger(__name__)

#: A model's id → who else needs it, as a sentence; empty where nobody does.
Objection = Callable[[str], str]


class Removal:
    """`objections` are asked beside the jobs; whoever loads models adds one."""

    def __init__(self, database: Database, home: Home, models: Models) -> None:
        self._database = database
        self._home = home
        self._models = models
        self._trash = Trash(home)
        self.objections: list[Objection] = []

    def remove(self, model_id: str, *, actor: Actor) -> str:
        """Its name. It lies in the trash for a week. Raises NotFound, Conflict, or BadInput for the starter."""
        model = self._models.get(model_id)
        if model.id == STARTER_ID:
            raise BadInput("{name} comes with Tunesmith and would be made again; it stays.", name=model.name)
        if said := next(filter(None, (objection(model.id) for objection in self.objections)), ""):
            raise Conflict(said)
        # A transaction of the index: no job of this model is submitted meanwhile.
        with self._database.write() as session:
            if users := jobs.with_model(session, model.id):
                named = ", ".join(f"“{job.title}” ({job.status.value})" for job in users[:3])
                more = f" and {len(users) - 3} more" if len(users) > 3 else ""
                raise Conflict(
                    "{name} is used by {named}{more}. Wait for it or cancel it, then delete the model.",
                    name=model.name,
                    named=named,
                    more=more,
                )
            self._trash.take(self._home.models / model.id)
        log.info("%s deleted the model %s.", actor.email, model.id)
        return model.name
