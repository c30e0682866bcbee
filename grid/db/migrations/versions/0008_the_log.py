"""the log's leaves and keys; entries leave the outbox"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "leaf",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=True),
        sa.Column("first_commit_at", sa.Integer(), nullable=True),
        sa.Column("last_commit_at", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("leaf_commits", "leaf", ["last_commit_at"])
    op.create_table(
        "log_key",
        sa.Column("vkey", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("vkey"),
    )
    op.drop_index("outbox_job", "outbox")
    op.create_index(
        "outbox_sealed",
        "outbox",
        ["job_id"],
        sqlite_where=sa.text("sealed = 1"),
        postgresql_where=sa.text("sealed"),
    )
    op.create_index(
        "outbox_open",
        "outbox",
        ["id"],
        sqlite_where=sa.text("sealed = 0"),
        postgresql_where=sa.text("NOT sealed"),
    )


def downgrade() -> None:
    op.drop_index("outbox_open", "outbox")
    op.drop_index("outbox_sealed", "outbox")
    op.create_index("outbox_job", "outbox", ["job_id", "id"])
    op.drop_table("log_key")
    op.drop_table("leaf")
