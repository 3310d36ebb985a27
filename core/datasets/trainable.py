"""Whether a job may start on a dataset: its kind must teach what is asked, and no row may be wrong."""

from core.checks.codes import CODES
from core.checks.report import Report
from core.datasets.intake import MINIMUM_EXAMPLES
from core.datasets.library import Datasets
from core.errors import BadInput
from core.formats.problems import Level
from core.people import Actor
from core.sentence import Sentence
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
        raise BadInput("Training and evaluation differ in what they hold ({held}). Choose two of one kind.", held=held)


def require_trainable(dataset: Dataset, report: Report | None, objective: Objective) -> None:
    """Raises BadInput with the figures and the next thing to do. `report` only names the reasons."""
    name = f"“{dataset.name}” version {dataset.version}"
    if dataset.kind not in LEARNS_FROM[objective]:
        raise BadInput(
            "{name} holds {held}, but {job} {remedy}",
            name=name,
            held=Sentence(HOLDS[dataset.kind]),
            job=Sentence(NAMES[objective]),
            remedy=_remedy(dataset.kind, objective),
        )
    if dataset.errors:
        raise BadInput(
            "{errors:,} of {rows:,} rows of {name} have errors{report}. Drop them (a new version) or mend them; "
            "as they are, they would train nothing or the wrong thing.",
            errors=dataset.errors,
            rows=dataset.rows,
            name=name,
            report=_reasons(report),
        )
    if dataset.rows < MINIMUM_EXAMPLES:
        raise BadInput(
            "{name} has {count} example; at least {least} are required. Add some. | "
            "{name} has {count} examples; at least {least} are required. Add some.",
            name=name,
            count=dataset.rows,
            least=MINIMUM_EXAMPLES,
        )


def _remedy(kind: Kind, objective: Objective) -> str:
    wanted: str = Sentence(HOLDS[LEARNS_FROM[objective][0]])
    for other in LEARNS_FROM[objective][1:]:
        wanted = Sentence("{one} or {other}", one=wanted, other=Sentence(HOLDS[other]))
    fitting = next((NAMES[other] for other, kinds in LEARNS_FROM.items() if kind in kinds), "")
    if not fitting:
        return Sentence("learns from {wanted}. Choose such a dataset.", wanted=wanted)
    way = "learns from {wanted}. Choose such a dataset, or a job for {fitting}."
    return Sentence(way, wanted=wanted, fitting=Sentence(fitting))


def _reasons(report: Report | None) -> str:
    codes = report.codes if report else {}
    graves = {code: found.count for code, found in codes.items() if code in CODES and CODES[code].level is Level.ERROR}
    first = sorted(graves, key=lambda code: -graves[code])[:CODES_NAMED]
    named = ", ".join(f"{graves[code]:,} × {CODES[code].title[0].lower()}{CODES[code].title[1:]}" for code in first)
    return f" ({named}{' …' if len(graves) > CODES_NAMED else ''})" if named else ""
