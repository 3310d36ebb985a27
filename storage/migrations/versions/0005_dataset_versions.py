"""Datasets have kinds, versions, descriptions and verdicts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("dataset") as dataset:
        dataset.add_column(sa.Column("family", sa.String(), nullable=False, server_default=""))
        dataset.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        dataset.add_column(sa.Column("parent_id", sa.String(), nullable=False, server_default=""))
        dataset.add_column(sa.Column("made_by", sa.String(), nullable=False, server_default=""))
        dataset.add_column(sa.Column("description", sa.String(), nullable=False, server_default=""))
        dataset.add_column(sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
        dataset.add_column(sa.Column("visibility", sa.String(32), nullable=False, server_default="everyone"))
        dataset.add_column(sa.Column("kind", sa.String(32), nullable=False, server_default="supervised"))
        dataset.add_column(sa.Column("source_name", sa.String(), nullable=False, server_default=""))
        dataset.add_column(sa.Column("errors", sa.Integer(), nullable=False, server_default="0"))
        dataset.add_column(sa.Column("warnings", sa.Integer(), nullable=False, server_default="0"))
        dataset.add_column(sa.Column("created_by_email", sa.String(), nullable=False, server_default=""))
    op.execute("UPDATE dataset SET family = id")
    op.create_index("ix_dataset_family", "dataset", ["family"])
