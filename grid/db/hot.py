"""This file is where the hot path reads: few statements, made once, whatever a batch holds.

Every list travels as one JSON text, in and out. A statement's text never depends on how many there
are, and its answer is one row: Python's driver lets go of the interpreter for each row it fetches,
and the writer would wait for its turn among the threads as often.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
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

from grid import transitioner
from grid.db import rows
from grid.db.prepared import Prepared
from grid.db.tables import HostRow, JobRow, ResultRow, WorkUnitRow, spelled, table
from grid.dispatch import LEFT_COPIES_MAX
from grid.items import Mode, Policy, Result, WorkUnit
from grid.states import JobState, ServerState

RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)
HOST = table(HostRow)

#: Job ids → their policies.
Policies = Callable[[set[int]], Mapping[int, Policy]]


class Waiting(Struct, frozen=True, kw_only=True):
    """A result that waits for a host, and what its work unit computes."""

    result_id: int
    workunit_id: int
    job_id: int
    first_chunk: int
    chunk_count: int
    #: Principals that may not have it.
    held_by: frozenset[int]


class _Facts(Struct):
    units: list[rows.UnitFields]
    copies: list[Result]


class _Offer(Struct):
    waiting: list[Waiting]
    leases: list[tuple[int, int]]


def _given(name: str) -> Select[Any]:
    """The integers of a bound JSON array."""
    return select(func.json_each(bindparam(name)).table_valued("value").c.value)


def _objects(source: FromClause, fields: Collection[str]) -> ColumnElement[Any]:
    """The rows of `source` as one JSON array of objects."""
    pairs: list[ColumnElement[Any]] = []
    for name in fields:
        pairs += literal_column(f"'{name}'"), source.c[name]
    return func.json_group_array(func.json_object(*pairs))


def _nested(*parts: tuple[str, Select[Any]]) -> Select[Any]:
    """Several JSON texts as one object."""
    pairs: list[ColumnElement[Any]] = []
    for name, text in parts:
        pairs += literal_column(f"'{name}'"), func.json(text.scalar_subquery())
    return select(func.json_object(*pairs))


def _facts_of(units: Select[Any]) -> Select[Any]:
    return _nested(
        ("units", select(_objects(UNIT, rows.WORKUNIT_FIELDS)).where(UNIT.c.id.in_(units))),
        (
            "copies",
            select(_objects(RESULT, rows.RESULT_FIELDS)).where(RESULT.c.workunit_id.in_(units)),
        ),
    )


def _holds(copies: FromClause) -> ColumnElement[bool]:
    """Of a principal's copies of one work unit: one was not left, or too many were."""
    left = copies.c.outcome.in_([spelled(outcome) for outcome in transitioner.LEFT])
    return (func.sum(~left) > 0) | (func.count() >= literal_column(str(LEFT_COPIES_MAX)))


def _holders(*further: ColumnElement[bool]) -> Select[Any]:
    """The principals that may not have another copy of the outer query's work unit."""
    other, holder = RESULT.alias("other"), HOST.alias("holder")
    return (
        select(holder.c.principal_id)
        # Whoever has become one principal since then counts as one now.
        .select_from(other.join(holder, holder.c.id == other.c.host_id))
        .where(
            other.c.workunit_id == RESULT.c.workunit_id,
            *(holder.c.principal_id == one for one in further),
        )
        .group_by(holder.c.principal_id)
        .having(_holds(other))
        .correlate(RESULT)
    )


def _waiting(*further: ColumnElement[bool], job_is: Collection[ColumnElement[bool]] = ()) -> Any:
    # EXISTS and the outer join keep SQLite on result_unsent, which is in order already; a plain
    # join has it walk all work units of a job and sort them.
    mine = select(JOB.c.id).where(
        JOB.c.id == RESULT.c.job_id, JOB.c.job_state == spelled(JobState.ACTIVE), *job_is
    )
    held = _holders().subquery("holders")
    best = (
        select(
            RESULT.c.id.label("result_id"),
            UNIT.c.id.label("workunit_id"),
            UNIT.c.job_id,
            UNIT.c.first_chunk,
            UNIT.c.chunk_count,
            select(func.json_group_array(held.c.principal_id)).scalar_subquery().label("held_by"),
        )
        .select_from(RESULT.outerjoin(UNIT, UNIT.c.id == RESULT.c.workunit_id))
        .where(RESULT.c.server_state == spelled(ServerState.UNSENT), mine.exists(), *further)
        .order_by(RESULT.c.priority.desc(), RESULT.c.id)
        .limit(bindparam("limit"))
        .subquery("best")
    )
    fields: list[ColumnElement[Any]] = []
    for name in Waiting.__struct_fields__:
        value = best.c[name]
        fields += literal_column(f"'{name}'"), func.json(value) if name == "held_by" else value
    return select(func.json_group_array(func.json_object(*fields)))


