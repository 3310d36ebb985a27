"""Work in threads for many pages: done once for all who ask at the same moment, and anew for who asks later."""

import asyncio
import threading

import pytest
from nicegui.testing import User

from core.errors import NotFound
from ui.threads import AskedTogether


async def test_pages_that_ask_at_the_same_moment_share_one_look(user: User) -> None:
    looked: list[str] = []
    together = AskedTogether(looked.append)
    await asyncio.gather(*(together.get("a") for _ in range(20)), together.get("b"))
    assert sorted(looked) == ["a", "b"]


async def test_who_asks_after_it_began_gets_a_fresh_answer(user: User) -> None:
    began, may_end, answers = threading.Event(), threading.Event(), iter((1, 2))

    def look() -> int:
        answer = next(answers)
        began.set()
        assert may_end.wait(10)
        return answer

    together = AskedTogether(look)
    first = asyncio.create_task(together.get())
    await asyncio.to_thread(began.wait, 10)
    second = asyncio.create_task(together.get())
    await asyncio.sleep(0)
    may_end.set()
    assert (await first, await second) == (1, 2)


async def test_a_page_that_goes_away_takes_nothing_from_the_others(user: User) -> None:
    may_end = threading.Event()

    def look() -> str:
        assert may_end.wait(10)
        raise NotFound("It is gone.")

    together = AskedTogether(look)
    gone, stays = asyncio.create_task(together.get()), asyncio.create_task(together.get())
    await asyncio.sleep(0)
    gone.cancel()
    may_end.set()
    with pytest.raises(NotFound):
        await stays
