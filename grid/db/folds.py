"""This file is where it is read how far a job's ordered fold has come, and what is next."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    ScalarSelect,
    func,
    select,
)

from grid import transitioner
from grid.assimilator.output import Backing, OutputPart
from grid.db.tables import MergeRow, OutputPartRow, ResultRow, WorkUnitRow, spelled, table
from grid.items import Json
from grid.states import AssimilateState, ErrorMask, Purpose, Support, ValidateState


class Ripe(Struct, frozen=True, kw_only=True):
    """A decided work unit that is next in its job's ordered fold."""

    workunit_id: int
    ordinal: int
    first_chunk: int
    chunk_count: int
    error_mask: ErrorMask
    canonical_result_id: int | None
    #: READY, or DONE where an earlier version of the output has it.
    assimilate_state: AssimilateState
    #: Canonical JSON of the canonical output; None when the work unit gave up, or when it is a
    #: file.
    output: str | None
    #: Its SHA-256; None when the work unit gave up.
    output_digest: str | None
    #: Messages of its failed copies, for the requester.
    messages: tuple[str, ...]


class Merge(Struct, frozen=True, kw_only=True):
    """How far a job's fold has come."""

    output_version: int
    merged: int
    state: Json
    parts: tuple[OutputPart, ...]


def merge_state(connection: Connection, job_id: int) -> Merge:
    """Where the job's fold stands."""
    merges, parts = table(MergeRow), table(OutputPartRow)
    row = connection.execute(select(merges).where(merges.c.job_id == job_id)).one()
    found = connection.execute(
        select(parts.c.ordinal, parts.c.digest, parts.c.rows)
        .where(parts.c.job_id == job_id, parts.c.output_version == row.output_version)
        .order_by(parts.c.ordinal)
    )
    return Merge(
        output_version=row.output_version,
        merged=row.merged,
        state=row.state,
        parts=tuple(
            OutputPart(ordinal=ordinal, digest=digest, rows=rows) for ordinal, digest, rows in found
        ),
    )


def ripe(connection: Connection, job_id: int, first: int, limit: int) -> list[Ripe]:
    """The decided work units from ordinal `first` on, up to the first undecided one."""
    units, results = table(WorkUnitRow), table(ResultRow)
    found = connection.execute(
        select(units, *_answer(results))
        .select_from(units.outerjoin(results, results.c.id == units.c.canonical_result_id))
        .where(units.c.job_id == job_id, units.c.ordinal >= first, units.c.ordinal < first + limit)
        .order_by(units.c.ordinal)
    ).all()
    ready: list[Ripe] = []
    for row in found:
        if row.ordinal != first + len(ready) or row.assimilate_state == AssimilateState.INIT:
            break
        ready.append(_ripe(row, _messages(connection, row.id) if row.error_mask else ()))
    return ready


def canonical(connection: Connection, job_id: int, first: int, count: int) -> list[Ripe]:
    """Those of a job's work units from ordinal `first` on, `count` of them, that have an answer
    (workunit_of_job)."""
    units, results = table(WorkUnitRow), table(ResultRow)
    found = connection.execute(
        select(units, *_answer(results))
        .select_from(units.join(results, results.c.id == units.c.canonical_result_id))
        .where(units.c.job_id == job_id, units.c.ordinal >= first, units.c.ordinal < first + count)
        .order_by(units.c.ordinal)
    )
    return [_ripe(row) for row in found]


def hit(connection: Connection, job_id: int) -> Ripe | None:
    """The first work unit of a job whose canonical answer is enough to end it (result_enough)."""
    units, results = table(WorkUnitRow), table(ResultRow)
    row = connection.execute(
        select(units, *_answer(results))
        .select_from(results.join(units, units.c.canonical_result_id == results.c.id))
        .where(results.c.job_id == job_id, results.c.enough)
        .order_by(units.c.ordinal)
        .limit(1)
    ).first()
    return None if row is None else _ripe(row)


def _answer(chosen: FromClause) -> list[ColumnElement[Any]]:
    output = func.coalesce(chosen.c.output, equal_output(chosen))
    return [output.label("output"), chosen.c.output_digest]


