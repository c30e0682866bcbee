"""This file is where it is kept what admins and owners did by hand: who, what, to what, when."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from sqlalchemy import Connection, select

from grid.db import apply as writes
from grid.db.tables import DeedRow, table
from grid.db.transaction import Transaction
from grid.items import Json

DEED = table(DeedRow)


class Deed(Struct, frozen=True, kw_only=True):
    """One thing that somebody did by hand."""

    id: int
    at: int
    who: str
    what: str
    subject: str
    details: Mapping[str, Json]


def note(
    transaction: Transaction,
    account_id: int | None,
    who: str,
    what: str,
    subject: str,
    details: Mapping[str, Json],
) -> None:
    """Keep, in the transaction that does it, who did what to what."""
    row = DeedRow(
        at=transaction.now,
        account_id=account_id,
        who=who,
        what=what,
        subject=subject,
        details=dict(details),
    )
    writes.add(transaction.connection, row)


def newest(connection: Connection, limit: int, before: int | None = None) -> list[Deed]:
    """What was done last, those before id `before` (primary key)."""
    conditions = [] if before is None else [DEED.c.id < before]
    columns = [DEED.c[name] for name in Deed.__struct_fields__]
    found = connection.execute(
        select(*columns).where(*conditions).order_by(DEED.c.id.desc()).limit(limit)
    )
    return [Deed(**row._mapping) for row in found]
