"""What a reinforcement job changes in what was asked, for the reasons in `core.combinations`. Pure arithmetic."""

from core.combinations import ANSWER_FILLS_THE_CONTEXT, NO_DROPOUT_WITH_SAMPLES, NO_NOISE_WITH_SAMPLES
from core.resolve_noise import without_dropout, without_neftune
from storage.methods import Method
from storage.objectives import Rft
from storage.spec import Change, Hyperparameters

#: Of the context, what answers may take where they were asked to take all of it.
ANSWER_SHARE = 0.5


def without_noise(method: Method, asked: Hyperparameters, changes: list[Change]) -> tuple[Method, Hyperparameters]:
    """Answers are to be those of the very model that learns from them."""
    return (
        without_dropout(method, NO_DROPOUT_WITH_SAMPLES.why, changes),
        without_neftune(asked, NO_NOISE_WITH_SAMPLES.why, changes),
    )


def with_room_for_prompts(asked: Rft, context: int, changes: list[Change]) -> Rft:
    """Prompt and answer share the context."""
    if asked.max_completion_tokens < context:
        return asked
    most = max(1, int(context * ANSWER_SHARE))
    reason = f"{ANSWER_FILLS_THE_CONTEXT.why}, which is {context} tokens here"
    change = Change(
        field="Max Completion Length", asked=str(asked.max_completion_tokens), runs=str(most), reason=reason
    )
    changes.append(change)
    return asked.model_copy(update={"max_completion_tokens": most})


def in_prompts(asked: Rft, hyperparameters: Hyperparameters) -> Change:
    """The batch size counts tokens, and how many will be sampled nobody knows before."""
    prompts = asked.prompts_per_step * hyperparameters.gradient_accumulation_steps
    return Change(
        field="Batch Size",
        asked=str(hyperparameters.batch_size),
        runs=f"{prompts} prompts × {asked.group_size} answers",
        reason="a step of reinforcement is counted in prompts (Prompts per Step), not in tokens",
    )
