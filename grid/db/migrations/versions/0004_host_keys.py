"""keys of hosts, and what their reports are signed with"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("host", sa.Column("public_key", sa.String(), nullable=True))
    op.add_column("result", sa.Column("signature", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("result", "signature")
    op.drop_column("host", "public_key")
