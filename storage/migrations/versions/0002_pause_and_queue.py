"""Pause, hold, priorities, automatic restarts, health."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("job") as job:
        job.add_column(sa.Column("pause_requested", sa.Boolean(), nullable=False, server_default=sa.false()))
        job.add_column(sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()))
        job.add_column(sa.Column("priority", sa.Integer(), nullable=False, server_default="0"))
        job.add_column(sa.Column("place", sa.Float(), nullable=False, server_default="0"))
        job.add_column(sa.Column("restarts", sa.Integer(), nullable=False, server_default="0"))
        job.add_column(sa.Column("restarted_at_step", sa.Integer(), nullable=False, server_default="-1"))
        job.add_column(sa.Column("health", sa.String(), nullable=False, server_default=""))
    op.execute("UPDATE job SET place = unixepoch(created_at)")
