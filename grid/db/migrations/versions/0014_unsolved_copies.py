"""a copy may come back unsolved: neither a vote nor an error"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BEFORE = (
    "init",
    "success",
    "client_error",
    "no_reply",
    "abandoned",
    "didnt_need",
    "validate_error",
)


def upgrade() -> None:
    _allow((*BEFORE, "unsolved"))


def downgrade() -> None:
    op.execute("UPDATE result SET outcome = 'abandoned' WHERE outcome = 'unsolved'")
    _allow(BEFORE)


def _allow(outcomes: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{one}'" for one in outcomes)
    # An index over an expression is not copied with its table.
    op.drop_index("result_waiting", "result")
    with op.batch_alter_table("result") as batch:
        batch.drop_constraint("outcome_known", type_="check")
        batch.create_check_constraint("outcome_known", f"outcome IN ({listed})")
    op.create_index(
        "result_waiting",
        "result",
        ["job_id", sa.text("priority DESC"), "id", "not_before"],
        sqlite_where=sa.text("server_state = 'unsent' AND purpose <> 'trusted'"),
        postgresql_where=sa.text("server_state = 'unsent' AND purpose <> 'trusted'"),
    )
