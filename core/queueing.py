"""The queue: who goes first, who is held, what each waits for, and the claim that gives a job its devices."""

import math
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from core.devices import CPU, Device, Devices, DevicesUnreadable, processor
from core.errors import BadInput, Conflict, NotFound
from core.known_gpus import KnownGpus
from core.people import Actor
from core.placement import Picture, Plan, plan
from core.remembered import Remembered
from core.sentence import Sentence
from storage import jobs, leases
from storage.database import Database
from storage.jobs import Waiting
from storage.leases import Line
from storage.status import Status
from storage.tables import Job

MOST_PRIORITY = 100
#: About a tick of the scheduler, which asks once in each.
REASONS_FRESH_S = 1.0


class Shift(StrEnum):
    """Where a job goes among the waiting jobs of its priority."""

    UP = "up"
    DOWN = "down"
    FRONT = "front"


class Queue:
    """`changed(job_id)` is called after every change of a row, from whatever thread made it. `obstacle()` says why
    nothing can start now, whatever is free: a full disk, no runner."""

    def __init__(
        self,
        database: Database,
        devices: Devices,
        changed: Callable[[str], None],
        obstacle: Callable[[], str],
        known: KnownGpus,
    ) -> None:
        self._database = database
        self._obstacle = obstacle
        self._devices = devices
        self._changed = changed
        self._known = known
        self._told: dict[str, str] = {}
        self._reasons: Remembered[dict[str, str]] = Remembered(fresh_s=REASONS_FRESH_S)
        #: Another one after every change of a row.
        self._edition = object()
        #: Set when the scheduler has something to do before its next tick.
        self.wake = threading.Event()

    def announce(self, job_id: str) -> None:
        """A row has changed: what waits may now wait for something else, and pages hear of it."""
        self._edition = object()
        self._changed(job_id)

    def get(self, job_id: str) -> Job:
        with self._database.read() as session:
            job = jobs.get(session, job_id)
        if job is None:
            raise NotFound(
                "There is no job “{job_id}”. It may have been deleted; look in the jobs list.", job_id=job_id[:80]
            )
        return job

    def hold(self, job_id: str, *, actor: Actor) -> Job:
        """Keep a waiting job from starting until it is released."""
        return self._change(job_id, "held", held=True, message=f"Held by {actor.name}.")

    def release(self, job_id: str, *, actor: Actor) -> Job:
        """Let a held job start in its turn. One that is not held stays as it is."""
        if self.get(job_id).held:
            self._change(job_id, "released", held=False, message=f"Released by {actor.name}.")
        return self.get(job_id)

    def prioritise(self, job_id: str, priority: int, *, actor: Actor) -> Job:
        """Higher goes first; 0 is where every job begins."""
        if abs(priority) > MOST_PRIORITY:
            raise BadInput(
                "The priority {priority} is out of bounds; give one from -{most} to {most}.",
                priority=priority,
                most=MOST_PRIORITY,
            )
        if self.get(job_id).held:
            return self._change(job_id, "given a priority", priority=priority)
        said = f"Priority {priority}, given by {actor.name}."
        return self._change(job_id, "given a priority", priority=priority, message=said)

    def prioritise_by(self, job_id: str, difference: int, *, actor: Actor) -> Job:
        return self.prioritise(job_id, self.get(job_id).priority + difference, actor=actor)

    def move(self, job_id: str, shift: Shift, *, actor: Actor) -> Job:
        """Let a waiting job change places with its neighbour, or go before all others of its priority."""
        job = self.get(job_id)
        with self._database.write() as session:
            peers = [other for other in jobs.waiting(session) if other.priority == job.priority]
            at = next((index for index, other in enumerate(peers) if other.id == job_id), None)
            if at is None:
                raise Conflict(
                    "“{title}” is {status}, so it cannot be moved in the queue.",
                    title=job.title,
                    status=job.status.value,
                )
            to = {Shift.UP: max(at - 1, 0), Shift.DOWN: min(at + 1, len(peers) - 1), Shift.FRONT: 0}[shift]
            reordered = [*peers]
            reordered.insert(to, reordered.pop(at))
            changed = jobs.set_places(session, _new_places(peers, reordered))
        for other in changed:
            self.announce(other)
        self.wake.set()
        return self.get(job_id)

    def claim_next(self) -> Job | None:
        """Give the next job that can start its devices, a new attempt and a fresh fencing token: one transaction."""
        seen, unreadable = self.look()
        with self._database.write() as session:
            picture = self._picture(leases.line(session), seen, unreadable)
            starts = plan(picture).starts
            if not starts:
                return None
            waiting, chosen = starts[0]
            claimed = jobs.claim(session, waiting.id, secrets.token_hex(16))
            if claimed:
                leases.take(session, claimed, (device.uuid for device in chosen))
        if claimed:
            self.announce(claimed.id)
        return claimed

    def reasons(self) -> dict[str, str]:
        """For every waiting job, why it has not started, as a sentence.

        For a thousand jobs that takes some 50 ms, so it is done once for all pages that look; anew after a change of a
        row or of a GPU, and after a second, because other processes and the disk are not heard of.
        """
        seen, unreadable = self.look()
        gpus = tuple(device for device in seen if device.kind != CPU)  # the processor's free memory never stands still
        key = (self._edition, gpus, unreadable)
        return self._reasons.get(key, lambda: self._find_reasons(seen, unreadable))

    def _find_reasons(self, seen: tuple[Device, ...], unreadable: str) -> dict[str, str]:
        with self._database.read() as session:
            planned: Plan = plan(self._picture(leases.line(session), seen, unreadable))
        soon = (self._obstacle() if planned.starts else "") or "Starts in a moment."
        return {**{job.id: soon for job, _ in planned.starts}, **planned.reasons}

    def waits_because(self, job: Job) -> str:
        return self.reasons().get(job.id, "") if job.status is Status.QUEUED else ""

    def tell_news(self) -> None:
        """Announce the jobs whose reason has changed: a page must not show yesterday's."""
        now = self.reasons()
        for job_id in {job_id for job_id, reason in now.items() if self._told.get(job_id) != reason}:
            self._changed(job_id)
        self._told = now

    def keep_in_mind(self) -> None:
        """Write down which GPUs there are, so that a restarted server misses one that is gone."""
        self._known.keep()

    def devices_of(self, job: Job) -> tuple[Device, ...]:
        """What the job's live attempt runs on."""
        here = {device.uuid: device for device in self.look()[0]}
        with self._database.read() as session:
            taken = leases.devices_of(session, job.id)
        unknown = ((uuid, Device(uuid=uuid, name=uuid, memory_bytes=0, free_bytes=0)) for uuid in taken)
        return tuple(here.get(uuid) or self._known.get(uuid) or stand_in for uuid, stand_in in unknown)

    def lost_devices(self) -> dict[str, str]:
        """Job id → sentence, for every job that holds a GPU which does not answer any more."""
        seen, unreadable = self.look()
        if unreadable:
            return {}
        here = {device.uuid for device in seen}
        with self._database.read() as session:
            held = [lease for lease in leases.every(session) if lease.attempt != leases.SERVING]
        lost = [lease for lease in held if lease.device_uuid not in here]
        return {lease.job_id: self._lost_sentence(lease.device_uuid) for lease in lost}

    def release_stale(self) -> None:
        """Free the devices of attempts that are over."""
        with self._database.write() as session:
            leases.release_stale(session)

    def look(self) -> tuple[tuple[Device, ...], str]:
        """The devices now, and what the driver said where it did not say which there are."""
        try:
            seen = self._devices.look()
        except DevicesUnreadable as error:
            return (processor(),), str(error)
        self._known.note(seen)
        return seen, ""

    def _picture(self, line: Line, seen: tuple[Device, ...], unreadable: str) -> Picture:
        titles = {job.id: job.title for job in line.live}
        return Picture(
            devices=seen,
            queue=line.waiting,
            holders={lease.device_uuid: titles.get(lease.job_id, lease.job_id) for lease in line.leases},
            running=Counter(job.created_by_email for job in line.live),
            missing=() if unreadable else self._known.missing(seen),
            unreadable=unreadable,
        )

    def _lost_sentence(self, uuid: str) -> str:
        known = self._known.get(uuid)
        name = f"{known.label} ({known.name}, {uuid})" if known else Sentence("The GPU {id}", id=uuid)
        return Sentence("{gpu} stopped answering. It is set aside until it is seen healthy again.", gpu=name)

    def _change(self, job_id: str, what: str, **values: Any) -> Job:
        job = self.get(job_id)
        with self._database.write() as session:
            written = jobs.write(session, job, only_from=(Status.QUEUED,), **values)
        if not written:
            status = self.get(job_id).status.value
            raise Conflict(
                "“{title}” is {status}, so it cannot be {what}; only a queued job can.",
                title=job.title,
                status=status,
                what=what,
            )
        self.announce(job_id)
        self.wake.set()
        return self.get(job_id)


def _new_places(before: Iterable[Waiting], after: Iterable[Waiting]) -> dict[str, float]:
    """The same places dealt out in the new order; equal ones are told apart, or the order would not show."""
    last = -math.inf
    places: dict[str, float] = {}
    for old, job in zip(before, after, strict=True):
        last = max(old.place, math.nextafter(last, math.inf))
        if job.place != last:
            places[job.id] = last
    return places
