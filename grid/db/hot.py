"""This file is where the hot path reads: few statements, made once, whatever a batch holds.

Lists are bound as one JSON text, so a statement's text never depends on how many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.selectable import ScalarSelect

from grid import transitioner
from grid.db import rows
from grid.db.tables import JobRow, ResultRow, WorkUnitRow, spelled, table
from grid.dispatch import LEFT_COPIES_MAX
from grid.items import Mode, Policy, Result, WorkUnit
from grid.states import JobState, ServerState

RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)

#: Job ids → their policies.
Policies = Callable[[set[int]], Mapping[int, Policy]]


class Waiting(Struct, frozen=True, kw_only=True):
    """A result that waits for a host, and what its work unit computes."""

    result_id: int
    workunit_id: int
    job_id: int
    first_chunk: int
    chunk_count: int
    held_by: frozenset[int]


def _given(name: str) -> ScalarSelect[Any]:
    """The integers of a bound JSON array."""
    return select(func.json_each(bindparam(name)).table_valued("value").c.value).scalar_subquery()


def _json(numbers: Collection[int]) -> str:
    return msgspec.json.encode(list(numbers)).decode()


def _waiting(*job_is: ColumnElement[bool]) -> Select[Any]:
    # EXISTS and the outer join keep SQLite on result_unsent, which is in order already; a plain
    # join has it walk all work units of a job and sort them.
    mine = select(JOB.c.id).where(
        JOB.c.id == RESULT.c.job_id, JOB.c.job_state == spelled(JobState.ACTIVE), *job_is
    )
    return (
        select(RESULT.c.id, UNIT.c.id, UNIT.c.job_id, UNIT.c.first_chunk, UNIT.c.chunk_count)
        .select_from(RESULT.outerjoin(UNIT, UNIT.c.id == RESULT.c.workunit_id))
        .where(RESULT.c.server_state == spelled(ServerState.UNSENT), mine.exists())
        .order_by(RESULT.c.priority.desc(), RESULT.c.id)
        .limit(bindparam("limit"))
    )


def _holds(copies: FromClause) -> ColumnElement[bool]:
    """Of a principal's copies of one work unit: one was not left, or too many were."""
    left = copies.c.outcome.in_([spelled(outcome) for outcome in transitioner.LEFT])
    return (func.sum(~left) > 0) | (func.count() >= literal_column(str(LEFT_COPIES_MAX)))


_OTHER = RESULT.alias("other")
_HELD = (
    select(_OTHER.c.principal_id)
    .where(
        _OTHER.c.workunit_id == RESULT.c.workunit_id,
        _OTHER.c.principal_id == bindparam("principal"),
    )
    .group_by(_OTHER.c.principal_id)
    .having(_holds(_OTHER))
    .exists()
)
_WAITING = _waiting()
_WAITING_FOR_TRUSTED = _waiting().where(~_HELD)
_WAITING_FOR_ANYBODY = _waiting(JOB.c.mode != Mode.TRUSTED.value).where(~_HELD)
_HOLDERS = (
    select(RESULT.c.workunit_id, RESULT.c.principal_id)
    .where(RESULT.c.workunit_id.in_(_given("units")), RESULT.c.principal_id.is_not(None))
    .group_by(RESULT.c.workunit_id, RESULT.c.principal_id)
    .having(_holds(RESULT))
)
_LEASES = (
    select(RESULT.c.host_id, func.count())
    .where(
        RESULT.c.server_state == spelled(ServerState.IN_PROGRESS),
        RESULT.c.host_id.in_(_given("hosts")),
    )
    .group_by(RESULT.c.host_id)
)
_UNIT_IDS = select(RESULT.c.workunit_id).where(RESULT.c.id.in_(_given("results")))
_UNITS = select(*(UNIT.c[name] for name in rows.WORKUNIT_FIELDS)).where(
    UNIT.c.id.in_(_given("units"))
)
_COPIES = (
    select(*(RESULT.c[name] for name in rows.RESULT_FIELDS))
    .where(RESULT.c.workunit_id.in_(_given("units")))
    .order_by(RESULT.c.id)
)


def workunit_ids(connection: Connection, result_ids: Collection[int]) -> set[int]:
    """The work units of these results (primary key)."""
    return set(connection.scalars(_UNIT_IDS, {"results": _json(result_ids)}))


def workunits(
    connection: Connection, ids: Collection[int], policies: Policies
) -> dict[int, WorkUnit]:
    """Work units with all their results, by id (primary key; result_workunit)."""
    if not ids:
        return {}
    units = {"units": _json(ids)}
    found = connection.execute(_UNITS, units).all()
    copies: dict[int, list[Result]] = {row[0]: [] for row in found}
    for row in connection.execute(_COPIES, units):
        result = rows.result(row)
        copies[result.workunit_id].append(result)
    known = policies({row[1] for row in found})
    return {row[0]: rows.workunit(row, known[row[1]], copies[row[0]]) for row in found}


def waiting(connection: Connection, limit: int) -> list[Waiting]:
    """The best results that wait for a host (result_unsent)."""
    return _with_holders(connection, connection.execute(_WAITING, {"limit": limit}).all())


def waiting_for(
    connection: Connection, principal_id: int, trusted: bool, limit: int
) -> list[Waiting]:
    """The best results that this principal may have (result_unsent, result_workunit)."""
    statement = _WAITING_FOR_TRUSTED if trusted else _WAITING_FOR_ANYBODY
    found = connection.execute(statement, {"principal": principal_id, "limit": limit}).all()
    return _with_holders(connection, found)


def lease_counts(connection: Connection, host_ids: Collection[int]) -> dict[int, int]:
    """How many leases each host holds (result_leases)."""
    return {row[0]: row[1] for row in connection.execute(_LEASES, {"hosts": _json(host_ids)})}


def _with_holders(connection: Connection, found: Sequence[Any]) -> list[Waiting]:
    holders: dict[int, set[int]] = {unit_id: set() for _, unit_id, *_ in found}
    for unit_id, principal_id in connection.execute(_HOLDERS, {"units": _json(holders)}):
        holders[unit_id].add(principal_id)
    return [
        Waiting(
            result_id=result_id,
            workunit_id=unit_id,
            job_id=job_id,
            first_chunk=first_chunk,
            chunk_count=chunk_count,
            held_by=frozenset(holders[unit_id]),
        )
        for result_id, unit_id, job_id, first_chunk, chunk_count in found
    ]
