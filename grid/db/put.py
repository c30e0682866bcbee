"""This file is where outputs are known that were put before their reports.

The row comes first, then the file, then the report that refers to it: whatever stops the server
between them, no verdict rests on bytes that are not there, and every file has a row that the file
deleter finds. Both look under the writer's lock, so a file that goes had nobody who wanted it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, func, select

from grid import report
from grid.db import apply as writes
from grid.db import queries
from grid.db.tables import PutOutputRow, table
from grid.db.transaction import Transaction
from grid.leases import Lease

PUT = table(PutOutputRow)

#: Different outputs that may be put under one lease: an honest host puts one, and another one only
#: when the first was lost on the way and its program does not repeat itself.
PUTS_MAX = 3
#: More than that.
TOO_MANY = "too_many"


def reserve(transaction: Transaction, lease: Lease, digest: str, size: int) -> str | None:
    """Note that this output is about to be put under a lease; why not, or None."""
    connection, number = transaction.connection, lease.result_id
    result = queries.result(connection, number)
    unit = None
    if result is not None:
        unit = queries.workunits(connection, [result.workunit_id])[result.workunit_id]
    refusal: str | None = report.refuse_put(result, unit, lease, transaction.now)
    if is_put(connection, number, digest):
        return None if refusal == report.Refusal.ALREADY_REPORTED else refusal
    if refusal is None and _count(connection, number) >= PUTS_MAX:
        refusal = TOO_MANY
    if refusal is None:
        keep(transaction, number, digest, size)
    return refusal


def keep(transaction: Transaction, result_id: int, digest: str, size: int) -> None:
    """Note that an output is a file, or will be."""
    if not is_put(transaction.connection, result_id, digest):
        row = PutOutputRow(result_id=result_id, digest=digest, bytes=size, put_at=transaction.now)
        writes.add(transaction.connection, row)


def is_put(connection: Connection, result_id: int, digest: str) -> bool:
    """Whether this output was put under this result, or is about to be (primary key)."""
    found = select(PUT.c.bytes).where(PUT.c.result_id == result_id, PUT.c.digest == digest)
    return connection.scalar(found) is not None


def drop_leftovers(
    transaction: Transaction, workunit_ids: Sequence[int], forget: Callable[[str], None]
) -> None:
    """Forget what was put for these work units and never reported; `forget` deletes a file."""
    for digest in writes.drop_unreported(transaction.connection, workunit_ids):
        forget(digest)


def _count(connection: Connection, result_id: int) -> int:
    rows = select(func.count()).select_from(PUT).where(PUT.c.result_id == result_id)
    return int(connection.scalar(rows) or 0)
