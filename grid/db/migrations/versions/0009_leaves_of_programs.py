"""where the log names a job's program"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("program_leaf", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "program_leaf")
