"""This file is where everything is read that an invariant is judged by: rows, texts, log lines.

No rule and no page reads here: whoever does asks whether the store is in order.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, literal_column, select

from grid.db.dialects import joined, json_text
from grid.db.prepared import Prepared
from grid.db.tables import (
    HostRow,
    JobRow,
    OutboxRow,
    ResultRow,
    VolunteerRow,
    WorkUnitRow,
    spelled,
    table,
)
from grid.db.texts import objects
from grid.items import WorkUnit
from grid.states import AssimilateState, FileDeleteState

#: What tells whether a work unit's copies have changed since the last look.
CHANGING = (
    "id",
    "server_state",
    "outcome",
    "validate_state",
    "epoch",
    "report_deadline",
    "checks2",
    "credit",
    "compared",
    "lied",
)
#: The same of the work unit itself.
CHANGING_OF_UNIT = (
    "canonical_result_id",
    "error_mask",
    "assimilate_state",
    "file_delete_state",
    "support",
)


class Line(Struct, frozen=True, kw_only=True):
    """An entry of the log, in the order in which it was decided."""

    id: int
    kind: str
    #: Canonical JSON.
    facts: str
    job_id: int | None
    sealed: bool


class Made(Struct, frozen=True, kw_only=True):
    """How many work units a job says it has, and how many there are."""

    said: int
    found: int


class Tally(Struct, frozen=True, kw_only=True):
    """Compared answers and certain lies of a volunteer: as kept, and as its results add up to."""

    volunteer_id: int
    compared: int
    lies: int
    compared_found: int
    lies_found: int


def lines(connection: Connection, after: int = 0) -> list[Line]:
    """Log entries behind id `after`, oldest first (primary key)."""
    found = _lines_decoder.decode(_LINES.scalar(connection, after=after))
    return sorted(found, key=lambda line: line.id)


def workunit_ids(connection: Connection, after: int = 0) -> list[int]:
    """Every work unit behind id `after` (primary key)."""
    units = table(WorkUnitRow)
    found = select(units.c.id).where(units.c.id > after).order_by(units.c.id)
    return list(connection.scalars(found))


def marks(connection: Connection) -> dict[int, str]:
    """Work units that are not at rest, each with a text that changes when its state does."""
    return dict(msgspec.json.decode(_marks().scalar(connection), type=list[tuple[int, str]]))


def outputs(connection: Connection, units: Collection[WorkUnit]) -> dict[int, str | None]:
    """The bytes kept of these work units' copies, by result (result_workunit)."""
    results = table(ResultRow)
    numbers = [unit.id for unit in units]
    found = connection.execute(
        select(results.c.id, results.c.output).where(results.c.workunit_id.in_(numbers))
    )
    return {row.id: row.output for row in found}


def made(connection: Connection) -> dict[int, Made]:
    """Jobs' counts of their work units beside the truth (workunit_of_job)."""
    jobs, units = table(JobRow), table(WorkUnitRow)
    counted = (
        select(func.count())
        .where(units.c.job_id == jobs.c.id, units.c.ordinal >= 0)
        .correlate(jobs)
        .scalar_subquery()
    )
    found = connection.execute(select(jobs.c.id, jobs.c.workunits_made, counted.label("found")))
    return {row.id: Made(said=row.workunits_made, found=row.found) for row in found}


def decided(connection: Connection) -> set[tuple[int, int]]:
    """Decided work units as (job, ordinal)."""
    units = table(WorkUnitRow)
    found = connection.execute(
        select(units.c.job_id, units.c.ordinal).where(
            units.c.assimilate_state != AssimilateState.INIT.value
        )
    )
    return {(row.job_id, row.ordinal) for row in found}


def tallies(connection: Connection) -> list[Tally]:
    """What is kept of each volunteer's answers beside the answers themselves."""
    people, results = table(VolunteerRow), table(ResultRow)
    counted = (
        select(
            results.c.volunteer_id,
            func.count().filter(results.c.compared).label("compared"),
            func.count().filter(results.c.lied).label("lies"),
        )
        .where(results.c.volunteer_id.is_not(None))
        .group_by(results.c.volunteer_id)
        .subquery("counted")
    )
    found = connection.execute(
        select(
            people.c.id.label("volunteer_id"),
            people.c.compared,
            people.c.lies,
            func.coalesce(counted.c.compared, 0).label("compared_found"),
            func.coalesce(counted.c.lies, 0).label("lies_found"),
        ).select_from(people.outerjoin(counted, counted.c.volunteer_id == people.c.id))
    )
    return [Tally(**row._mapping) for row in found]


def banned(connection: Connection) -> set[int]:
    """Hosts of banned volunteers."""
    hosts, people = table(HostRow), table(VolunteerRow)
    found = select(hosts.c.id).join(people, people.c.id == hosts.c.volunteer_id)
    return set(connection.scalars(found.where(people.c.banned_at.is_not(None))))


@lru_cache(maxsize=1)
def _marks() -> Prepared:
    results, units = table(ResultRow), table(WorkUnitRow)
    copy = json_text(func.json_array(*(results.c[name] for name in CHANGING)))
    copies = (
        select(joined(copy))
        .where(results.c.workunit_id == units.c.id)
        .correlate(units)
        .scalar_subquery()
    )
    mark = json_text(func.json_array(*(units.c[name] for name in CHANGING_OF_UNIT), copies))
    busy = units.c.file_delete_state != spelled(FileDeleteState.DONE)
    pair = func.json_array(units.c.id, mark.concat(literal_column("''")))
    return Prepared(select(func.json_group_array(pair)).where(busy))


_OUTBOX = table(OutboxRow)
_LINES = Prepared(
    select(objects(_OUTBOX, Line.__struct_fields__)).where(_OUTBOX.c.id > bindparam("after"))
)
#: Not strict, for SQLite spells false and true 0 and 1.
_lines_decoder = msgspec.json.Decoder(list[Line], strict=False)
