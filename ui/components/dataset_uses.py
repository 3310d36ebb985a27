"""Which jobs used a version, to learn from or to be measured on."""

from core.studio import Studio
from storage.tables import Dataset
from ui import routes
from ui.components.clock import short_date
from ui.components.empty_state import empty_state
from ui.components.status_pill import StatusPill
from ui.components.text import Text, box, link
from ui.kinds import WORDS
from ui.threads import in_thread


async def dataset_uses(studio: Studio, dataset: Dataset) -> None:
    jobs = await in_thread(studio.datasets.used_by, dataset.id)
    if not jobs:
        objective = WORDS[dataset.kind].objective
        with empty_state("No job has used this version yet", "A job names the exact version that it learns from."):
            if objective:
                href = routes.wizard(objective=str(objective), dataset=dataset.id)
                link("Start Training Job", href, "ts-button ts-primary ts-button-link")
        return
    with box("ts-timeline", "ul"):
        for job in jobs:
            with box("ts-timeline-entry", "li"):
                with box("ts-timeline-text"):
                    link(job.title, routes.job(job.id, job.objective), "ts-link ts-strong")
                    role = "Trained on it" if job.dataset_id == dataset.id else "Measured on it"
                    Text("span", f"{role} · {job.model_name} · {short_date(job.created_at)}", "ts-sub")
                with box("ts-push"):
                    StatusPill(job.status)
