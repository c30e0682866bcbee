"""accounts with roles and passwords; tokens of several kinds; auditors of private jobs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("roles", sa.String(), nullable=False, server_default=""))
    op.add_column("account", sa.Column("password_hash", sa.String(), nullable=True))
    op.add_column("account", sa.Column("disabled_at", sa.Integer(), nullable=True))
    # Accounts keep what they may do. Their tokens were neither signed nor encrypted, and end.
    joined = "group_concat" if op.get_bind().dialect.name == "sqlite" else "string_agg"
    op.execute(
        f"UPDATE account SET roles = coalesce((SELECT {joined}(scopes, ' ') FROM (SELECT DISTINCT"  # noqa: S608
        " scopes FROM token WHERE token.account_id = account.id AND revoked_at IS NULL) AS mine), '')"
    )
    op.execute("DELETE FROM token WHERE host_id IS NULL")
    with op.batch_alter_table("token") as batch:
        batch.add_column(sa.Column("kind", sa.String(), nullable=False, server_default="host"))
        batch.add_column(sa.Column("label", sa.String(), nullable=False, server_default=""))
    with op.batch_alter_table("token") as batch:
        batch.alter_column("kind", server_default=None)
    op.create_table(
        "auditor",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"]),
        sa.PrimaryKeyConstraint("job_id", "account_id"),
    )
    op.create_index("ix_auditor_account_id", "auditor", ["account_id"])


def downgrade() -> None:
    op.drop_table("auditor")
    with op.batch_alter_table("token") as batch:
        batch.drop_column("label")
        batch.drop_column("kind")
    for name in ("disabled_at", "password_hash", "roles"):
        op.drop_column("account", name)
