"""What the core tells open pages. `app.py` emits, pages subscribe; a subscription ends with its page."""

from dataclasses import dataclass, field

from nicegui import Event

from core.feed import FeedUpdate


@dataclass(frozen=True, slots=True)
class Signals:
    """Emit in the event loop's thread only: `loop.call_soon_threadsafe(signals.jobs.emit, job_id)`."""

    feed: Event[FeedUpdate] = field(default_factory=lambda: Event[FeedUpdate]())
    """New events of one attempt."""

    jobs: Event[str] = field(default_factory=lambda: Event[str]())
    """The id of a job whose row has changed."""

    deployments: Event[None] = field(default_factory=lambda: Event[None]())
    """Some deployment, or the worker behind it, has changed."""
