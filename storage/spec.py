"""The spec: what was asked (`JobSpec`) and what will run (`RunSpec`), shared by form, command line and trainer."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, field_validator

from storage.methods import Lora, Method, Record
from storage.objectives import Dpo, Rft
from storage.retention import Checkpointing
from storage.rows import Kind
from storage.trackers import Tracker

SCHEMA_VERSION = 1
JOB_ID_PATTERN = r"^[a-z0-9][a-z0-9\-]{2,62}$"
#: A job or a brought adapter; `JOB@STEP` is a checkpoint.
START_PATTERN = r"^$|^[a-z0-9][a-z0-9\-]{2,62}(@[1-9][0-9]{0,8})?$"
SHA256_PATTERN = r"^[0-9a-f]{64}$"


#: Prompts whose answers are followed: so many, each of so many characters at most.
MOST_SAMPLE_PROMPTS, LONGEST_SAMPLE_PROMPT = 5, 2000
#: Characters. The longest known template of a published model has about 15 000.
LONGEST_CHAT_TEMPLATE = 30_000
SamplePrompt = Annotated[str, Field(min_length=1, max_length=LONGEST_SAMPLE_PROMPT)]


class Objective(StrEnum):
    SFT = "sft"
    DPO = "dpo"
    RFT = "rft"


class NoEvaluation(Record):
    kind: Literal["none"] = "none"


class HoldOut(Record):
    """Some rows of the training dataset, chosen by the seed, are kept out of training."""

    kind: Literal["hold_out"] = "hold_out"
    share: float = Field(0.1, gt=0, lt=1, title="Held-out share", description="Part of the rows kept for evaluation")
    by: Literal["conversation", "row"] = Field(
        "conversation", title="Kept together",
        description="conversation: rows with the same first question go the same way; row: only copies do",
    )  # fmt: skip


class OtherDataset(Record):
    kind: Literal["dataset"] = "dataset"
    dataset: str = Field(min_length=1, title="Evaluation Dataset", description="An existing dataset")


Evaluation = Annotated[NoEvaluation | HoldOut | OtherDataset, Field(discriminator="kind")]


class Hyperparameters(Record):
    epochs: int = Field(1, ge=1, le=1000, title="Epochs", description="How often every example is seen")
    batch_size: int = Field(
        65536, ge=64, le=8_388_608, title="Batch Size",
        description="Tokens per optimizer step. Examples are never split",
    )  # fmt: skip
    learning_rate: float = Field(
        1e-4, gt=0, le=1, title="Learning Rate",
        description="Size of each step. 0.0001 suits LoRA, 0.001 a very small model, 0.00001 full fine-tuning",
    )  # fmt: skip
    max_context_length: int = Field(
        65536, ge=16, le=4_194_304, title="Max Context Length",
        description="Longest example in tokens; longer ones are cut. Capped to the model's own limit",
    )  # fmt: skip
    gradient_accumulation_steps: int = Field(
        1, ge=1, le=4096, title="Gradient Accumulation Steps",
        description="Multiplies the batch: this many batches make one optimizer step",
    )  # fmt: skip
    micro_batch_tokens: int = Field(
        0, ge=0, le=8_388_608, title="Micro-Batch Size",
        description="Most tokens in one forward pass; fewer take less memory and more passes. 0 = what fits",
    )  # fmt: skip
    gradient_checkpointing: bool = Field(
        False, title="Gradient Checkpointing",
        description="Keeps less of each pass and computes it again: far less memory, about a third more time",
    )  # fmt: skip
    warmup_steps: int = Field(
        0, ge=0, le=1_000_000, title="Learning Rate Warmup Steps",
        description="Steps over which the learning rate rises from 0",
    )  # fmt: skip
    weight_decay: float = Field(
        0.0, ge=0, le=1, title="Weight Decay", description="Pulls trained weights towards zero at each step"
    )  # fmt: skip
    scheduler: Literal["linear", "cosine", "constant", "constant_with_warmup", "inverse_sqrt"] = Field(
        "linear", title="Learning Rate Schedule", description="How the learning rate goes on after the warmup"
    )  # fmt: skip
    max_gradient_norm: float = Field(
        1.0, ge=0, le=1000, title="Gradient Clipping", description="Longer gradients are cut to this norm; 0 = never"
    )  # fmt: skip
    neftune_alpha: float = Field(
        0.0, ge=0, le=100, title="NEFTune",
        description="Noise on the embeddings while training (typical: 5); 0 = none. Supervised only",
    )  # fmt: skip
    early_stopping: int = Field(
        0, ge=0, le=100, title="Early Stopping",
        description="Stop after so many evaluations without a better one; 0 = never",
    )  # fmt: skip
    export_step: Literal["auto", "last", "best"] = Field(
        "auto", title="Exported Step",
        description="What the output holds: last, best (by evaluation), or auto = best where early stopping is on",
    )  # fmt: skip
    eval_steps: int = Field(
        0, ge=0, le=1_000_000, title="Evaluate Every N Steps",
        description="Evaluations within an epoch, besides the one at its end; 0 = none",
    )  # fmt: skip
    seed: int = Field(42, ge=0, le=2**32 - 1, title="Seed", description="Same seed, same data, same machine: same run")


class JobSpec(Record):
    """What a user asks for. Defaults are the form's defaults."""

    objective: Objective = Objective.SFT
    model: str = Field(min_length=1, max_length=300, title="Model", description="A base model of the library")
    dataset: str = Field(min_length=1, max_length=300, title="Dataset", description="A dataset of the studio")
    start_from: str = Field(
        "", pattern=START_PATTERN, title="Continue From",
        description="A finished job, or JOB@STEP for a checkpoint, where training begins; empty = the base model",
    )  # fmt: skip
    evaluation: Evaluation = HoldOut()
    method: Method = Lora()
    dpo: Dpo = Dpo()
    rft: Rft = Rft()
    hyperparameters: Hyperparameters = Hyperparameters()
    checkpoints: Checkpointing = Checkpointing()
    sample_prompts: tuple[SamplePrompt, ...] = Field(
        (), max_length=MOST_SAMPLE_PROMPTS, title="Sample Prompts",
        description="Up to 5 prompts, answered before the first step and at each checkpoint",
    )  # fmt: skip
    chat_template: str = Field(
        "", max_length=LONGEST_CHAT_TEMPLATE, title="Chat Template",
        description="A Jinja template in the place of the model's own; empty = the model's own",
    )  # fmt: skip
    output_name: str = Field(
        "", max_length=80, pattern=r"^[\w.\- ]*$", title="Model Output Name",
        description="Name of the tuned model; empty = ft-<timestamp>-<random>",
    )  # fmt: skip
    job_id: str = Field(
        "", pattern=rf"^$|{JOB_ID_PATTERN}", title="Job ID",
        description="Lower-case letters, digits and dashes; empty = generated",
    )  # fmt: skip
    display_name: str = Field("", max_length=120, title="Display Name", description="Shown in the jobs list (optional)")
    devices: int = Field(
        1, ge=1, le=16, title="GPUs",
        description="How many GPUs of this machine share each step; the steps stay the same, each takes less time",
    )  # fmt: skip
    turbo: bool = Field(
        False, title="Turbo Mode",
        description="The fastest settings known for this device at equal final loss; what it changes is listed",
    )  # fmt: skip
    wandb: bool = Field(False, title="Enable Weights & Biases", description="Also send the metrics to Weights & Biases")
    trackers: tuple[Tracker, ...] = Field(
        (), max_length=len(Tracker), title="Trackers",
        description="Where the metrics are sent as well: tensorboard, mlflow, trackio, wandb",
    )  # fmt: skip

    @field_validator("sample_prompts", mode="before")
    @classmethod
    def _without_blanks(cls, value: object) -> object:
        """An empty line of the form is no prompt."""
        if not isinstance(value, list | tuple):
            return value
        return tuple(one for one in value if not isinstance(one, str) or one.strip())


