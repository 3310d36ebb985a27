"""Where the pages are. A link is written once."""

from collections.abc import Iterable
from urllib.parse import urlencode

from storage.spec import Objective

DASHBOARD = "/dashboard"
SETTINGS = "/dashboard/settings"
JOBS = "/dashboard/fine-tuning"
COMPARE = "/dashboard/fine-tuning/compare"
WIZARD = "/dashboard/fine-tuning/create"
DATASETS = "/dashboard/datasets"
DATASET_UPLOAD = "/dashboard/datasets/upload"
CONVERSATIONS = "/dashboard/datasets/import"
MODELS = "/dashboard/models"
ADD_MODEL = "/dashboard/models/add"
CUSTOM_MODEL = "/dashboard/models/custom"
DEPLOYMENTS = "/dashboard/deployments"
TYPES = {Objective.SFT: "supervised", Objective.RFT: "reinforcement", Objective.DPO: "preference"}


def jobs(kind: str = "supervised", **filters: str) -> str:
    """The jobs list; empty filters stay out of the address."""
    return _with(JOBS, type=kind, **filters)


def job(job_id: str, objective: Objective = Objective.SFT, **view: str) -> str:
    """`view` is what is chosen above the curves; empty values stay out of the address."""
    return _with(f"{JOBS}/{TYPES[objective]}/{job_id}", **view)


def job_output(job_id: str) -> str:
    """What the job has made, as an archive."""
    return f"{JOBS}/output/{job_id}.tar"


def job_file(job_id: str, objective: Objective, name: str) -> str:
    """A download: `name` is “metrics.csv” and the like."""
    return f"{job(job_id, objective)}/{name}"


def compare(job_ids: Iterable[str] = (), **view: str) -> str:
    """Several jobs side by side, in this order."""
    return _with(COMPARE, jobs=",".join(job_ids), **view)


def wizard(*, objective: str = "sft", step: int = 1, **begun: str) -> str:
    """`begun` with: `model` (a base model), `start` (a custom one to go on from), `dataset`, `clone` (a job), `preset`
    (the name of settings that were put in place)."""
    return _with(WIZARD, objective=objective, step=str(step), **begun)


def datasets(kind: str = "supervised", **filters: str) -> str:
    """The datasets list; empty filters stay out of the address."""
    return _with(DATASETS, kind=kind, **filters)


def dataset_upload(kind: str = "supervised", *, upload: str = "", way: str = "") -> str:
    return _with(DATASET_UPLOAD, kind=kind, way=way, upload=upload)


def conversations(upload: str = "") -> str:
    return _with(CONVERSATIONS, upload=upload)


def dataset(dataset_id: str, **state: str) -> str:
    """`state` is the tab and what is chosen there; empty values stay out of the address."""
    return _with(f"{DATASETS}/{dataset_id}", **state)


def deployments(target: str = "") -> str:
    """The list; with a target, its dialog is open for that."""
    return _with(DEPLOYMENTS, deploy=target)


def deployment(name: str) -> str:
    return f"{DEPLOYMENTS}/{name}"


def download(dataset_id: str, form: str) -> str:
    return _with(f"{DATASETS}/{dataset_id}/download", format=form)


def models(tab: str = "", **filters: str) -> str:
    """The base models; `tab` “custom” is what was tuned here or brought as an adapter."""
    return _with(MODELS, tab=tab, **filters)


def add_model(way: str = "", **state: str) -> str:
    return _with(ADD_MODEL, way=way, **state)


def custom_model(model_id: str) -> str:
    return f"{CUSTOM_MODEL}/{model_id}"


def _with(path: str, **query: str) -> str:
    chosen = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(chosen, safe=',')}" if chosen else path
