"""Devices as leases, and what each job needs of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lease",
        sa.Column("device_uuid", sa.String(), primary_key=True),
        sa.Column("job_id", sa.String(), nullable=False, index=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
    )
    with op.batch_alter_table("job") as job:
        job.add_column(sa.Column("device", sa.String(), nullable=False, server_default="cpu"))
        job.add_column(sa.Column("devices", sa.Integer(), nullable=False, server_default="1"))
        job.add_column(sa.Column("memory_bytes", sa.BigInteger(), nullable=False, server_default="0"))
