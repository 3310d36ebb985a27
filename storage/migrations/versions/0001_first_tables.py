"""Jobs, datasets, the profile, drafts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def upgrade() -> None:
    op.create_table(
        "job",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("objective", sa.String(32), nullable=False, index=True),
        *(text(name) for name in ("method", "display_name", "output_name", "model_id", "model_name")),
        *(text(name) for name in ("dataset_id", "dataset_name", "created_by_name", "created_by_email")),
        sa.Column("created_at", sa.DateTime(), nullable=False, index=True),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("ended_at", sa.DateTime()),
        sa.Column("status", sa.String(32), nullable=False, index=True),
        number("attempt"),
        text("token"),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        text("stage"),
        sa.Column("cause", sa.String(32)),
        *(text(name) for name in ("message", "evidence")),
        number("epochs"),
        sa.Column("epoch", sa.Float(), nullable=False),
        *(number(name) for name in ("step", "total_steps")),
        sa.Column("loss", sa.Float()),
        sa.Column("eval_loss", sa.Float()),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.String(), primary_key=True),
        sa.Column("name", sa.String(), nullable=False, index=True),
        sa.Column("sha256", sa.String(), nullable=False, index=True, unique=True),
        text("source_format"),
        *(number(name) for name in ("rows", "bytes", "characters")),
        text("created_by_name"),
        sa.Column("created_at", sa.DateTime(), nullable=False, index=True),
    )
    op.create_table(
        "profile",
        sa.Column("id", sa.Integer(), primary_key=True),
        *(text(name) for name in ("name", "email", "theme")),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
    )
    op.create_table(
        "draft",
        sa.Column("key", sa.String(), primary_key=True),
        text("content"),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
    )