_FACTS_OF_RESULTS = Prepared(
    _facts_of(select(RESULT.c.workunit_id).where(RESULT.c.id.in_(_given("numbers"))))
)
_FACTS_OF_UNITS = Prepared(_facts_of(_given("numbers")))
_COUNTED = (
    select(RESULT.c.host_id, func.count().label("held"))
    .where(
        RESULT.c.server_state == spelled(ServerState.IN_PROGRESS),
        RESULT.c.host_id.in_(_given("hosts")),
    )
    .group_by(RESULT.c.host_id)
    .subquery("counted")
)
_LEASES = select(func.json_group_array(func.json_array(_COUNTED.c.host_id, _COUNTED.c.held)))
_OFFER = Prepared(_nested(("waiting", _waiting()), ("leases", _LEASES)))
_NOT_MINE = ~_holders(bindparam("principal")).exists()
#: The first copy that waits of each work unit: one principal has no use for the second.
_TWIN = RESULT.alias("twin")
_FIRST = ~(
    select(_TWIN.c.id)
    .where(
        _TWIN.c.workunit_id == RESULT.c.workunit_id,
        _TWIN.c.server_state == spelled(ServerState.UNSENT),
        _TWIN.c.id < RESULT.c.id,
    )
    .correlate(RESULT)
    .exists()
)
_WAITING_FOR_TRUSTED = Prepared(_waiting(_FIRST, _NOT_MINE))
_WAITING_FOR_ANYBODY = Prepared(
    _waiting(_FIRST, _NOT_MINE, job_is=[JOB.c.mode != Mode.TRUSTED.value])
)

_facts_decoder = msgspec.json.Decoder(_Facts)
_offer_decoder = msgspec.json.Decoder(_Offer)
_waiting_decoder = msgspec.json.Decoder(list[Waiting])


def workunits_of(
    connection: Connection, result_ids: Collection[int], policies: Policies
) -> dict[int, WorkUnit]:
    """The work units of these results with all their copies, by id (result_workunit)."""
    text = _FACTS_OF_RESULTS.scalar(connection, numbers=_json(result_ids))
    return _workunits(_facts_decoder.decode(text), policies)


def workunits(
    connection: Connection, ids: Collection[int], policies: Policies
) -> dict[int, WorkUnit]:
    """Work units with all their copies, by id (result_workunit)."""
    text = _FACTS_OF_UNITS.scalar(connection, numbers=_json(ids))
    return _workunits(_facts_decoder.decode(text), policies)


def offer(
    connection: Connection, host_ids: Collection[int], limit: int
) -> tuple[list[Waiting], dict[int, int]]:
    """The best results that wait for a host, and how many leases these hosts hold
    (result_unsent, result_workunit, result_leases)."""
    text = _OFFER.scalar(connection, hosts=_json(host_ids), limit=limit)
    found = _offer_decoder.decode(text)
    return found.waiting, dict(found.leases)


def waiting_for(
    connection: Connection, principal_id: int, trusted: bool, limit: int
) -> list[Waiting]:
    """The best results that this principal may have (result_unsent, result_workunit)."""
    statement = _WAITING_FOR_TRUSTED if trusted else _WAITING_FOR_ANYBODY
    text = statement.scalar(connection, principal=principal_id, limit=limit)
    return _waiting_decoder.decode(text)


def _workunits(facts: _Facts, policies: Policies) -> dict[int, WorkUnit]:
    copies: dict[int, list[Result]] = {unit.id: [] for unit in facts.units}
    for result in sorted(facts.copies, key=lambda one: one.id):
        copies[result.workunit_id].append(result)
    known = policies({unit.job_id for unit in facts.units})
    return {
        unit.id: rows.workunit(unit, known[unit.job_id], copies[unit.id]) for unit in facts.units
    }


def _json(numbers: Collection[int]) -> str:
    return msgspec.json.encode(list(numbers)).decode()
