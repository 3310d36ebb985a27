"""The pages. `app.py` calls `register_all` once."""

from core.studio import Studio
from ui import downloads, job_files, notices, palette, uploads
from ui.pages import (
    add_model,
    compare,
    custom_model,
    dashboard,
    dataset,
    datasets,
    deployment,
    deployments,
    errors,
    import_conversations,
    job,
    jobs,
    models,
    new_job,
    settings,
    upload_dataset,
)
from ui.signals import Signals


def register_all(studio: Studio, signals: Signals) -> None:
    notices.register(studio, signals)
    palette.register(studio)
    downloads.register(studio)  # before the pages whose addresses look like a file's
    dashboard.register(studio, signals)
    jobs.register(studio, signals)
    new_job.register(studio, signals)
    compare.register(studio, signals)
    job.register(studio, signals)
    datasets.register(studio, signals)
    upload_dataset.register(studio, signals)
    import_conversations.register(studio, signals)
    dataset.register(studio, signals)  # after the pages whose addresses look like a dataset's
    models.register(studio, signals)
    add_model.register(studio, signals)
    custom_model.register(studio, signals)
    deployments.register(studio, signals)
    deployment.register(studio, signals)
    settings.register(studio, signals)
    errors.register(studio, signals)
    uploads.register(studio)
    job_files.register(studio)
