"""Whether a job may start on a dataset: its kind must teach what is asked, and no row may be wrong."""

from core.checks.codes import CODES
from core.checks.report import Report
from core.datasets.intake import MINIMUM_EXAMPLES
from core.datasets.library import Datasets
from core.errors import BadInput
from core.formats.problems import Level
from core.people import Actor
from storage.rows import Kind
from storage.spec import JobSpec, Objective, OtherDataset
from storage.tables import Dataset

CODES_NAMED = 3

LEARNS_FROM: dict[Objective, tuple[Kind, ...]] = {
    Objective.SFT: (Kind.SUPERVISED, Kind.TEXT),
    Objective.DPO: (Kind.PREFERENCE,),
    Objective.RFT: (Kind.REINFORCEMENT,),
}
HOLDS = {
    Kind.SUPERVISED: "labelled examples",
    Kind.PREFERENCE: "preference pairs",
    Kind.UNPAIRED: "answers with a label, wanted or not",
    Kind.REINFORCEMENT: "prompts with columns to grade against",
    Kind.TEXT: "plain text",
}
NAMES = {
    Objective.SFT: "supervised fine-tuning (sft)",
    Objective.DPO: "preference optimisation (dpo)",
    Objective.RFT: "reinforcement fine-tuning (rft)",
}


def require_ready(datasets: Datasets, spec: JobSpec, actor: Actor | None) -> None:
    """The dataset and, where another one is named, what it is measured on. Raises BadInput or NotFound."""
    chosen = [spec.dataset, *([spec.evaluation.dataset] if isinstance(spec.evaluation, OtherDataset) else [])]
    kinds = set()
    for dataset_id in chosen:
        found = datasets.get(dataset_id, actor=actor)
        require_trainable(found, datasets.report(found.id) if found.errors else None, spec.objective)
        kinds.add(found.kind)
    if len(kinds) > 1:
        held = " and ".join(HOLDS[kind] for kind in sorted(kinds))
        raise BadInput(f"Training and evaluation differ in what they hold ({held}). Choose two of one kind.")


def require_trainable(dataset: Dataset, report: Report | None, objective: Objective) -> None:
    """Raises BadInput with the figures and the next thing to do. `report` only names the reasons."""
    name = f"“{dataset.name}” version {dataset.version}"
    if dataset.kind not in LEARNS_FROM[objective]:
        raise BadInput(f"{name} holds {HOLDS[dataset.kind]}, but {NAMES[objective]} {_remedy(dataset.kind, objective)}")
    if dataset.errors:
        raise BadInput(
            f"{dataset.errors:,} of {dataset.rows:,} rows of {name} have errors{_reasons(report)}. Drop them (a new "
            "version) or mend them; as they are, they would train nothing or the wrong thing."
        )
    if dataset.rows < MINIMUM_EXAMPLES:
        raise BadInput(f"{name} has {dataset.rows} examples; at least {MINIMUM_EXAMPLES} are required. Add some.")


def _remedy(kind: Kind, objective: Objective) -> str:
    wanted = " or ".join(HOLDS[kind] for kind in LEARNS_FROM[objective])
    fitting = next((NAMES[other] for other, kinds in LEARNS_FROM.items() if kind in kinds), "")
    other_way = f", or a job for {fitting}" if fitting else ""
    return f"learns from {wanted}. Choose such a dataset{other_way}."


def _reasons(report: Report | None) -> str:
    codes = report.codes if report else {}
    graves = {code: found.count for code, found in codes.items() if code in CODES and CODES[code].level is Level.ERROR}
    first = sorted(graves, key=lambda code: -graves[code])[:CODES_NAMED]
    named = ", ".join(f"{graves[code]:,} × {CODES[code].title[0].lower()}{CODES[code].title[1:]}" for code in first)
    return f" ({named}{' …' if len(graves) > CODES_NAMED else ''})" if named else ""
