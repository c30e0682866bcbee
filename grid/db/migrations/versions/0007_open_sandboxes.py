"""hosts whose sandbox let something through"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("host", sa.Column("sandbox_reached", sa.String(), nullable=True))
    op.add_column("host", sa.Column("sandbox_open_at", sa.Integer(), nullable=True))
    op.create_index(
        "host_sandbox_open",
        "host",
        ["id"],
        sqlite_where=sa.text("sandbox_open_at IS NOT NULL"),
        postgresql_where=sa.text("sandbox_open_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("host_sandbox_open", "host")
    op.drop_column("host", "sandbox_open_at")
    op.drop_column("host", "sandbox_reached")
