"""Several runs side by side: what was set differently, how good each became, and what they say to the same prompts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.history import History
from storage.measures import MEASURES, Measure
from storage.methods import Record
from storage.spec import HoldOut, JobSpec, Objective, RunSpec

#: More curves in one chart, or columns in one table, are told apart by nobody.
MOST = 8
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what it is, and each run's value in the order of the runs."""

    label: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Best:
    """The best evaluation of a run: after which step, how good, and what that is."""

    step: int
    value: float
    measure: Measure


@dataclass(frozen=True, slots=True)
class Said:
    """One prompt, and the newest answer of each run; None where a run was not asked."""

    prompt: str
    answers: tuple[str | None, ...]


def differences(runs: Sequence[RunSpec]) -> list[Row]:
    """Only what is not the same everywhere, in the order of the form."""
    told = [dict(_settings(run)) for run in runs]
    labels = dict.fromkeys(label for settings in told for label in settings)
    rows = (Row(label, tuple(settings.get(label, NOTHING) for settings in told)) for label in labels)
    return [row for row in rows if len(set(row.values)) > 1]


def best(history: History, objective: Objective) -> Best | None:
    """By the measure of its objective; the earliest of equals. None where nothing was evaluated."""
    measure = MEASURES[objective]
    values = history.eval_rewards if measure.is_higher_better else history.eval_losses
    ranks = measure.ranks(values)
    step = min(ranks, key=lambda one: (ranks[one], one), default=None)
    return None if step is None else Best(step, values[step], measure)


def said(histories: Sequence[History]) -> list[Said]:
    """Prompts that at least two runs have answered."""
    answers = [_answers(history) for history in histories]
    prompts = dict.fromkeys(prompt for told in answers for prompt in told)
    shared = (prompt for prompt in prompts if sum(prompt in told for told in answers) > 1)
    return [Said(prompt, tuple(told.get(prompt) for told in answers)) for prompt in shared]


def _answers(history: History) -> dict[str, str]:
    """Followed prompts come by step, so the newest answer stays; then the held-out questions of the end."""
    followed = {answer.prompt: answer.answer for answer in history.answers}
    return followed | {sample.prompt: sample.answer for sample in history.samples if sample.tuned}


def _settings(run: RunSpec) -> Iterator[tuple[str, str]]:
    yield "Type", run.objective.upper()
    yield "Base Model", run.model.name
    yield "Continued From", run.start.name if run.start else NOTHING
    yield "Dataset", f"{run.dataset.name} ({run.dataset.id})"
    yield "Examples", f"{run.dataset.rows:,}"
    yield "Evaluation Dataset", _evaluation(run)
    yield "Method", run.method.kind
    for part in (run.method, *_objective(run), run.hyperparameters):
        yield from _fields(part)
    yield "Chat Template", "Custom" if run.model.chat_template else "The model's own"
    yield _title(JobSpec, "turbo"), _shown(run.asked.turbo)
    yield "Device", run.compute.device if run.compute.devices == 1 else f"{run.compute.devices} × {run.compute.device}"
    yield "Tokens per Pass", f"{run.compute.micro_batch_tokens:,}"
    yield "Weights", run.compute.weights_dtype
    yield from ((f"Version of {name}", version) for name, version in run.versions.items())


def _objective(run: RunSpec) -> Iterable[Record]:
    return {Objective.DPO: (run.dpo,), Objective.RFT: (run.rft,)}.get(run.objective, ())


def _evaluation(run: RunSpec) -> str:
    if run.evaluation_dataset:
        return run.evaluation_dataset.name
    return f"{100 * run.evaluation.share:g} % held out" if isinstance(run.evaluation, HoldOut) else "N/A"


def _fields(part: Record) -> Iterator[tuple[str, str]]:
    for name in type(part).model_fields:
        if name not in ("kind", "try_answers"):
            yield _title(type(part), name), _shown(getattr(part, name))


def _title(owner: type[Record], name: str) -> str:
    """Without the symbol that formulas know it by."""
    return (owner.model_fields[name].title or name.replace("_", " ").title()).partition(" (")[0]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "On" if value else "Off"
    if isinstance(value, float):
        return f"{value:.10f}".rstrip("0").rstrip(".")
    if isinstance(value, Record):
        return str(getattr(value, "type", NOTHING)).replace("_", " ")
    if isinstance(value, Mapping | tuple | list):
        return ", ".join(map(str, value)) or NOTHING
    return NOTHING if value in (None, "") else str(value)
