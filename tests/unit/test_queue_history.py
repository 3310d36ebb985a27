"""Any history of submitting, claiming, crashing, cancelling, pausing, restarting: what must always hold, on SQLite."""

import json
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from core.devices import SimulatedDevices
from core.errors import Conflict
from core.home import Home
from core.outcome import Outcome
from core.people import Actor
from core.queueing import Shift
from core.studio import Studio
from storage import leases, manifest
from storage.files import write_json
from storage.jobs import Query
from storage.spec import JobSpec
from storage.status import Cause, Status
from storage.tables import Job

PEOPLE = [Actor("Ann", "ann@example.org"), Actor("Ben", "ben@example.org")]
ENDED = {Status.COMPLETED, Status.FAILED, Status.CANCELLED}


class QueueHistory(RuleBasedStateMachine):
    """Three simulated GPUs, one of which may vanish. There are no trainers: what they would do are the rules."""

    jobs = Bundle("jobs")

    @initialize()
    def open(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="queue-history-"))
        self.gpus = self.folder / "gpus.json"
        self.write_gpus()
        self.home = Home(self.folder / "home")
        self.home.prepare()
        partial = self.home.models / ".tiny.partial"
        partial.mkdir()
        details = {"id": "tiny", "name": "Tiny", "provider": "x", "public_id": "x/tiny", "licence": "mit"}
        sizes = {"parameters": 1_000_000, "context_length": 512, "hidden_size": 64, "layers": 2, "revision": "1"}
        write_json(partial / "model.json", details | sizes)
        manifest.seal(partial, self.home.models / "tiny")
        rows = self.folder / "rows.jsonl"
        rows.write_text('{"prompt": "a", "completion": "b"}\n' * 12)
        self.ended: dict[str, tuple[Status, int]] = {}
        self.tokens: Counter[str] = Counter()
        self.studio = self.opened()
        self.dataset = self.studio.datasets.add(rows, name=None, actor=PEOPLE[0]).id

    def opened(self) -> Studio:
        studio = Studio(self.home, devices=SimulatedDevices(self.gpus))
        studio.open()
        return studio

    def write_gpus(self, *, lost: bool = False, taken: bool = False) -> None:
        processes = [{"pid": 9, "user": "eve", "memory_gb": 20}] if taken else []
        gpus = [{"uuid": "GPU-0"}, {"uuid": "GPU-1", "lost": lost}, {"uuid": "GPU-2", "processes": processes}]
        self.gpus.write_text(json.dumps({"gpus": gpus}))

    @rule(target=jobs, actor=st.sampled_from(PEOPLE), devices=st.integers(1, 2))
    def submit(self, actor: Actor, devices: int) -> str:
        self.write_gpus()
        job = self.studio.runs.submit(JobSpec(model="tiny", dataset=self.dataset), actor=actor)
        # The queue is ready for several GPUs a job before the trainer is.
        self.studio.runs._write(job, only_from=[Status.QUEUED], devices=devices)
        return job.id

    @rule()
    def claim(self) -> None:
        claimed = self.studio.runs.claim_next()
        if claimed:
            self.tokens[claimed.token] += 1
            assert len(self.studio.queue.devices_of(claimed)) == claimed.devices

    @rule(lost=st.booleans(), taken=st.booleans())
    def machine_changes(self, lost: bool, taken: bool) -> None:
        self.write_gpus(lost=lost, taken=taken)

    @rule(job=jobs, status=st.sampled_from([Status.RUNNING, Status.COMPLETING]))
    def progresses(self, job: str, status: Status) -> None:
        self.studio.runs.move(self.studio.runs.get(job), status, step=self.studio.runs.get(job).step + 1)

    @rule(job=jobs, how=st.sampled_from([Status.COMPLETED, Status.FAILED, Status.INTERRUPTED, Status.PAUSED]))
    def trainer_ends(self, job: str, how: Status) -> None:
        row = self.studio.runs.get(job)
        if row.status.is_live and not (how is Status.PAUSED and not row.pause_requested):
            how = Status.CANCELLED if row.cancel_requested and how is not Status.COMPLETED else how
            self.studio.scheduler._end(
                row, Outcome(how, Cause.LOST if how is Status.INTERRUPTED else None, "It ended.")
            )

    @rule(job=jobs, what=st.sampled_from(["cancel", "pause", "resume", "retry"]), actor=st.sampled_from(PEOPLE))
    def ask(self, job: str, what: str, actor: Actor) -> None:
        before = self.studio.runs.get(job)
        try:
            getattr(self.studio.runs, what)(job, actor=actor)
        except Conflict:
            assert self.studio.runs.get(job) == before
        if what == "retry" and self.studio.runs.get(job).status is Status.QUEUED:
            self.ended.pop(job, None)

    @rule(job=jobs, what=st.sampled_from(["hold", "release", *Shift]), actor=st.sampled_from(PEOPLE))
    def reorder(self, job: str, what: str, actor: Actor) -> None:
        queue = self.studio.queue
        try:
            if isinstance(what, Shift):
                queue.move(job, what, actor=actor)
            else:
                (queue.hold if what == "hold" else queue.release)(job, actor=actor)
        except Conflict:
            assert self.studio.runs.get(job).status is not Status.QUEUED

    @rule(job=jobs)
    def a_stale_writer_changes_nothing(self, job: str) -> None:
        row = self.studio.runs.get(job)
        stale = row.model_copy(update={"token": "stale"})
        assert not self.studio.runs.move(stale, Status.COMPLETED)
        assert self.studio.runs.get(job) == row

    @rule()
    def server_restarts(self) -> None:
        self.studio.close()
        self.studio = self.opened()
        self.studio.queue.release_stale()

    def rows(self) -> list[Job]:
        return list(self.studio.runs.search(Query(page_size=1000)).rows)

    @invariant()
    def one_live_attempt_a_job_and_one_job_a_device(self) -> None:
        with self.studio._database.read() as session:
            taken = list(leases.every(session))
        by_id = {job.id: job for job in self.rows()}
        assert len({lease.device_uuid for lease in taken}) == len(taken)
        for lease in taken:
            job = by_id[lease.job_id]
            assert job.status.is_live
            assert (lease.attempt, lease.token) == (job.attempt, job.token)
        for job in by_id.values():
            held = [lease for lease in taken if lease.job_id == job.id]
            assert len(held) == (job.devices if job.status.is_live else 0)

    @invariant()
    def every_attempt_has_a_token_of_its_own(self) -> None:
        assert set(self.tokens.values()) <= {1}

    @invariant()
    def what_has_ended_stays_as_it_is(self) -> None:
        for job in self.rows():
            if job.id in self.ended:
                assert (job.status, job.attempt) == self.ended[job.id]
            elif job.status in ENDED:
                self.ended[job.id] = (job.status, job.attempt)

    @invariant()
    def whoever_does_not_run_is_explained(self) -> None:
        reasons = self.studio.queue.reasons()
        for job in self.rows():
            if job.status is Status.QUEUED:
                assert reasons[job.id].endswith("."), reasons[job.id]
            elif job.status is Status.INTERRUPTED:
                raise AssertionError("an interruption is decided upon at once")
            elif job.status is Status.PAUSED:
                assert job.message

    def teardown(self) -> None:
        if hasattr(self, "studio"):
            self.studio.close()
            shutil.rmtree(self.folder)


TestQueueHistory = QueueHistory.TestCase
TestQueueHistory.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
