"""This file is where changed standings and suspicions take effect on what was answered before."""

from __future__ import annotations

from collections.abc import Collection

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, literal_column, select

from grid.db import apply as writes
from grid.db.prepared import Prepared
from grid.db.tables import (
    JobRow,
    ResultRow,
    ReviewRow,
    VolunteerRow,
    WorkUnitRow,
    spelled,
    table,
)
from grid.db.texts import given, objects, spelled_ids
from grid.db.transaction import Transaction
from grid.db.work import Context, settle_units, units_of
from grid.states import JobState, Outcome, Support, ValidateState

RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)
PEOPLE, REVIEW = table(VolunteerRow), table(ReviewRow)

#: Work units of one volunteer, or engine, that are looked at in one transaction; no further
#: volunteer is begun when there are as many.
BITE = 200


class _Person(Struct):
    """A volunteer whose standing has moved."""

    id: int
    banned_at: int | None
    moved: int
    #: The work unit up to which that has taken effect.
    moved_from: int

    @property
    def states(self) -> list[ValidateState]:
        """What its answers may be whose work units are to be looked at."""
        states = [ValidateState.INCONCLUSIVE]
        states.append(ValidateState.VOID if self.banned_at is None else ValidateState.INIT)
        if self.moved > 1 or self.banned_at is not None:
            states += [ValidateState.VALID, ValidateState.INVALID]
        return states


def moved(connection: Connection, limit: int) -> list[int]:
    """Volunteers whose standing has changed what their work is worth (volunteer_moved)."""
    return list(
        connection.scalars(
            select(PEOPLE.c.id)
            .where(PEOPLE.c.moved > literal_column("0"))
            .order_by(PEOPLE.c.id)
            .limit(limit)
        )
    )


def look_again(transaction: Transaction, volunteers: Collection[int], context: Context) -> int:
    """Settle what changed standings may have moved, of as many of these volunteers as make a bite;
    how many work units.

    Whoever is believed more: what waits on it. Whoever is believed less: what rests on it, and all
    that no trusted run covers when it is banned. A work unit that several wait on is settled once.
    A volunteer with more than a bite of work units stays marked, and how far this came is kept.
    """
    connection = transaction.connection
    found: set[int] = set()
    over: list[int] = []
    text = _PEOPLE.scalar(connection, people=spelled_ids(volunteers))
    for person in sorted(_people_decoder.decode(text), key=lambda one: one.id):
        mine = _resting_on(connection, person)
        found.update(mine)
        if len(mine) < BITE:
            over.append(person.id)
        else:
            writes.set_moved_from(connection, person.id, mine[-1])
        if len(found) >= BITE:
            break
    writes.clear_moved(connection, over)
    settle_units(transaction, units_of(transaction, found, context), context, {})
    return len(found)


def reviews(connection: Connection) -> list[tuple[int, str]]:
    """Jobs and engines of them that were suspected or cleared (review's primary key)."""
    found = connection.execute(select(REVIEW.c.job_id, REVIEW.c.engine))
    return [(row.job_id, row.engine) for row in found]


def review(transaction: Transaction, job_id: int, engine: str, context: Context) -> int:
    """Settle a bite of a job's work units that an engine answered; how many
    (workunit_of_job, result_workunit)."""
    connection = transaction.connection
    begun = connection.scalar(
        select(REVIEW.c.ordinal).where(REVIEW.c.job_id == job_id, REVIEW.c.engine == engine)
    )
    if begun is None:
        return 0
    answered = (
        select(RESULT.c.id)
        .where(
            RESULT.c.workunit_id == UNIT.c.id,
            RESULT.c.engine == engine,
            RESULT.c.outcome == Outcome.SUCCESS.value,
        )
        .exists()
    )
    found = connection.execute(
        select(UNIT.c.id, UNIT.c.ordinal)
        .where(UNIT.c.job_id == job_id, UNIT.c.ordinal > begun, answered)
        .order_by(UNIT.c.ordinal)
        .limit(BITE)
    ).all()
    last = found[-1].ordinal if len(found) == BITE else None
    writes.move_review(connection, job_id, engine, last)
    units = units_of(transaction, [row.id for row in found], context)
    settle_units(transaction, units, context, {})
    return len(found)


def _resting_on(connection: Connection, person: _Person) -> list[int]:
    """The next work units that hold an answer of this volunteer and may change, in order
    (result_volunteer, once for each state)."""
    found: set[int] = set()
    for state in person.states:
        text = _RESTING[state].scalar(
            connection, volunteer=person.id, above=person.moved_from, limit=BITE
        )
        found.update(msgspec.json.decode(text))
    return sorted(found)[:BITE]


def _resting(state: ValidateState) -> Prepared:
    next_ones = (
        select(RESULT.c.workunit_id)
        .select_from(
            RESULT.join(UNIT, UNIT.c.id == RESULT.c.workunit_id).join(
                JOB, JOB.c.id == RESULT.c.job_id
            )
        )
        .where(
            RESULT.c.volunteer_id == bindparam("volunteer"),
            RESULT.c.validate_state == spelled(state),
            RESULT.c.workunit_id > bindparam("above"),
            RESULT.c.outcome == spelled(Outcome.SUCCESS),
            UNIT.c.support != spelled(Support.TRUSTED),
            JOB.c.job_state.not_in([spelled(JobState.FAILED), spelled(JobState.CANCELLED)]),
        )
        .order_by(RESULT.c.workunit_id)
        .limit(bindparam("limit"))
        .subquery()
    )
    return Prepared(select(func.json_group_array(next_ones.c.workunit_id)))


_RESTING = {state: _resting(state) for state in ValidateState}
_PEOPLE = Prepared(
    select(objects(PEOPLE, _Person.__struct_fields__)).where(PEOPLE.c.id.in_(given("people")))
)
_people_decoder = msgspec.json.Decoder(list[_Person])
