"""Does what commands ask for: in a thread of its own, so that a large dataset does not hold up the scheduler."""

import logging
import threading
from pathlib import Path
from typing import Any

import pydantic
import watchfiles

from core import warm_start
from core.actions import Action, act
from core.checkpoints import Checkpoints
from core.datasets.intake import OnProgress
from core.datasets.library import Datasets
from core.desk import DatasetDesk
from core.errors import BadInput, StudioError, explain
from core.home import Home
from core.inbox import LOOK_EVERY_MS, Answer, Inbox, Request
from core.models.library import Models
from core.models.removal import Removal
from core.models.starter import STARTER_ID
from core.people import Actor
from core.queueing import Queue, Shift
from core.runs import Runs
from core.serving.desk import DeploymentDesk
from storage.run_folder import Request as Asked
from storage.spec import Hyperparameters, JobSpec
from storage.status import Status
from storage.tables import Job

log = logging.getLogger(__name__)


class NotYet(BadInput):
    """What is asked for is being made; ask again in a moment."""


class Clerk:
    def __init__(
        self,
        home: Home,
        runs: Runs,
        queue: Queue,
        datasets: Datasets,
        models: Models,
        checkpoints: Checkpoints,
        desk: DatasetDesk,
        deployments: DeploymentDesk,
        removal: Removal,
    ) -> None:
        self._removal = removal
        self._desk = desk
        self._deployments = deployments
        self._inbox = Inbox(home)
        self._runs = runs
        self._queue = queue
        self._datasets = datasets
        self._models = models
        self._checkpoints = checkpoints
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clerk", daemon=True)

    def start(self) -> None:
        self._inbox.discard_old()
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def execute(self, request: Request, on_progress: OnProgress = lambda _: None) -> Answer:
        """Do it, and answer in sentences whatever comes of it."""
        actor = Actor(request.actor_name, request.actor_email)
        try:
            if request.kind in ("pin", "unpin", "delete_checkpoint"):
                return Answer(job_id=request.job_id, said=self._do_with_checkpoint(request, actor))
            if request.kind.startswith("dataset-"):
                return self._desk.execute(request, actor, on_progress)
            if request.kind.startswith("deployment-"):
                return self._deployments.execute(request, actor)
            if request.kind == "model-delete":
                name = self._removal.remove(request.model_id, actor=actor)
                return Answer(said=f"{name} is deleted; it stays in the trash for a week.")
            job = self._do(request, actor)
        except NotYet as error:
            return Answer(error=str(error), wait=True)
        except StudioError as error:
            return Answer(error=str(error))
        except pydantic.ValidationError as error:
            return Answer(error=explain(error))
        if job is None:
            return Answer(job_id=request.job_id, said=f"{request.job_id} is deleted.")
        why = self._queue.waits_because(job) or job.message
        return Answer(job_id=job.id, said=f"{job.id} is {job.status.value}. {why}".strip())

    def submit(self, file: Path | None, fields: dict[str, Any], actor: Actor) -> Job:
        """A job from the fields of a spec and, where given, a file of examples. Raises StudioError."""
        fields = dict(fields)
        if file is not None:
            fields["dataset"] = self._datasets.add(file, name=None, actor=actor).id
        spec = self.spec_of(fields)
        if spec.model == STARTER_ID:
            self._require_starter()
        return self._runs.submit(spec, actor=actor)

    def spec_of(self, fields: dict[str, Any]) -> JobSpec:
        """With what a command may leave out: the model (the starter, or that of the job that is gone on from), that
        job's method, and a learning rate. Raises StudioError or ValidationError."""
        start = fields.get("start_from")
        found = warm_start.completed(fields, self._runs.before(str(start))) if start else fields
        spec = JobSpec.model_validate({"model": STARTER_ID, **found})
        suggested = self._models.suggested(spec.model, spec.objective, spec.method.kind)
        typed = spec.hyperparameters.model_dump(exclude_unset=True)
        return spec.model_copy(update={"hyperparameters": Hyperparameters.model_validate(suggested | typed)})

    def ask_trainer(self, job: Job) -> None:
        """Where no scheduler runs: put the request before the trainer ourselves."""
        attempt = self._runs.folder(job.id).attempt(job.attempt)
        if job.status is Status.CANCELLING:
            attempt.request(Asked.CANCEL)
        elif job.status is Status.PAUSING:
            attempt.request(Asked.PAUSE)

    def _do(self, request: Request, actor: Actor) -> Job | None:
        match request.kind:
            case "submit":
                return self.submit(request.file, request.fields, actor)
            case "hold":
                return self._queue.hold(request.job_id, actor=actor)
            case "release":
                return self._queue.release(request.job_id, actor=actor)
            case "priority":
                return self._queue.prioritise(request.job_id, int(request.to), actor=actor)
            case "move":
                return self._queue.move(request.job_id, Shift(request.to), actor=actor)
            case kind:
                return act(self._runs, Action(kind), request.job_id, actor=actor)

    def _do_with_checkpoint(self, request: Request, actor: Actor) -> str:
        if not request.to.isdecimal():
            raise BadInput(f"“{request.to[:40]}” is not a step; see them with: tunesmith jobs checkpoints ID.")
        step, checkpoints = int(request.to), self._checkpoints
        what = f"The checkpoint of step {step} of {request.job_id}"
        match request.kind:
            case "pin":
                checkpoints.pin(request.job_id, step, actor=actor)
                return f"{what} is pinned."
            case "unpin":
                checkpoints.unpin(request.job_id, step, actor=actor)
                return f"{what} is not pinned any more."
            case _:
                checkpoints.delete(request.job_id, step, actor=actor)
                return f"{what} is deleted; it stays in the trash for a week."

    def _require_starter(self) -> None:
        self._models.starter.prepare()
        state = self._models.starter.state()
        if state.kind == "preparing":
            raise NotYet(f"Starter model: {state.detail} ({state.done} of {state.total})")
        if state.kind != "ready":
            raise BadInput(state.detail)

    def _run(self) -> None:
        for _ in watchfiles.watch(
            self._inbox.folder,
            debounce=20,
            step=10,
            rust_timeout=LOOK_EVERY_MS,
            yield_on_timeout=True,
            stop_event=self._stopping,
            recursive=False,
            raise_interrupt=False,
        ):
            try:
                self._inbox.serve(self.execute)
            except Exception:  # a thread's edge: one bad request must not silence all others
                log.exception("A command's request could not be answered.")
