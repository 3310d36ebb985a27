"""A run that is killed once and paused once, beside one that nothing happens to."""

import os
import signal
from collections.abc import Callable
from typing import Any, NamedTuple

from core.feed import Feed
from storage.events import Checkpoint, Finished
from storage.run_folder import Request


class Interrupted(NamedTuple):
    """`killed`, `paused` and `again` are the attempts at one run."""

    straight: Any
    killed: Any
    paused: Any
    again: Any


def interrupted(tiny_run: Callable[..., Any], pause_at: str, **asked: Any) -> Interrupted:
    """Killed after its second checkpoint; paused where the next attempt tells `pause_at`, an event's type."""
    straight, killed = tiny_run(**asked), tiny_run(**asked)
    while sum(isinstance(event, Checkpoint) for event in killed.events) < 2:
        killed.wait_for("checkpoint")
    os.kill(killed.attempt.processes()[1].pid, signal.SIGKILL)
    killed.process.wait(60)
    paused = killed.resume()
    paused.wait_for(pause_at)
    paused.attempt.request(Request.PAUSE)
    ended = paused.finish()
    assert isinstance(ended, Finished), paused.log()
    assert ended.outcome == "paused"
    again = paused.resume()
    for run in (again, straight):
        assert isinstance(run.finish(), Finished), run.log()
    return Interrupted(straight, killed, paused, again)


def curve(run: Any, name: str) -> Any:
    return Feed(run.folder.path.parent, lambda update: None).history(run.folder.job_id).series[name]
