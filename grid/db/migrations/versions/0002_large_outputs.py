"""large outputs: what was put before its report"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "put_output",
        sa.Column("result_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("put_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["result_id"], ["result.id"]),
        sa.PrimaryKeyConstraint("result_id", "digest"),
    )
    with op.batch_alter_table("put_output", schema=None) as batch_op:
        batch_op.create_index("put_output_digest", ["digest"], unique=False)


def downgrade() -> None:
    op.drop_table("put_output")
