"""Data sets are counted by account."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_dataset_account_id", "dataset", ["account_id"])


def downgrade() -> None:
    op.drop_index("ix_dataset_account_id", "dataset")
