"""What is asked about evaluations, and what of it has a meaning where there are none. Pure arithmetic, no I/O."""

from storage.retention import Checkpointing
from storage.spec import Change, Evaluation, Hyperparameters, NoEvaluation

NO_EXAMPLES = "no examples are kept for evaluation"


def judged(asked: Hyperparameters, evaluation: Evaluation, changes: list[Change]) -> Hyperparameters:
    """Without held-out examples nothing can be evaluated, so nothing can stop early or be the best."""
    if not isinstance(evaluation, NoEvaluation):
        return asked
    nothing: dict[str, object] = {}
    for name, idle in (("eval_steps", 0), ("early_stopping", 0), ("export_step", "last")):
        value, title = getattr(asked, name), Hyperparameters.model_fields[name].title or name
        if value not in (idle, "auto"):
            changes.append(Change(field=title, asked=f"{value}", runs=f"{idle}", reason=NO_EXAMPLES))
            nothing[name] = idle
    return asked.model_copy(update=nothing)


def with_best_kept(asked: Checkpointing, runs: Hyperparameters, changes: list[Change]) -> Checkpointing:
    """The best step can only be exported from a checkpoint of it."""
    exports_best = runs.export_step == "best" or (runs.export_step == "auto" and runs.early_stopping > 0)
    if not exports_best or asked.best:
        return asked
    reason = "the best step is exported, so its checkpoint has to stay"
    changes.append(Change(field="Best Checkpoints", asked="0", runs="1", reason=reason))
    return asked.model_copy(update={"best": 1})
