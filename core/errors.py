"""The one exception tree. Every message is a sentence with the value in it and the next thing to do.

StudioError
├── BadInput        what was asked cannot be done as asked
├── NotFound        no such job, dataset or model
├── Conflict        it is taken, in use, or in the wrong state
├── Unavailable     not now; it says in how many seconds
├── Cancelled       stopped because somebody asked for it
├── DiskFull        nothing more could be written
├── BadHome         the data folder cannot be used
│   └── Taken       another process serves it
├── NoRunner        the runner cannot be asked now
│   └── NobodyRuns  there is none
├── NotStarted      the runner has refused or could not
└── Unanswered      the runner went away while it was asked
"""

from typing import TYPE_CHECKING

from core.sentence import Sentence

if TYPE_CHECKING:  # the runner speaks in these errors too, and is to stay small
    import pydantic


class StudioError(Exception):
    """Shown to the user; by the pages in their language: `NotFound("There is no job “{id}”.", id=job_id)`."""

    def __init__(self, sentence: str = "", /, **values: object) -> None:
        super().__init__(Sentence(sentence, **values) if values else sentence)

    def __str__(self) -> str:
        return self.args[0] if self.args and isinstance(self.args[0], Sentence) else super().__str__()


class BadInput(StudioError):
    """What was asked cannot be done as asked."""


class NotFound(StudioError):
    """There is no such job, dataset or model."""


class Conflict(StudioError):
    """It is taken, in use, or in a state that does not allow this."""


class Unavailable(StudioError):
    """It cannot be done now; `retry_after_s` says when to ask again."""

    def __init__(self, sentence: str, /, retry_after_s: float = 1.0, **values: object) -> None:
        super().__init__(sentence, **values)
        self.retry_after_s = retry_after_s


class Cancelled(StudioError):
    """Stopped because somebody asked for it."""


class DiskFull(StudioError):
    """Nothing more could be written."""


class BadHome(StudioError):
    """The data folder cannot be used."""


class Taken(BadHome):
    """Another process serves the data folder."""


class NoRunner(StudioError):
    """The runner cannot be asked now; what would start waits."""


class NobodyRuns(NoRunner):
    """No runner serves the data folder."""


class NotStarted(StudioError):
    """The runner was asked to start an attempt and did not."""


class Unanswered(StudioError):
    """The runner went away while it was asked: whether it has started the attempt shows in its folder."""


def explain(error: "pydantic.ValidationError") -> str:
    """The first thing pydantic found, as a sentence: which field, what is wrong, what was given."""
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "the spec"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{field}: {first['msg']}; given was {first['input']!r}{more}."
