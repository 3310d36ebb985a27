"""Blocking work away from the event loop: one slow query there would hold up every page of every user."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from nicegui import run

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`run.io_bound`, but always with a result: at shutdown NiceGUI 3 returns None where version 4 will cancel."""
    done = await run.io_bound(lambda: (work(*args, **kwargs),))
    if done is None:
        raise asyncio.CancelledError
    return done[0]
