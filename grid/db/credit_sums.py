"""This file is where sums of credit are held against the results behind them: for who checks."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct
from sqlalchemy import Connection, select

from grid.db.credits import BY
from grid.db.tables import JobRow, ResultRow, SealedCreditRow, VolunteerRow, table
from grid.validator import credit

RESULT, JOB = table(ResultRow), table(JobRow)
PEOPLE, SEALED = table(VolunteerRow), table(SealedCreditRow)


class Sum(Struct, frozen=True, kw_only=True):
    """Credit as it is kept beside what it should add up to."""

    what: str
    id: int
    kept: int
    kept_recent: float
    found: int
    found_recent: float


def sums(connection: Connection) -> list[Sum]:
    """Every sum that is kept, beside the sum of the results behind it: for those who check."""
    found: list[Sum] = []
    opened: dict[str, dict[int, tuple[int, float]]] = {"host": {}, "volunteer": {}, "team": {}}
    sealed: dict[int, tuple[int, float]] = {}
    rows = connection.execute(
        select(
            RESULT.c.host_id,
            RESULT.c.job_id,
            RESULT.c.credit,
            RESULT.c.received_at,
            RESULT.c.volunteer_id,
            PEOPLE.c.team_id,
            JOB.c.seal_opened_at,
        )
        .select_from(
            RESULT.join(JOB, JOB.c.id == RESULT.c.job_id).join(
                PEOPLE, PEOPLE.c.id == RESULT.c.volunteer_id
            )
        )
        .where(RESULT.c.credit != 0)
    )
    for row in rows:
        amount = row.credit, row.credit * credit.weight(row.received_at)
        if row.seal_opened_at is None:
            sealed[row.host_id] = _plus(sealed.get(row.host_id), amount)
            continue
        whose = ("host", row.host_id), ("volunteer", row.volunteer_id), ("team", row.team_id)
        for what, number in whose:
            if number is not None:
                opened[what][number] = _plus(opened[what].get(number), amount)
    for what, rows_of in BY.items():
        for one in connection.execute(select(rows_of.c.id, rows_of.c.credit, rows_of.c.recent)):
            owed = opened[what].pop(one.id, (0, 0.0))
            found.append(_sum(what, one.id, (one.credit, one.recent), owed))
        found += [_sum(what, number, (0, 0.0), owed) for number, owed in opened[what].items()]
    kept: dict[int, tuple[int, float]] = {}
    for one in connection.execute(select(SEALED)):
        kept[one.host_id] = _plus(kept.get(one.host_id), (one.credit, one.recent))
    found += [
        _sum("sealed", number, kept.get(number, (0, 0.0)), sealed.get(number, (0, 0.0)))
        for number in kept.keys() | sealed.keys()
    ]
    return found


def owners(connection: Connection, job_ids: Collection[int]) -> dict[int, int | None]:
    """The volunteer that each of these jobs' requester is; None for one that has no host."""
    found = connection.execute(
        select(JOB.c.id, PEOPLE.c.id.label("owner"))
        .select_from(JOB.outerjoin(PEOPLE, PEOPLE.c.account_id == JOB.c.account_id))
        .where(JOB.c.id.in_(job_ids))
    )
    return {row.id: row.owner for row in found}


def _plus(before: tuple[int, float] | None, more: tuple[int, float]) -> tuple[int, float]:
    old = before or (0, 0.0)
    return old[0] + more[0], old[1] + more[1]


def _sum(what: str, number: int, kept: tuple[int, float], found: tuple[int, float]) -> Sum:
    return Sum(
        what=what,
        id=number,
        kept=kept[0],
        kept_recent=kept[1],
        found=found[0],
        found_recent=found[1],
    )
