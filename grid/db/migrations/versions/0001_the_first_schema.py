"""the first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "idempotency",
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("body_digest", sa.String(), nullable=False),
        sa.Column("response", sa.JSON(), nullable=True),
        sa.Column("code", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_created_at"), ["created_at"], unique=False)

    op.create_table(
        "plugin",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "prefix_key",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("day"),
    )
    op.create_table(
        "dataset",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=True),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("chunk_rows", sa.Integer(), nullable=False),
        sa.Column("chunk_count", sa.Integer(), nullable=False),
        sa.Column("byte_count", sa.Integer(), nullable=False),
        sa.Column("source_digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("dataset", schema=None) as batch_op:
        batch_op.create_index("dataset_public", ["public", "id"], unique=False)

    op.create_table(
        "host",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("principal_id", sa.Integer(), nullable=True),
        sa.Column("hidden_prefix", sa.String(), nullable=True),
        sa.Column("prefix_day", sa.Integer(), nullable=True),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("engine", sa.String(), nullable=False),
        sa.Column("capabilities", sa.JSON(), nullable=True),
        sa.Column("enrolled_at", sa.Integer(), nullable=False),
        sa.Column("last_seen_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("host", schema=None) as batch_op:
        batch_op.create_index("host_account", ["account_id"], unique=False)
        batch_op.create_index("host_prefix", ["hidden_prefix"], unique=False)
        batch_op.create_index("host_principal", ["principal_id"], unique=False)

    op.create_table(
        "chunk_column",
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("chunk", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.PrimaryKeyConstraint("dataset_id", "chunk", "place"),
    )
    with op.batch_alter_table("chunk_column", schema=None) as batch_op:
        batch_op.create_index("chunk_column_digest", ["digest"], unique=False)

    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("job_type", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("job_type_digest", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=True),
        sa.Column("params", sa.JSON(), nullable=True),
        sa.Column("reads", sa.JSON(), nullable=True),
        sa.Column("output_columns", sa.JSON(), nullable=True),
        sa.Column("dataset_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("policy", sa.JSON(), nullable=True),
        sa.Column("job_state", sa.String(), nullable=False),
        sa.Column("program_digest", sa.String(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.Integer(), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("failure_messages", sa.JSON(), nullable=False),
        sa.Column("seal_opened_at", sa.Integer(), nullable=True),
        sa.Column("seal_opens_by", sa.Integer(), nullable=False),
        sa.Column("workunit_count", sa.Integer(), nullable=False),
        sa.Column("workunits_made", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "job_state IN ('active', 'paused', 'completed', 'failed', 'cancelled')",
            name="job_state_known",
        ),
        sa.CheckConstraint("mode IN ('fixed', 'trusted')", name="mode_known"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["dataset_id"],
            ["dataset.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_account_id"), ["account_id"], unique=False)
        batch_op.create_index("job_dataset", ["dataset_id"], unique=False)
        batch_op.create_index("job_open", ["job_state", "id"], unique=False)
        batch_op.create_index("job_program", ["program_digest"], unique=False)
        batch_op.create_index(
            "job_sealed", ["id"], unique=False, sqlite_where=sa.text("seal_opened_at IS NULL")
        )

    op.create_table(
        "token",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("created_at", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.Integer(), nullable=True),
        sa.Column("revoked_at", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    with op.batch_alter_table("token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_token_account_id"), ["account_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_token_host_id"), ["host_id"], unique=False)

    op.create_table(
        "merge",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("output_version", sa.Integer(), nullable=False),
        sa.Column("merged", sa.Integer(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("job_id"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("decided_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index("outbox_job", ["job_id", "id"], unique=False)

    op.create_table(
        "output",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("output_version", sa.Integer(), nullable=False),
        sa.Column("manifest_digest", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("job_id", "output_version"),
    )
    with op.batch_alter_table("output", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_output_manifest_digest"), ["manifest_digest"], unique=False
        )

    op.create_table(
        "output_part",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("output_version", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("job_id", "output_version", "ordinal"),
    )
    with op.batch_alter_table("output_part", schema=None) as batch_op:
        batch_op.create_index("output_part_digest", ["digest"], unique=False)

    op.create_table(
        "workunit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("first_chunk", sa.Integer(), nullable=False),
        sa.Column("chunk_count", sa.Integer(), nullable=False),
        sa.Column("canonical_result_id", sa.Integer(), nullable=True),
        sa.Column("error_mask", sa.Integer(), nullable=False),
        sa.Column("assimilate_state", sa.String(), nullable=False),
        sa.Column("file_delete_state", sa.String(), nullable=False),
        sa.CheckConstraint(
            "assimilate_state IN ('init', 'ready', 'done')", name="assimilate_state_known"
        ),
        sa.CheckConstraint(
            "file_delete_state IN ('init', 'ready', 'done')", name="file_delete_state_known"
        ),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("job_id", "ordinal", name="workunit_of_job"),
    )
    with op.batch_alter_table("workunit", schema=None) as batch_op:
        batch_op.create_index(
            "workunit_progress", ["job_id", "assimilate_state", "error_mask"], unique=False
        )
        batch_op.create_index(
            "workunit_undecided",
            ["job_id"],
            unique=False,
            sqlite_where=sa.text("assimilate_state = 'init'"),
        )
        batch_op.create_index(
            "workunit_to_delete",
            ["id"],
            unique=False,
            sqlite_where=sa.text("file_delete_state = 'ready'"),
        )
        batch_op.create_index(
            "workunit_to_wind_up",
            ["id"],
            unique=False,
            sqlite_where=sa.text("assimilate_state = 'done' AND file_delete_state = 'init'"),
        )

    op.create_table(
        "result",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("workunit_id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("server_state", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("validate_state", sa.String(), nullable=False),
        sa.Column("host_id", sa.Integer(), nullable=True),
        sa.Column("principal_id", sa.Integer(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.Integer(), nullable=True),
        sa.Column("report_deadline", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.Integer(), nullable=True),
        sa.Column("output_digest", sa.String(), nullable=True),
        sa.Column("report_digest", sa.String(), nullable=True),
        sa.Column("output", sa.String(), nullable=True),
        sa.Column("elapsed_ms", sa.Integer(), nullable=True),
        sa.Column("message", sa.String(), nullable=True),
        sa.Column("salt", sa.String(), nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("first", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('init', 'success', 'client_error', 'no_reply', 'abandoned', "
            "'didnt_need', 'validate_error')",
            name="outcome_known",
        ),
        sa.CheckConstraint(
            "server_state IN ('unsent', 'in_progress', 'over')", name="server_state_known"
        ),
        sa.CheckConstraint(
            "validate_state IN ('init', 'valid', 'invalid', 'inconclusive')",
            name="validate_state_known",
        ),
        sa.ForeignKeyConstraint(
            ["host_id"],
            ["host.id"],
        ),
        sa.ForeignKeyConstraint(
            ["job_id"],
            ["job.id"],
        ),
        sa.ForeignKeyConstraint(
            ["workunit_id"],
            ["workunit.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "result_unsent",
        "result",
        [sa.text("priority DESC"), "id"],
        sqlite_where=sa.text("server_state = 'unsent'"),
    )
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.create_index(
            "result_leases",
            ["host_id"],
            unique=False,
            sqlite_where=sa.text("server_state = 'in_progress'"),
        )
        batch_op.create_index(
            "result_unseen",
            ["job_id"],
            unique=False,
            sqlite_where=sa.text("server_state = 'unsent' AND first = 1"),
        )
        batch_op.create_index(
            "result_out",
            ["job_id"],
            unique=False,
            sqlite_where=sa.text("server_state = 'in_progress'"),
        )
        batch_op.create_index(
            "result_overdue",
            ["report_deadline"],
            unique=False,
            sqlite_where=sa.text("server_state = 'in_progress'"),
        )
        batch_op.create_index("result_workunit", ["workunit_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("result", schema=None) as batch_op:
        batch_op.drop_index("result_workunit")
        batch_op.drop_index("result_overdue", sqlite_where=sa.text("server_state = 'in_progress'"))
        batch_op.drop_index("result_unseen")
        batch_op.drop_index("result_out")
        batch_op.drop_index("result_leases", sqlite_where=sa.text("server_state = 'in_progress'"))

    op.drop_table("result")
    with op.batch_alter_table("workunit", schema=None) as batch_op:
        batch_op.drop_index(
            "workunit_to_wind_up",
            sqlite_where=sa.text("assimilate_state = 'done' AND file_delete_state = 'init'"),
        )
        batch_op.drop_index(
            "workunit_to_delete", sqlite_where=sa.text("file_delete_state = 'ready'")
        )
        batch_op.drop_index("workunit_progress")

    op.drop_table("workunit")
    with op.batch_alter_table("output_part", schema=None) as batch_op:
        batch_op.drop_index("output_part_digest")

    op.drop_table("output_part")
    with op.batch_alter_table("output", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_output_manifest_digest"))

    op.drop_table("output")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index("outbox_job")

    op.drop_table("outbox")
    op.drop_table("merge")
    with op.batch_alter_table("token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_token_host_id"))
        batch_op.drop_index(batch_op.f("ix_token_account_id"))

    op.drop_table("token")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index("job_sealed", sqlite_where=sa.text("seal_opened_at IS NULL"))
        batch_op.drop_index("job_program")
        batch_op.drop_index("job_open")
        batch_op.drop_index("job_dataset")
        batch_op.drop_index(batch_op.f("ix_job_account_id"))

    op.drop_table("job")
    with op.batch_alter_table("chunk_column", schema=None) as batch_op:
        batch_op.drop_index("chunk_column_digest")

    op.drop_table("chunk_column")
    with op.batch_alter_table("host", schema=None) as batch_op:
        batch_op.drop_index("host_principal")
        batch_op.drop_index("host_prefix")
        batch_op.drop_index("host_account")

    op.drop_table("host")
    with op.batch_alter_table("dataset", schema=None) as batch_op:
        batch_op.drop_index("dataset_public")

    op.drop_table("dataset")
    op.drop_table("prefix_key")
    op.drop_table("plugin")
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_created_at"))

    op.drop_table("idempotency")
    op.drop_table("account")
