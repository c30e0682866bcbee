"""what readers have computed again, and signed"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reader_check",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("checked_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"]),
        sa.PrimaryKeyConstraint("job_id", "key"),
    )
    op.create_index("reader_check_at", "reader_check", ["checked_at"])


def downgrade() -> None:
    op.drop_index("reader_check_at", "reader_check")
    op.drop_table("reader_check")
