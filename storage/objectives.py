"""What DPO and RFT are asked beyond the common hyperparameters. SFT has no parameters of its own."""

from typing import Annotated, Literal

from pydantic import Field

from storage.graders import Grader
from storage.methods import Record


class Dpo(Record):
    """Direct preference optimisation (Rafailov et al. 2023, arXiv:2305.18290)."""

    beta: float = Field(
        0.1, gt=0, le=10, title="Beta",
        description="How strongly the model is held to its reference: higher = closer (typical: 0.05-0.5)",
    )  # fmt: skip
    loss: Literal["sigmoid", "hinge", "ipo", "robust", "apo_zero", "apo_down", "sigmoid_norm"] = Field(
        "sigmoid", title="Loss Type",
        description="sigmoid is DPO itself; ipo overfits less, robust expects wrong labels, sigmoid_norm evens lengths",
    )  # fmt: skip
    label_smoothing: float = Field(
        0.0, ge=0, lt=0.5, title="Label Smoothing",
        description="Share of pairs expected to be labelled the wrong way round; robust only",
    )  # fmt: skip
    reference_free: bool = Field(
        False, title="Reference-Free",
        description="Compare with an even-handed reference instead of the model as it was: less memory of the start",
    )  # fmt: skip
    sft_weight: float = Field(
        0.0, ge=0, le=10, title="SFT Weight",
        description="Adds this much of the plain loss on the preferred answer, so that it does not become less likely",
    )  # fmt: skip


class Rft(Record):
    """Reinforcement fine-tuning by group-relative policy optimisation (Shao et al. 2024, arXiv:2402.03300)."""

    grader: Grader | None = Field(
        None, title="Grader", description="What scores an answer; required for this objective"
    )
    try_answers: tuple[Annotated[str, Field(max_length=20_000)], ...] = Field(
        (), max_length=5, title="Answers to Try",
        description="The grader is tried with these too before training; {{ item.NAME }} is a column of the row",
    )  # fmt: skip
    group_size: int = Field(
        4, ge=2, le=64, title="Group Size", description="Answers that are sampled for each prompt and compared"
    )  # fmt: skip
    temperature: float = Field(
        1.0, gt=0, le=2, title="Temperature", description="Variety among the answers; too low and all are the same"
    )  # fmt: skip
    top_p: float = Field(1.0, gt=0, le=1, title="Top P", description="Only the likeliest tokens up to this share")
    max_completion_tokens: int = Field(
        256, ge=1, le=65536, title="Max Completion Length", description="Longest sampled answer in tokens"
    )  # fmt: skip
    prompts_per_step: int = Field(
        4, ge=1, le=1024, title="Prompts per Step", description="Prompts whose groups make one optimizer step"
    )  # fmt: skip
    kl_beta: float = Field(
        0.0, ge=0, le=10, title="KL Beta",
        description="How strongly the model is held to its start; 0 = not at all, 0.04 in the paper",
    )  # fmt: skip
    loss: Literal["grpo", "dapo", "dr_grpo", "bnpo"] = Field(
        "dapo", title="Loss Type",
        description="How token losses are averaged: dapo favours no length, grpo is the paper's",
    )  # fmt: skip
    scale_rewards: bool = Field(
        True, title="Scale Rewards", description="Divide a group's advantages by their spread"
    )  # fmt: skip
