"""The pages. `app.py` calls `register_all` once."""

from core.studio import Studio
from ui import uploads
from ui.pages import job, jobs, new_job
from ui.signals import Signals


def register_all(studio: Studio, signals: Signals) -> None:
    jobs.register(studio, signals)
    new_job.register(studio, signals)
    job.register(studio, signals)
    uploads.register(studio)
