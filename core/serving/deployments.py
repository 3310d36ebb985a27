"""Deployments from a user's point of view: names that answer, and what stands behind each."""

import logging
import re
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from core.ballast import Ballast
from core.checkpoints import Checkpoints
from core.errors import BadInput, Conflict, NotFound, StudioError
from core.home import Home
from core.people import Actor
from core.serving.counters import Counter, Figures
from core.serving.ledger import Ledger
from core.serving.pool import Pool
from core.serving.standing import Standing, State, standing
from core.serving.targets import Place, Target, Targets
from core.trash import Trash
from storage import deployments
from storage.database import Database
from storage.tables import Deployment, TargetKind

NAME_PATTERN = r"[a-z0-9][a-z0-9._-]{0,62}"
#: What a first load or a slow adapter may take before a switch is given up.
SWITCH_TIMEOUT_S = 900.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """A deployment as its page shows it."""

    row: Deployment
    #: What stands behind it, as a person reads it.
    target: str
    standing: Standing
    figures: Figures
    #: How a switch stands that is under way or could not be done; empty where there is none.
    switch: str = ""


class Deployments:
    """`changed()` is called after every change, from whatever thread made it."""

    def __init__(
        self,
        database: Database,
        home: Home,
        ballast: Ballast,
        targets: Targets,
        pool: Pool,
        ledger: Ledger,
        checkpoints: Checkpoints,
        changed: Callable[[], None],
    ) -> None:
        self._database = database
        self._home = home
        self._ballast = ballast
        self._targets = targets
        self._pool = pool
        self._ledger = ledger
        self._checkpoints = checkpoints
        self._changed = changed
        self._trash = Trash(home)
        self._switches: dict[str, str] = {}

    def create(self, name: str, asked: str, *, actor: Actor) -> Deployment:
        """Let `asked` (a model, a job, `job@step`) answer to a name. Raises StudioError."""
        row = self._new(name, asked, actor)
        place = self.place(row)
        with self._database.write() as session:
            if deployments.by_name(session, name):
                raise Conflict(
                    "There is a deployment “{name}” already. Choose another name, or switch it to another target.",
                    name=name,
                )
            deployments.add(session, row)
            self._keep(row)
        log.info("%s deployed %s as %s.", actor.email, asked, name)
        self._changed()
        self._warm(place)
        return row

    def switch(self, name: str, asked: str, *, actor: Actor) -> "Future[Deployment]":
        """Let another target answer to the name, once it is loaded; answers being written end on the old one.

        Raises StudioError where that cannot be; whether it could be loaded is the future's to say.
        """
        row, target = self.get(name), self._target(asked, actor)
        message = f"Switched to {self._targets.title(target)} by {actor.name}."
        to = {"kind": target.kind, "target_id": target.id, "step": target.step, "message": message}
        done: Future[Deployment] = Future()
        before, after = self._place_or_none(row), self.place(row.model_copy(update=to))
        if not (row.wanted and self._pool.is_open):
            done.set_result(self._write(row.model_copy(update=to)))
            return done
        self._tell_switch(row.id, f"{self._targets.title(target)} is being loaded; until then the old one answers.")
        arguments = (row, to, before, after, done)
        threading.Thread(target=self._switch, args=arguments, name=f"switch {name}", daemon=True).start()
        return done

    def start(self, name: str, *, actor: Actor) -> Deployment:
        """Let it answer again, and forget earlier crashes."""
        row = self._write(self.get(name).model_copy(update={"wanted": True, "message": f"Started by {actor.name}."}))
        place = self.place(row)
        self._pool.try_again(place)
        self._warm(place)
        return row

    def stop(self, name: str, *, actor: Actor) -> Deployment:
        """Requests are refused from now on; answers that are being written are ended properly."""
        row = self._write(self.get(name).model_copy(update={"wanted": False, "message": f"Stopped by {actor.name}."}))
        self._let_go(self._place_or_none(row))
        return row

    def delete(self, name: str, *, actor: Actor) -> None:
        """The name answers no more; what stood behind it stays as it is."""
        row = self.get(name)
        with self._database.write() as session:
            deployments.remove(session, row.id)
            kept_at = self._trash.take(self._home.deployments / row.id, called=f"deployment-{row.name}")
        log.info("%s deleted the deployment %s; it is %s for now.", actor.email, name, kept_at)
        self._let_go(self._place_or_none(row))
        self._changed()

    def get(self, name: str) -> Deployment:
        with self._database.read() as session:
            row = deployments.by_name(session, name)
        if row is None:
            raise NotFound(
                "There is no deployment “{name}”. It may have been deleted; look in the list.", name=name[:80]
            )
        return row

    def rows(self) -> list[Deployment]:
        with self._database.read() as session:
            return list(deployments.every(session))

    def all(self) -> list[Deployed]:
        """In the order of their names. Reads files: call it in a thread."""
        return [self.shown(row) for row in self.rows()]

    def of_target(self, target_id: str) -> list[Deployed]:
        """Those of a job with its checkpoints, or of a model."""
        with self._database.read() as session:
            found = list(deployments.of_target(session, target_id))
        return [self.shown(row) for row in found]

    def needing(self, model_id: str) -> str:
        """Which deployments need this base model or brought adapter, as a sentence; empty where none does."""
        found = [f"“{row.name}”" for row in self.rows() if self._needs(row, model_id)]
        if not found:
            return ""
        what = "the deployment" if len(found) == 1 else "the deployments"
        return f"{model_id} answers for {what} {', '.join(found)}. Delete or switch that first."

    def _needs(self, row: Deployment, model_id: str) -> bool:
        if row.target_id == model_id or row.kind is TargetKind.MODEL:
            return row.target_id == model_id
        try:
            return self.place(row).base.model.id == model_id
        except StudioError:  # nothing stands behind it any more
            return False

    def shown(self, row: Deployment) -> Deployed:
        return Deployed(
            row=row,
            target=self._targets.title(target_of(row)),
            standing=self._standing(row),
            figures=self._ledger.counter(row.id).figures(),
            switch=self._switches.get(row.id, ""),
        )

    def choices(self) -> dict[str, str]:
        """What a person may deploy without knowing its name: outputs of completed jobs, then models, with titles."""
        return self._targets.choices()

    def place(self, row: Deployment) -> Place:
        """Where it is answered. Raises StudioError where what stood behind it is gone."""
        return self._targets.place(target_of(row), self._pool.base_for)

    def counter(self, deployment_id: str) -> Counter:
        return self._ledger.counter(deployment_id)

    def _new(self, name: str, asked: str, actor: Actor) -> Deployment:
        if not re.fullmatch(NAME_PATTERN, name):
            raise BadInput(
                "“{name}” cannot be a deployment's name: use 1 to 63 small letters, digits, dots, dashes and "
                "underscores, beginning with a letter or digit.",
                name=name[:80],
            )
        target = self._target(asked, actor)
        return Deployment(
            id=secrets.token_hex(6),
            name=name,
            kind=target.kind,
            target_id=target.id,
            step=target.step,
            message=f"Created by {actor.name}.",
            created_by_name=actor.name,
            created_by_email=actor.email,
        )

    def _target(self, asked: str, actor: Actor) -> Target:
        """A checkpoint is pinned: no tidying may take it away beneath a deployment."""
        target = self._targets.find(asked)
        if target.kind is TargetKind.CHECKPOINT:
            self._checkpoints.pin(target.id, target.step, actor=actor)
        return target

    def _switch(
        self, row: Deployment, to: dict[str, Any], before: Place | None, after: Place, done: "Future[Deployment]"
    ) -> None:
        try:
            seat = self._pool.enter(after)
            try:
                seat.wait(SWITCH_TIMEOUT_S)
                # It may have been stopped while the new one was loaded; that stays so.
                switched = self._write(self.get(row.name).model_copy(update=to))
            finally:
                self._pool.leave(seat)
        except (StudioError, TimeoutError) as error:
            self._tell_switch(row.id, f"It could not be switched, and answers as before: {error}")
            done.set_exception(error)
            return
        self._tell_switch(row.id, "")
        if before != after:
            self._let_go(before)
        done.set_result(switched)

    def _tell_switch(self, deployment_id: str, sentence: str) -> None:
        self._switches[deployment_id] = sentence
        self._changed()

    def _write(self, row: Deployment) -> Deployment:
        values = row.model_dump(include={"kind", "target_id", "step", "wanted", "message"})
        with self._database.write() as session:
            if not deployments.change(session, row.id, **values):
                raise NotFound("The deployment “{name}” has been deleted meanwhile.", name=row.name)
            self._keep(row)
        self._changed()
        return row

    def _keep(self, row: Deployment) -> None:
        """Inside the transaction: where the file cannot be written, the row is not either."""
        with self._ballast.explaining():
            deployments.write(self._home.deployments / row.id, row)

    def _warm(self, place: Place) -> None:
        """Begin to load it; nobody waits."""
        if self._pool.is_open:
            try:
                self._pool.leave(self._pool.enter(place))
            except StudioError as error:
                log.info("%s is not loaded now: %s", place.base.title, error)

    def _let_go(self, place: Place | None) -> None:
        """Of its memory, as far as no other deployment that is wanted stands on it."""
        if place is None:
            return
        others = [other for row in self.rows() if row.wanted and (other := self._place_or_none(row))]
        if place not in others:
            self._pool.let_go(place, base_too=all(other.base != place.base for other in others))

    def _place_or_none(self, row: Deployment) -> Place | None:
        try:
            return self.place(row)
        except StudioError:
            return None

    def _standing(self, row: Deployment) -> Standing:
        if not row.wanted:
            return Standing(state=State.STOPPED, reason=row.message)
        try:
            place = self.place(row)
        except StudioError as error:
            return Standing(state=State.DEGRADED, reason=str(error))
        return standing(place, self._pool.slot(place))


def target_of(row: Deployment) -> Target:
    return Target(kind=row.kind, id=row.target_id, step=row.step)


def proposed_name(text: str) -> str:
    """A name that a deployment of this may have: “Support bot 2” becomes “support-bot-2”."""
    plain = re.sub(r"[^a-z0-9._]+", "-", text.lower()).strip("-._")
    return plain[:63].rstrip("-._") or "deployment"