def _ripe(row: Row[Any], messages: tuple[str, ...] = ()) -> Ripe:
    return Ripe(
        workunit_id=row.id,
        ordinal=row.ordinal,
        first_chunk=row.first_chunk,
        chunk_count=row.chunk_count,
        error_mask=ErrorMask(row.error_mask),
        canonical_result_id=row.canonical_result_id,
        assimilate_state=AssimilateState(row.assimilate_state),
        output=row.output,
        output_digest=row.output_digest,
        messages=messages,
    )


def equal_output(chosen: FromClause) -> ScalarSelect[str | None]:
    """The same bytes from another result of the work unit: whoever speaks for an answer may change
    after the duplicates' bytes are gone (result_workunit)."""
    others = table(ResultRow).alias("others")
    return (
        select(others.c.output)
        .where(
            others.c.workunit_id == chosen.c.workunit_id,
            others.c.output_digest == chosen.c.output_digest,
            others.c.output.is_not(None),
        )
        .limit(1)
        .correlate(chosen)
        .scalar_subquery()
    )


def support(connection: Connection, job_id: int) -> Backing:
    """What a job's work units rest on, counted (workunit_of_job)."""
    units = table(WorkUnitRow)
    found = connection.execute(
        select(units.c.support, func.count().label("units"))
        .where(units.c.job_id == job_id, units.c.ordinal >= 0)
        .group_by(units.c.support)
    )
    counts = {row.support: row.units for row in found}
    return Backing(
        agreed=counts.get(Support.AGREED, 0),
        trusted=counts.get(Support.TRUSTED, 0),
        below_target=counts.get(Support.BELOW_TARGET, 0),
        weakest_votes=_weakest_votes(connection, job_id),
        contested=_contested(connection, job_id),
    )


def _weakest_votes(connection: Connection, job_id: int) -> int:
    """How many principals stand behind the least supported work unit that volunteers agreed on; 0
    without any."""
    units, results = table(WorkUnitRow), table(ResultRow)
    chosen = results.alias("chosen")
    counts = (
        select(func.count(results.c.principal_id.distinct()).label("votes"))
        .select_from(
            units.join(chosen, chosen.c.id == units.c.canonical_result_id).join(
                results,
                (results.c.workunit_id == units.c.id)
                & (results.c.validate_state == ValidateState.VALID.value),
            )
        )
        .where(
            units.c.job_id == job_id,
            units.c.ordinal >= 0,
            units.c.support != Support.TRUSTED.value,
        )
        .group_by(units.c.id)
        .subquery()
    )
    return int(connection.scalar(select(func.min(counts.c.votes))) or 0)


def _contested(connection: Connection, job_id: int) -> int:
    """Work units of which the server's own answer is canonical, and of several principals who
    answered none agrees with it (result_trusted, result_workunit)."""
    trusted, results, units = (
        table(ResultRow).alias("trusted"),
        table(ResultRow),
        table(WorkUnitRow),
    )
    answers = (
        select(results.c.workunit_id)
        .select_from(
            trusted.join(units, units.c.id == trusted.c.workunit_id).join(
                results, results.c.workunit_id == units.c.id
            )
        )
        .where(
            trusted.c.job_id == job_id,
            units.c.ordinal >= 0,
            trusted.c.purpose == spelled(Purpose.TRUSTED),
            trusted.c.validate_state == ValidateState.VALID.value,
            results.c.purpose != Purpose.TRUSTED.value,
            results.c.validate_state.in_([ValidateState.VALID, ValidateState.INVALID]),
        )
        .group_by(results.c.workunit_id)
        .having(
            func.count().filter(results.c.validate_state == ValidateState.VALID.value) == 0,
            func.count(results.c.principal_id.distinct()) > 1,
        )
        .subquery()
    )
    return int(connection.scalar(select(func.count()).select_from(answers)) or 0)


def _messages(connection: Connection, workunit_id: int) -> tuple[str, ...]:
    results = table(ResultRow)
    return tuple(
        connection.scalars(
            select(results.c.message)
            .where(results.c.workunit_id == workunit_id, results.c.outcome.in_(transitioner.ERRORS))
            .distinct()
            .limit(3)
        )
    )
