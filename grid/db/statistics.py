"""This file is where a job whose seal has opened is summed up for pictures: pages and the API."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, case, func, select

from grid.db.tables import ResultRow, WorkUnitRow, table
from grid.states import Outcome, Purpose, Support, ValidateState

UNIT, RESULT = table(WorkUnitRow), table(ResultRow)

#: How a map spells a work unit: one letter each, so that 10⁵ of them are 100 kB.
LETTERS = {
    "gave_up": "g",
    str(Support.NONE): "o",
    str(Support.AGREED): "a",
    str(Support.TRUSTED): "t",
    str(Support.BELOW_TARGET): "b",
}


class OfEngine(Struct, frozen=True, kw_only=True):
    """What volunteers on one kind of engine have answered."""

    engine: str
    answers: int
    valid: int
    invalid: int
    #: Different principals among those who answered.
    principals: int


class Summary(Struct, frozen=True, kw_only=True):
    """A job's work units and answers, summed up; hosts' answers only, the server's own aside."""

    #: A letter of LETTERS for each work unit, in their order.
    units: str
    #: Minutes since 1970 in which answers came, each with their number, in order of time.
    minutes: list[tuple[int, int]]
    engines: list[OfEngine]
    #: Different principals, on whichever engine.
    principals: int


def summary(connection: Connection, job_id: int) -> Summary:
    """One job's (workunit_of_job, result_workunit): time grows with its results."""
    answers = UNIT.join(RESULT, RESULT.c.workunit_id == UNIT.c.id)
    mine = (
        UNIT.c.job_id == job_id,
        UNIT.c.ordinal >= 0,
        RESULT.c.purpose != Purpose.TRUSTED,
        RESULT.c.outcome == Outcome.SUCCESS,
    )
    minute, engine = RESULT.c.received_at // 60, func.coalesce(RESULT.c.engine, "")
    principals = func.count(RESULT.c.principal_id.distinct())
    per_minute = select(minute, func.count()).select_from(answers).where(*mine).group_by(minute)
    per_engine = (
        select(
            engine.label("engine"),
            func.count().label("answers"),
            _count(ValidateState.VALID).label("valid"),
            _count(ValidateState.INVALID).label("invalid"),
            principals.label("principals"),
        )
        .select_from(answers)
        .where(*mine)
        .group_by(engine)
        .order_by(func.count().desc(), engine)
    )
    units = select(UNIT.c.support, UNIT.c.error_mask).where(UNIT.c.job_id == job_id)
    in_order = units.where(UNIT.c.ordinal >= 0).order_by(UNIT.c.ordinal)
    return Summary(
        units="".join(
            LETTERS["gave_up" if mask else support]
            for support, mask in connection.execute(in_order)
        ),
        minutes=[(at, count) for at, count in connection.execute(per_minute.order_by(minute))],
        engines=[OfEngine(**row._mapping) for row in connection.execute(per_engine)],
        principals=connection.scalar(select(principals).select_from(answers).where(*mine)) or 0,
    )


def workunit_at(connection: Connection, job_id: int, ordinal: int) -> int | None:
    """The work unit in this place of its job (workunit_of_job)."""
    found = select(UNIT.c.id).where(UNIT.c.job_id == job_id, UNIT.c.ordinal == ordinal)
    return connection.scalar(found)


def _count(state: ValidateState) -> ColumnElement[int]:
    return func.count(case((RESULT.c.validate_state == state, 1)))
