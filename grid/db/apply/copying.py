"""This file is where whole rows are put into a new database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select

from grid.db.dialects import POSTGRESQL


def add_rows(connection: Connection, one: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert them as they are, ids included."""
    connection.execute(insert(one), rows)


def count_on(connection: Connection, every: Sequence[Table]) -> None:
    """Let new ids follow the ones that were given; SQLite does so by itself."""
    if connection.dialect.name != POSTGRESQL:
        return
    for one in every:
        if "id" in one.c:
            last = connection.scalar(select(func.max(one.c.id)))
            if last is not None:
                sequence = func.pg_get_serial_sequence(one.name, "id")
                connection.execute(select(func.setval(sequence, last)))
