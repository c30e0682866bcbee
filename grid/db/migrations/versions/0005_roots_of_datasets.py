"""the root hash over every blob of a data set"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    root: sa.Column[str] = sa.Column("root", sa.String(), nullable=False, server_default="")
    op.add_column("dataset", root)


def downgrade() -> None:
    op.drop_column("dataset", "root")
