"""The index: what the pages list and search. Everything in it can be rebuilt from the folders on disk."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Enum, TypeDecorator
from sqlalchemy.engine import Dialect
from sqlmodel import Field, SQLModel

from storage.rows import Kind
from storage.spec import Objective
from storage.status import Cause, Status


class UtcDateTime(TypeDecorator[datetime]):
    """SQLite keeps no time zone; ours is always UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


def by_value(enum: type[StrEnum], **options: Any) -> Column[Any]:
    """A text column that holds the member's value, not its Python name."""
    kind = Enum(
        enum,
        values_callable=lambda members: [str(member) for member in members],
        native_enum=False,
        length=32,
    )
    return Column(kind, **options)


def now() -> datetime:
    return datetime.now(UTC)


class Visibility(StrEnum):
    """Who sees a dataset."""

    EVERYONE = "everyone"
    PRIVATE = "private"


class Job(SQLModel, table=True):
    """One job, as the list shows it. The truth about it is its run folder.

    Its indexes follow the list's order and the queue's; see migration 0003.
    """

    id: str = Field(primary_key=True)
    objective: Objective = Field(sa_column=by_value(Objective, nullable=False))
    method: str
    display_name: str
    output_name: str
    model_id: str
    model_name: str
    dataset_id: str
    dataset_name: str
    #: The dataset it is measured on; empty where some of its own rows are held out, or none.
    evaluation_dataset_id: str = ""
    created_by_name: str
    created_by_email: str
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    ended_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    status: Status = Field(default=Status.QUEUED, sa_column=by_value(Status, nullable=False))
    #: Fencing: every write about a live attempt names the attempt and its token, and hits no row when stale.
    attempt: int = 0
    token: str = ""
    #: Requests, never states: the trainer may finish first.
    cancel_requested: bool = False
    pause_requested: bool = False
    #: Kept in the queue until released.
    held: bool = False
    #: Higher goes first; among equals who has fewer jobs running; then `place`, smallest first.
    priority: int = 0
    place: float = Field(default_factory=lambda: now().timestamp())
    #: What it needs of the machine, copied from the spec so that placing does not read a file for every waiting job.
    device: str = "cpu"
    devices: int = 1
    memory_bytes: int = 0
    #: How often the reconciler has put it back, and the step it had reached then: no progress twice is a crash loop.
    restarts: int = 0
    restarted_at_step: int = -1
    #: What is odd about a live attempt ("No heartbeat for 80 s"), as a sentence.
    health: str = ""
    #: How far the cancel ladder has come, as a sentence for the page.
    stage: str = ""
    cause: Cause | None = Field(default=None, sa_column=by_value(Cause, nullable=True))
    message: str = ""
    evidence: str = ""
    epochs: int = 1
    epoch: float = 0.0
    step: int = 0
    total_steps: int = 0
    loss: float | None = None
    eval_loss: float | None = None

    @property
    def title(self) -> str:
        return self.display_name or self.output_name

    @property
    def share_done(self) -> float:
        """0 to 1; 1 only when completed."""
        if self.status is Status.COMPLETED:
            return 1.0
        return min(self.step / self.total_steps, 0.99) if self.total_steps else 0.0


class Lease(SQLModel, table=True):
    """A device in use by an attempt. By UUID: a GPU's index changes with reboots and drivers."""

    device_uuid: str = Field(primary_key=True)
    job_id: str = Field(index=True)
    attempt: int
    token: str


class Dataset(SQLModel, table=True):
    """One immutable dataset version: its rows lie in `datasets/<id>/` as `storage.rows` describes.

    Versions of one dataset share `family`, the id of the first; the highest `version` is the newest. Name,
    description, tags and visibility are the same for all versions of a family and may change; rows never do.
    """

    id: str = Field(primary_key=True)
    family: str = Field(index=True)
    version: int = 1
    parent_id: str = ""
    #: What made this version of its parent, as a sentence ("12 rows with errors dropped").
    made_by: str = ""
    name: str = Field(index=True)
    description: str = ""
    tags: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    visibility: Visibility = Field(default=Visibility.EVERYONE, sa_column=by_value(Visibility, nullable=False))
    #: Of the rows. Two people may keep the same rows, so it is not unique.
    sha256: str = Field(index=True)
    kind: Kind = Field(default=Kind.SUPERVISED, sa_column=by_value(Kind, nullable=False))
    source_format: str
    source_name: str = ""
    rows: int
    #: Rows by their gravest finding; what is neither is fine.
    errors: int = 0
    warnings: int = 0
    bytes: int
    characters: int
    created_by_name: str
    created_by_email: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime, index=True)
    #: Since when it is deleted. The row stays, so that jobs that used it can say what it was.
    trashed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class TargetKind(StrEnum):
    """What a deployment answers with."""

    #: A base model of the library.
    MODEL = "model"
    #: The output of a completed job.
    JOB = "job"
    #: One sealed checkpoint of a job.
    CHECKPOINT = "checkpoint"
    #: An adapter that somebody brought.
    ADAPTER = "adapter"


class Deployment(SQLModel, table=True):
    """A name that answers. The truth about it is `deployments/<id>/deployment.json`."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True, index=True)
    kind: TargetKind = Field(sa_column=by_value(TargetKind, nullable=False))
    #: Of the model, of the job, or of the adapter.
    target_id: str = Field(index=True)
    #: Of the checkpoint, else 0.
    step: int = 0
    #: Whether it is to answer: what a person has asked for, not what the machine makes of it.
    wanted: bool = True
    #: Who stopped, started or switched it last, as a sentence.
    message: str = ""
    created_by_name: str
    created_by_email: str = ""
    created_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)


class Profile(SQLModel, table=True):
    """The one local user: asked once, shown as "Created by"."""

    id: int = Field(default=1, primary_key=True)
    name: str
    email: str
    theme: str = "auto"
    confirmed: bool = False


class Draft(SQLModel, table=True):
    """A wizard not yet finished; survives a reload and a restart."""

    key: str = Field(primary_key=True)
    content: str
    updated_at: datetime = Field(default_factory=now, sa_type=UtcDateTime)
