"""Where the pages are. A link is written once."""

from urllib.parse import urlencode

from storage.spec import Objective

JOBS = "/dashboard/fine-tuning"
WIZARD = "/dashboard/fine-tuning/create"
TYPES = {Objective.SFT: "supervised", Objective.RFT: "reinforcement", Objective.DPO: "preference"}


def jobs(kind: str = "supervised", **filters: str) -> str:
    """The jobs list; empty filters stay out of the address."""
    return f"{JOBS}?{urlencode({'type': kind, **{name: value for name, value in filters.items() if value}})}"


def job(job_id: str, objective: Objective = Objective.SFT) -> str:
    return f"{JOBS}/{TYPES[objective]}/{job_id}"


def wizard(*, objective: str = "sft", step: int = 1, clone: str = "") -> str:
    query = {"objective": objective, "step": str(step)} | ({"clone": clone} if clone else {})
    return f"{WIZARD}?{urlencode(query)}"
