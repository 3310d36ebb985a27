"""Deleted datasets leave their row; two people may keep the same rows; jobs say what they are measured on."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("dataset", sa.Column("trashed_at", sa.DateTime(), nullable=True))
    op.drop_index("ix_dataset_sha256", "dataset")
    op.create_index("ix_dataset_sha256", "dataset", ["sha256"])
    # Not by a batch step: it would copy the table, and the search index refers to jobs by rowid.
    op.add_column("job", sa.Column("evaluation_dataset_id", sa.String(), nullable=False, server_default=""))
    op.create_index("ix_job_dataset", "job", ["dataset_id"])
    op.create_index("ix_job_evaluation_dataset", "job", ["evaluation_dataset_id"])