class ModelRef(Record):
    """A base model on this machine, pinned to the bytes that will be trained."""

    id: str
    name: str
    path: str
    revision: str = Field(description="Commit, or sha256 of the file it was converted from")
    context_length: int
    parameters: int
    hidden_size: int
    layers: int
    # Zero where the model's configuration does not say, and in files of version 0.1: estimates then guess.
    intermediate_size: int = 0
    attention_heads: int = 0
    key_value_heads: int = 0
    head_size: int = 0
    vocabulary: int = 0
    tied_embeddings: bool = True
    chat_template: str = Field("", description="What this run uses in the place of the model's own; empty: its own")


class Way(StrEnum):
    """How a run begins with another's output."""

    #: The same adapter is trained on.
    CONTINUE = "continue"
    #: Its adapter becomes part of the base model's weights; a new adapter, or all weights, are trained on top.
    MERGE = "merge"
    #: It is a whole model and takes the base model's place.
    WEIGHTS = "weights"


class StartRef(Record):
    """Another run's output, or its checkpoint of a step, that a run begins with. It lies in the run's own `start/`."""

    job_id: str
    step: int = Field(0, ge=0, description="Of the checkpoint; 0: the output")
    name: str
    method: Method
    way: Way
    sha256: str = Field(pattern=SHA256_PATTERN, description="Of its MANIFEST.json, which holds every file's")

    @property
    def address(self) -> str:
        """As `start_from` names it."""
        return f"{self.job_id}@{self.step}" if self.step else self.job_id


