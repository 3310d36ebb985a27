"""The one exception tree. Every message is a sentence with the value in it and the next thing to do.

StudioError
├── BadInput        what was asked cannot be done as asked
├── NotFound        no such job, dataset or model
├── Conflict        it is taken, in use, or in the wrong state
├── DiskFull        nothing more could be written
└── BadHome         the data folder cannot be used
"""


class StudioError(Exception):
    """Shown to the user as it is."""


class BadInput(StudioError):
    """What was asked cannot be done as asked."""


class NotFound(StudioError):
    """There is no such job, dataset or model."""


class Conflict(StudioError):
    """It is taken, in use, or in a state that does not allow this."""


class DiskFull(StudioError):
    """Nothing more could be written."""


class BadHome(StudioError):
    """The data folder cannot be used."""
