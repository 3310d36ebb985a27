"""What goes through the model at once, as far as it can be known before the rows are tokens."""

import math
from dataclasses import dataclass

from storage.rows import Kind
from storage.spec import Objective, RunSpec

#: Template tokens around one message pair, on top of the text.
TEMPLATE_TOKENS_PER_ROW = 30
#: The longest row against the mean one, where nobody has counted: it is 3 to 8 in the datasets that we looked at.
LONGEST_TO_MEAN = 5
#: The share of the tokens that is learned, where nobody has counted: 49 % of the starter dataset.
USUAL_LEARNED = 0.5
#: Tokens of the longest row of a pass, where no dataset is known.
USUAL_WIDTH = 1024
#: Rows of similar length share a pass, so that padding is a tenth of it at most.
MOST_PADDING = 1.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Counted:
    """What an examination has found out about a dataset: tokens and learned tokens of all rows, and the longest."""

    tokens: int
    learned: int
    longest: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """`tokens` of one forward pass, padding included; `width` of its longest row; `learned` share of them; passes that
    make one optimizer step; tokens of an epoch; whether all of it was counted instead of guessed."""

    tokens: int
    width: int
    learned: float
    passes: int
    epoch_tokens: int
    held_out_tokens: int
    counted: bool


def traffic_of(run: RunSpec, counted: Counted | None = None) -> Traffic:
    asked, rows = run.hyperparameters, max(run.dataset.rows, 1)
    sides = 2 if run.dataset.kind is Kind.PREFERENCE else 1
    guessed = run.dataset.tokens_estimate + rows * sides * TEMPLATE_TOKENS_PER_ROW
    total = max(1, counted.tokens if counted else guessed)
    longest = counted.longest if counted else total // rows // sides * LONGEST_TO_MEAN
    width = max(1, min(longest, asked.max_context_length))
    held_out = int(total * getattr(run.evaluation, "share", 0.0))
    trained = max(1, total - held_out)
    padding = min(MOST_PADDING, max(1.0, width * sides * rows / total))
    steps = max(1, round(trained / (asked.batch_size * asked.gradient_accumulation_steps)))
    step = trained / steps * padding
    if run.objective is Objective.RFT:
        # A step is a number of prompts, each with a group of answers as long as they may be.
        width += run.rft.max_completion_tokens
        step = run.rft.prompts_per_step * run.rft.group_size * width
    passes = max(1, math.ceil(step / max(1, run.compute.micro_batch_tokens)))
    # The rows of a step are dealt out evenly. A pair needs both of its answers in one pass, and no row is split.
    tokens = max(width * sides, math.ceil(step / passes))
    return Traffic(
        tokens=tokens,
        width=width,
        learned=min(1.0, counted.learned / max(counted.tokens, 1)) if counted else USUAL_LEARNED,
        passes=passes,
        epoch_tokens=trained,
        held_out_tokens=held_out,
        counted=counted is not None,
    )


def a_pass_of(tokens: int) -> Traffic:
    """One of rows of usual proportions, where no dataset is known."""
    return Traffic(
        tokens=tokens,
        width=min(tokens, USUAL_WIDTH),
        learned=USUAL_LEARNED,
        passes=1,
        epoch_tokens=0,
        held_out_tokens=0,
        counted=False,
    )
