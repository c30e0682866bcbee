"""secrets of jobs, encrypted; whose hosts a job may go to"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "secret",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"]),
        sa.PrimaryKeyConstraint("job_id"),
    )
    flag: sa.Column[bool] = sa.Column(
        "owner_only", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    op.add_column("job", flag)


def downgrade() -> None:
    op.drop_column("job", "owner_only")
    op.drop_table("secret")