class DatasetRef(Record):
    """A dataset version on this machine, pinned by content."""

    id: str
    name: str
    path: str
    sha256: str = Field(pattern=SHA256_PATTERN)
    format: str
    kind: Kind = Kind.SUPERVISED
    rows: int
    tokens_estimate: int = Field(description="Characters / 4: an estimate until the trainer has tokenised the rows")


class Change(Record):
    """One difference between what was asked and what will run, with its reason."""

    field: str
    asked: str
    runs: str
    reason: str


class Compute(Record):
    """How the trainer will use the device. Derived, never asked."""

    device: Literal["cpu", "cuda"] = Field(description="Which GPUs, the attempt's claim.json says")
    devices: int = Field(1, ge=1, description="Processes that share each step, one a device")
    threads: int = Field(description="Of each process")
    weights_dtype: Literal["bfloat16", "float32"]
    micro_batch_tokens: int = Field(description="Padded tokens per forward pass")
    gradient_checkpointing: bool = False
    #: Turbo's (core.turbo); runs of before it have none of them.
    fused: bool = Field(False, description="Our own passes for the loss and low-rank layers (training/fused.py)")
    attention: Literal["sdpa", "flash_attention_2"] = "sdpa"
    liger: bool = False
    compiled: bool = False
    optimizer: Literal["adamw_torch_fused", "adamw_bnb_8bit"] = "adamw_torch_fused"
    rehearsal: Literal["auto", "always", "never"] = Field(
        "auto", description="Try the longest batch before the first step; auto: on a CPU only where it comes late"
    )

    @field_validator("device", mode="before")
    @classmethod
    def _kind(cls, value: object) -> object:
        """Version 0.1 wrote the UUID of the GPU here."""
        return "cuda" if isinstance(value, str) and value.startswith("GPU-") else value


class RunSpec(Record):
    """`spec.json`: what will run, resolved and immutable. Everything the trainer needs to know."""

    schema_version: int = SCHEMA_VERSION
    job_id: str = Field(pattern=JOB_ID_PATTERN)
    output_name: str
    created_at: datetime
    created_by: str
    asked: JobSpec
    objective: Objective
    method: Method
    dpo: Dpo = Dpo()
    rft: Rft = Rft()
    hyperparameters: Hyperparameters
    model: ModelRef
    start: StartRef | None = None
    dataset: DatasetRef
    evaluation: Evaluation
    evaluation_dataset: DatasetRef | None = None
    split: str = Field("", description="File with the rows that are held out; empty where the trainer chooses them")
    compute: Compute
    #: Its name in the files of version 0.1, which knew retention only.
    retention: Checkpointing = Checkpointing()
    sample_prompts: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
