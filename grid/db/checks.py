"""This file is where readers' checks of published outputs are kept and counted."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, func, select

from grid.auditlog import entries
from grid.auditlog.entries import About
from grid.db import apply as writes
from grid.db.tables import CheckRow, table
from grid.db.transaction import Transaction

CHECK = table(CheckRow)


class Counted(Struct, frozen=True, kw_only=True):
    """How many readers, by their keys, got what."""

    same: int = 0
    different: int = 0


def counted(connection: Connection, job_id: int) -> Counted:
    """Readers who have checked a job (primary key)."""
    found = connection.execute(
        select(CHECK.c.same, func.count()).where(CHECK.c.job_id == job_id).group_by(CHECK.c.same)
    )
    by_result = {bool(same): int(count) for same, count in found}
    return Counted(same=by_result.get(True, 0), different=by_result.get(False, 0))


def since(connection: Connection, moment: int) -> int:
    """How many checks were left since then (reader_check_at)."""
    found = select(func.count()).where(CHECK.c.checked_at >= moment)
    return int(connection.scalar(found) or 0)


def leave(
    transaction: Transaction,
    job_id: int,
    about: About,
    same: bool,
    statement: str,
    key: str,
    signature: str,
) -> bool:
    """Keep a reader's check and have the log say so; whether it is this key's first."""
    known = select(CHECK.c.key).where(CHECK.c.job_id == job_id, CHECK.c.key == key)
    if transaction.connection.scalar(known) is not None:
        return False
    row = CheckRow(job_id=job_id, key=key, same=same, checked_at=transaction.now)
    writes.add(transaction.connection, row)
    line = entries.checked(about, statement, key, signature, transaction.now)
    writes.log(transaction.connection, [line], transaction.now)
    return True
