"""From the name in a request to a seat on a worker, and back with what the answer took."""

import asyncio
from pathlib import Path

from core.errors import NotFound, StudioError
from core.people import Actor
from core.serving.counters import Answered, Counter
from core.serving.deployments import Deployments
from core.serving.pool import Pool, Seat
from core.serving.targets import Addressable, Place, Targets
from storage.tables import Deployment

#: More than this is found by its name, not by scrolling.
MOST_OUTPUTS = 200


class Visit:
    """One request while it is answered; `leave` it whatever comes of it."""

    def __init__(self, pool: Pool, seat: Seat, counter: Counter | None) -> None:
        self._pool = pool
        self._counter = counter
        self._is_over = False
        self.seat = seat
        if counter:
            counter.begin()

    async def ready(self) -> Path:
        """Wait until the worker can be asked. Others wait for the same, so that who goes away cancels nothing."""
        socket = await asyncio.shield(asyncio.wrap_future(self.seat.socket))
        if self.seat.loaded:
            await asyncio.shield(asyncio.wrap_future(self.seat.loaded))
        return socket

    def leave(self, answered: Answered) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._pool.leave(self.seat)
        if self._counter:
            self._counter.end(answered)


class Endpoint:
    """What the OpenAI-compatible face asks. Every method reads files: call it in a thread."""

    def __init__(self, deployments: Deployments, targets: Targets, pool: Pool) -> None:
        self._deployments = deployments
        self._targets = targets
        self._pool = pool

    def addressable(self, *, actor: Actor) -> list[Addressable]:
        """Deployments, models of the library, and outputs of completed jobs; names that stand twice stand once."""
        rows = self._deployments.rows()
        named = [
            Addressable(name=row.name, created=int(row.created_at.timestamp()), owned_by="deployment")
            for row in rows
            if row.wanted
        ]
        others = self._targets.known(MOST_OUTPUTS)
        taken = {row.name for row in rows}
        named += {other.name: other for other in reversed(others) if other.name not in taken}.values()
        return named

    def enter(self, name: str, *, actor: Actor) -> Visit:
        """Raises NotFound naming what there is, and Unavailable while what is asked for is not back."""
        row = self._row(name)
        counter = self._deployments.counter(row.id) if row else None
        try:
            return Visit(self._pool, self._pool.enter(self._place(name, row, actor)), counter)
        except StudioError:
            if counter:
                counter.begin()
                counter.end(Answered(took_s=0.0, failed=True))
            raise

    def _row(self, name: str) -> Deployment | None:
        try:
            return self._deployments.get(name)
        except NotFound:
            return None

    def _place(self, name: str, row: Deployment | None, actor: Actor) -> Place:
        if row and not row.wanted:
            raise NotFound(
                f"The deployment “{name}” is stopped. Start it on its page, or with: tunesmith deployments start {name}"
            )
        if row:
            return self._deployments.place(row)
        try:
            target = self._targets.find(name)
        except NotFound as error:
            there = ", ".join(one.name for one in self.addressable(actor=actor)[:20]) or "nothing yet"
            raise NotFound(f"{error} Available: {there}.") from error
        return self._targets.place(target, self._pool.base_for)
