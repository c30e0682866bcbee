"""This file is where Alembic learns which database to migrate; it runs inside the server."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

import grid.db.tables  # noqa: F401 - the tables must be known before they are compared
from grid.db import locks
from grid.db.dialects import POSTGRESQL


def _widen(connection: Connection) -> None:
    """Give ids 64 bits, where `serial` gave them 32."""
    narrow = text(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND data_type = 'integer'"
    )
    for table, column in connection.execute(narrow).all():
        connection.execute(text(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE BIGINT'))
    sequences = text("SELECT sequencename FROM pg_sequences WHERE data_type::text = 'integer'")
    for name in connection.scalars(sequences).all():
        connection.execute(text(f'ALTER SEQUENCE "{name}" AS BIGINT'))


engine = create_engine(context.config.attributes["url"], poolclass=NullPool)
with engine.connect() as connection:
    locks.one_migration(connection)
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        transaction_per_migration=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.dialect.name == POSTGRESQL:
        _widen(connection)
        connection.commit()
engine.dispose()
