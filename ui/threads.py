"""Blocking work away from the event loop: one slow query there would hold up every page of every user."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, ParamSpec, TypeVar

from nicegui import run

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`run.io_bound`, but always with a result: at shutdown NiceGUI 3 returns None where version 4 will cancel."""
    done = await run.io_bound(lambda: (work(*args, **kwargs),))
    if done is None:
        raise asyncio.CancelledError
    return done[0]


class AskedTogether(Generic[P, T]):
    """Work in a thread whose answer many pages want at the same moment: done once for all who ask before it begins.

    Who asks after that gets a fresh answer, so nobody who asks because of a change is told what was before it."""

    def __init__(self, work: Callable[P, T]) -> None:
        self._work = work
        self._gathering: dict[object, asyncio.Task[T]] = {}

    async def get(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """The arguments can be hashed."""
        key = (args, tuple(kwargs.items()))
        task = self._gathering.get(key)
        if task is None:
            task = self._gathering[key] = asyncio.create_task(self._begin(key, *args, **kwargs))
        return await asyncio.shield(task)  # a page that goes away takes nothing from the others

    async def _begin(self, key: object, *args: P.args, **kwargs: P.kwargs) -> T:
        await asyncio.sleep(0)  # pages that a signal has just reached ask in this round of the loop
        del self._gathering[key]
        return await in_thread(self._work, *args, **kwargs)


async def in_own_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """For work that takes seconds or minutes: `in_thread` has few threads, and every page needs them."""
    done: Future[T] = Future()

    def work_on() -> None:
        done.set_running_or_notify_cancel()  # from now on a page that goes away does not cancel it under our hands
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  # whoever awaits gets it
            done.set_exception(error)

    threading.Thread(target=work_on, name="page work", daemon=True).start()
    return await asyncio.wrap_future(done)
