"""Does what commands ask about deployments, and answers in a sentence."""

from typing import Any

from core.errors import BadInput
from core.home import Home
from core.inbox import Answer, Inbox, Request
from core.people import Actor
from core.serving.deployments import Deployed, Deployments

KIND = "deployment-"


class DeploymentDesk:
    def __init__(self, deployments: Deployments) -> None:
        self._deployments = deployments

    def execute(self, request: Request, actor: Actor) -> Answer:
        """Raises StudioError."""
        name, target = str(request.fields.get("name", "")), str(request.fields.get("target", ""))
        match request.kind.removeprefix(KIND):
            case "add":
                row = self._deployments.create(name, target, actor=actor)
                return Answer(said=f"“{row.name}” answers with {self._deployments.shown(row).target}.")
            case "switch":
                switched = self._deployments.switch(name, target, actor=actor)
                if switched.done() and not switched.exception():
                    return Answer(said=f"“{name}” answers with {target} from now on.")
                return Answer(said=f"{target} is being loaded; “{name}” answers with it as soon as that is done.")
            case "start":
                self._deployments.start(name, actor=actor)
                return Answer(said=f"“{name}” is started.")
            case "stop":
                self._deployments.stop(name, actor=actor)
                return Answer(said=f"“{name}” is stopped; answers that are being written are ended properly.")
            case "rm":
                self._deployments.delete(name, actor=actor)
                return Answer(said=f"“{name}” is deleted. What stood behind it stays as it is.")
            case "ls":
                return Answer(rows=tuple(standing_of(one) for one in self._deployments.all()))
            case other:
                raise BadInput(f"A deployment cannot be asked to “{other}”.")


def standing_of(deployed: Deployed) -> dict[str, Any]:
    """What only the studio that serves knows of a deployment."""
    standing, figures = deployed.standing, deployed.figures
    return {
        "name": deployed.row.name,
        "state": standing.state.value,
        "reason": deployed.switch or standing.reason,
        "engine": standing.engine,
        "memory_bytes": standing.memory_bytes,
        "requests": figures.requests,
        "running": figures.running,
    }


def live(home: Home, actor: Actor) -> dict[str, dict[str, Any]] | None:
    """By name, how each stands in the studio that serves; None where none does. Raises Conflict where it is silent."""
    if not home.is_served():
        return None
    answer = Inbox(home).ask(Request(kind="deployment-ls", actor_name=actor.name, actor_email=actor.email))
    return {row["name"]: row for row in answer.rows} if answer else None
