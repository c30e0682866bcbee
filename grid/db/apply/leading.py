"""This file is where it is written which process's daemons run."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert

from grid.db.tables import DaemonLeaseRow, table

LEASE = table(DaemonLeaseRow)


def set_lease(connection: Connection, row: DaemonLeaseRow) -> None:
    """This process's daemons run until then, unless it says so again."""
    drop_lease(connection, None)
    connection.execute(insert(LEASE).values(**row.model_dump()))


def drop_lease(connection: Connection, holder: str | None) -> None:
    """Nobody's daemons run from now on; only if they are this holder's, where one is named."""
    gone = delete(LEASE)
    connection.execute(gone if holder is None else gone.where(LEASE.c.holder == holder))
