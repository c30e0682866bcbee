"""This file is where credit is read, and where volunteers choose how leaderboards name them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Select, Table, case, func, literal_column, select

from grid.db import apply as writes
from grid.db.tables import (
    HostRow,
    JobRow,
    JobTypeCostRow,
    ResultRow,
    SealedCreditRow,
    TeamRow,
    VolunteerRow,
    WorkUnitRow,
    spelled,
    table,
)
from grid.db.transaction import Transaction
from grid.states import Outcome, Purpose, ValidateState
from grid.validator import credit
from grid.validator.credit import Timed

HOST, PEOPLE, TEAM = table(HostRow), table(VolunteerRow), table(TeamRow)
RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)
SEALED, COST = table(SealedCreditRow), table(JobTypeCostRow)

#: Results that are looked at for measuring, from the newest on, and those that are measured.
LOOKED_MAX = 20_000
TIMED_MAX = 1_000

#: Whose credit a leaderboard lists, and by what.
BY = {"volunteer": PEOPLE, "host": HOST, "team": TEAM}
ORDERS = ("total", "recent")


class Ranked(Struct, frozen=True, kw_only=True):
    """One line of a leaderboard."""

    id: int
    #: What a volunteer or team is called; None for one that has not said.
    name: str | None
    #: Of a volunteer.
    team: str | None
    #: Millionths of a credit, and millionths a day lately.
    credit: int
    average: int


class Earned(Struct, frozen=True, kw_only=True):
    """What a volunteer is shown of itself."""

    volunteer_id: int
    name: str | None
    team: str | None
    #: In jobs whose seal has opened.
    credit: int
    average: int
    #: What its answers in sealed jobs are worth, should all of them be right.
    pending: int


def cost_ps(connection: Connection, job_type_digest: str) -> int | None:
    """Picoseconds for a unit of this job type's cost; None when that was not measured."""
    return connection.scalar(
        select(COST.c.cost_ps).where(COST.c.job_type_digest == job_type_digest)
    )


def timed(connection: Connection) -> list[Timed]:
    """The newest runs of the server's own, and right answers of trusted hosts (primary key)."""
    newest = select(func.max(RESULT.c.id)).scalar_subquery()
    last = UNIT.c.ordinal == JOB.c.workunit_count - 1
    own = (RESULT.c.purpose == spelled(Purpose.TRUSTED)) & (
        RESULT.c.outcome == spelled(Outcome.SUCCESS)
    )
    trusted = HOST.c.trusted & (RESULT.c.validate_state == spelled(ValidateState.VALID))
    took = case((own, RESULT.c.program_ms), else_=RESULT.c.elapsed_ms)
    found = connection.execute(
        select(
            JOB.c.job_type_digest,
            case((last, JOB.c.last_cost), else_=JOB.c.unit_cost).label("cost"),
            took.label("elapsed_ms"),
            ((RESULT.c.received_at - RESULT.c.sent_at + 1) * 1000).label("turnaround_ms"),
        )
        .select_from(
            RESULT.join(UNIT, UNIT.c.id == RESULT.c.workunit_id)
            .join(JOB, JOB.c.id == RESULT.c.job_id)
            .outerjoin(HOST, HOST.c.id == RESULT.c.host_id)
        )
        .where(
            RESULT.c.id > newest - literal_column(str(LOOKED_MAX)),
            took.is_not(None),
            own | trusted,
        )
        .order_by(RESULT.c.id.desc())
        .limit(TIMED_MAX)
    )
    return [msgspec.convert(dict(row._mapping), Timed) for row in found]


def costs(connection: Connection) -> dict[str, int]:
    """Picoseconds for a unit of cost, by the digest of the job type's folder."""
    return {row.job_type_digest: row.cost_ps for row in connection.execute(select(COST))}


def keep_costs(transaction: Transaction, measured: dict[str, int]) -> None:
    """Keep what was measured."""
    writes.set_costs(transaction.connection, measured, transaction.now)


def leaderboard(
    connection: Connection, by: str, order: str, offset: int, limit: int, now: int
) -> list[Ranked]:
    """Whoever has most, from place `offset` on; who has none is not listed (volunteer_credit,
    volunteer_recent, and the same of host and team)."""
    found = connection.execute(ranking(by, order).offset(offset).limit(limit))
    return [
        Ranked(
            id=row.id,
            name=row.name,
            team=row.team,
            credit=row.credit,
            average=_average(row.recent, now),
        )
        for row in found
    ]


def ranking(by: str, order: str) -> Select[Any]:
    """The statement behind a leaderboard."""
    rows = BY[by]
    first = rows.c.credit if order == "total" else rows.c.recent
    name = literal_column("NULL") if by == "host" else rows.c.name
    return (
        select(rows.c.id, rows.c.credit, rows.c.recent, name.label("name"), _team_of(rows))
        .where(rows.c.credit > literal_column("0"))
        .order_by(first.desc(), rows.c.id.desc())
    )


def of_volunteer(connection: Connection, volunteer_id: int, now: int) -> Earned:
    """What a volunteer has earned (primary key, host's volunteer, sealed_credit's host)."""
    row = connection.execute(
        select(PEOPLE.c.name, PEOPLE.c.credit, PEOPLE.c.recent, _team_of(PEOPLE)).where(
            PEOPLE.c.id == volunteer_id
        )
    ).one()
    pending = connection.scalar(
        select(func.coalesce(func.sum(SEALED.c.returned), 0))
        .select_from(SEALED.join(HOST, HOST.c.id == SEALED.c.host_id))
        .where(HOST.c.volunteer_id == volunteer_id)
    )
    return Earned(
        volunteer_id=volunteer_id,
        name=row.name,
        team=row.team,
        credit=row.credit,
        average=_average(row.recent, now),
        pending=int(pending or 0),
    )


def volunteer_of(connection: Connection, host_id: int | None, account_id: int | None) -> int | None:
    """The volunteer that a host belongs to, or an account is; None where nobody has volunteered."""
    if host_id is not None:
        return connection.scalar(select(HOST.c.volunteer_id).where(HOST.c.id == host_id))
    if account_id is None:
        return None
    return connection.scalar(select(PEOPLE.c.id).where(PEOPLE.c.account_id == account_id))


def choose_name(transaction: Transaction, volunteer_id: int, name: str | None) -> None:
    """Call a volunteer so in public; None for its public id."""
    writes.set_name(transaction.connection, volunteer_id, name)


def join_team(transaction: Transaction, volunteer_id: int, name: str | None) -> None:
    """Let a volunteer join the team of this name, made if need be; None for no team.

    What the volunteer has counts for its team; a team that nobody is in any more is gone.
    """
    connection, number = transaction.connection, None
    if name is not None:
        number = connection.scalar(select(TEAM.c.id).where(TEAM.c.name == name))
        if number is None:
            number = writes.add(connection, TeamRow(name=name, created_at=transaction.now))
    writes.set_team(connection, volunteer_id, number)


def _team_of(rows: Table) -> Any:
    if rows is not PEOPLE:
        return literal_column("NULL").label("team")
    named = select(TEAM.c.name).where(TEAM.c.id == rows.c.team_id).correlate(rows)
    return named.scalar_subquery().label("team")


def _average(recent: float, now: int) -> int:
    return round(credit.average(recent, now) * credit.MICRO)
