"""This file is where it is read who asks for work, and what waits to be sent.

Statements are made as in `hot`: their text never changes, and an answer is one JSON text.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    bindparam,
    case,
    func,
    literal_column,
    select,
)

from grid import transitioner
from grid.db import rows
from grid.db.dialects import number_in, place_of
from grid.db.found import Facts, Ready, Unheard, Waiting
from grid.db.prepared import Prepared
from grid.db.tables import (
    HostRow,
    JobRow,
    QuarantineRow,
    ResultRow,
    VolunteerRow,
    WorkUnitRow,
    spelled,
    table,
)
from grid.db.texts import given, nested, pairs, spelled_ids
from grid.dispatch.facts import LEFT_COPIES_MAX, kind_of
from grid.dispatch.matching import KEPT_FROM_SUSPECTS
from grid.states import AssimilateState, JobState, Outcome, Purpose, ServerState
from grid.trust import NEWCOMER_CHECKS2

RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)
HOST, VOLUNTEER, QUARANTINE = table(HostRow), table(VolunteerRow), table(QuarantineRow)

OPEN = [spelled(JobState.ACTIVE), spelled(JobState.PAUSED)]
IN_PROGRESS = spelled(ServerState.IN_PROGRESS)
UNSENT = spelled(ServerState.UNSENT)


class _Asking(Struct):
    hosts: list[Facts]
    ready: list[Ready]


class _Queue(Struct, array_like=True):
    job_id: int
    waiting: list[Waiting]


def _hosts() -> Any:
    group = HOST.alias("grouped")
    mine, ours = RESULT.alias("mine"), RESULT.alias("ours")
    fields: dict[str, ColumnElement[Any]] = {
        name: HOST.c[name] for name in ("quota", "left_milli", "left_at", "speed_milli")
    }
    fields |= {name: group.c[name] for name in ("group_quota", "group_left_milli", "group_left_at")}
    fields |= {
        "host_id": HOST.c.id,
        "leases": select(func.count())
        .where(mine.c.host_id == HOST.c.id, mine.c.server_state == IN_PROGRESS)
        .scalar_subquery(),
        "group_leases": select(func.count())
        .where(ours.c.principal_id == HOST.c.principal_id, ours.c.server_state == IN_PROGRESS)
        .scalar_subquery(),
        "checks2": VOLUNTEER.c.checks2,
        "ban_reason": case(
            (VOLUNTEER.c.banned_at.is_not(None), func.coalesce(VOLUNTEER.c.ban_reason, ""))
        ),
        "reserved": select(JOB.c.id)
        .where(JOB.c.id == HOST.c.reserved_job_id, JOB.c.job_state.in_(OPEN))
        .scalar_subquery(),
    }
    return (
        select(func.json_group_array(pairs(fields)))
        .select_from(
            HOST.join(group, group.c.id == HOST.c.principal_id).join(
                VOLUNTEER, VOLUNTEER.c.id == HOST.c.volunteer_id
            )
        )
        .where(HOST.c.id.in_(given("hosts")))
    )


def _ready() -> Any:
    some = (
        select(RESULT.c.id)
        .where(RESULT.c.job_id == JOB.c.id, *_waits(RESULT))
        .correlate(JOB)
        .exists()
    )
    engines = (
        select(func.json_group_array(QUARANTINE.c.engine))
        .where(QUARANTINE.c.job_id == JOB.c.id)
        .scalar_subquery()
    )
    fields: dict[str, ColumnElement[Any]] = {
        "job_id": JOB.c.id,
        "made": JOB.c.workunits_made == JOB.c.workunit_count,
        "quarantined": func.json(engines),
        "priority": JOB.c.priority,
    }
    return select(func.json_group_array(pairs(fields))).where(_sends(), some)


def _sends() -> ColumnElement[bool]:
    """A job of which something may be sent: an active one, or one whose traps go on while its seal
    is shut; what else waits of that one is about to be called back.

    Spelled so that SQLite takes job_open for the first, and job_sealed for the others: there are
    many completed jobs, and few whose seal is shut.
    """
    completed = func.coalesce(JOB.c.job_state, "") == spelled(JobState.COMPLETED)
    sealed = JOB.c.seal_opened_at.is_(None) & (JOB.c.id > literal_column("0"))
    return (JOB.c.job_state == spelled(JobState.ACTIVE)) | (sealed & completed)


def _waits(results: FromClause) -> tuple[ColumnElement[bool], ...]:
    """A result of this alias may be sent to a host now (result_waiting)."""
    return (
        results.c.server_state == UNSENT,
        results.c.purpose != spelled(Purpose.TRUSTED),
        results.c.not_before <= bindparam("now"),
    )


def _others() -> Any:
    """The copies of the outer query's work unit that were sent."""
    other, holder, person = RESULT.alias("other"), HOST.alias("holder"), VOLUNTEER.alias("person")
    # Whoever has become one principal since then counts as one now.
    fields = (holder.c.principal_id, other.c.outcome, other.c.purpose, other.c.engine)
    return (
        select(func.json_group_array(func.json_array(*fields, person.c.checks2)))
        .select_from(
            other.outerjoin(holder, holder.c.id == other.c.host_id).outerjoin(
                person, person.c.id == other.c.volunteer_id
            )
        )
        .where(other.c.workunit_id == RESULT.c.workunit_id, other.c.server_state != UNSENT)
        .correlate(RESULT)
        .scalar_subquery()
    )


def _waiting(*further: ColumnElement[bool]) -> Any:
    """For each given job, its best results that wait."""
    each = func.json_each(bindparam("jobs")).table_valued("value").alias("each")
    best = (
        select(
            RESULT.c.id.label("result_id"),
            UNIT.c.id.label("workunit_id"),
            UNIT.c.job_id,
            RESULT.c.purpose,
            RESULT.c.priority,
            RESULT.c.engine,
            UNIT.c.ordinal,
            UNIT.c.first_chunk,
            UNIT.c.chunk_count,
            _others().label("others"),
        )
        # The outer join keeps SQLite on result_waiting, which is in order already.
        .select_from(RESULT.outerjoin(UNIT, UNIT.c.id == RESULT.c.workunit_id))
        .where(RESULT.c.job_id == each.c.value, *_waits(RESULT), *further)
        .order_by(RESULT.c.priority.desc(), RESULT.c.id)
        .limit(bindparam("limit"))
        .correlate(each)
        .subquery("best")
    )
    fields: dict[str, ColumnElement[Any]] = {
        name: func.json(best.c[name]) if name == "others" else best.c[name]
        for name in Waiting.__struct_fields__
    }
    several = select(func.json_group_array(pairs(fields))).correlate(each).scalar_subquery()
    return select(func.json_group_array(func.json_array(each.c.value, func.json(several))))


def _not_mine() -> ColumnElement[bool]:
    """The bound principal neither holds nor answered a copy, nor left too many."""
    other, holder = RESULT.alias("held"), HOST.alias("keeper")
    left = other.c.outcome.in_([spelled(outcome) for outcome in transitioner.LEFT])
    return ~(
        select(holder.c.principal_id)
        .select_from(other.join(holder, holder.c.id == other.c.host_id))
        .where(
            other.c.workunit_id == RESULT.c.workunit_id,
            holder.c.principal_id == bindparam("principal"),
        )
        .group_by(holder.c.principal_id)
        .having(
            (func.count().filter(~left) > 0)
            | (func.count() >= literal_column(str(LEFT_COPIES_MAX)))
        )
        .correlate(RESULT)
        .exists()
    )


def _first() -> ColumnElement[bool]:
    """The first copy that waits of its work unit: one principal has no use for the second."""
    twin = RESULT.alias("twin")
    return ~(
        select(twin.c.id)
        .where(
            twin.c.workunit_id == RESULT.c.workunit_id,
            twin.c.purpose == RESULT.c.purpose,
            twin.c.id < RESULT.c.id,
            *_waits(twin),
        )
        .correlate(RESULT)
        .exists()
    )


def _fits_standing() -> ColumnElement[bool]:
    """Probation is for newcomers, and a second newcomer beside the first for nobody."""
    other, person = RESULT.alias("beside"), VOLUNTEER.alias("fellow")
    beside = (
        select(other.c.id)
        .select_from(other.join(person, person.c.id == other.c.volunteer_id))
        .where(
            other.c.workunit_id == RESULT.c.workunit_id,
            other.c.purpose == spelled(Purpose.COPY),
            other.c.outcome.in_([spelled(Outcome.INIT), spelled(Outcome.SUCCESS)]),
            person.c.checks2 < literal_column(str(NEWCOMER_CHECKS2)),
        )
        .correlate(RESULT)
        .exists()
    )
    newcomer, lonely = bindparam("newcomer") == 1, bindparam("lonely") == 1
    return ((RESULT.c.purpose != spelled(Purpose.PROBATION)) | newcomer) & (~lonely | ~beside)


def _fits_engine() -> ColumnElement[bool]:
    """Results for another engine are none; a suspect one only gets what may clear it; and while
    kinds of engine are missing behind a work unit, a kind that is there already is of no use."""
    suspect = (
        select(QUARANTINE.c.engine)
        .where(QUARANTINE.c.job_id == RESULT.c.job_id, QUARANTINE.c.engine == bindparam("engine"))
        .correlate(RESULT)
        .exists()
    )
    kept = RESULT.c.purpose.in_([spelled(purpose) for purpose in KEPT_FROM_SUSPECTS])
    mine = func.coalesce(RESULT.c.engine, bindparam("engine")) == bindparam("engine")
    return mine & ~(kept & suspect) & ((RESULT.c.purpose != spelled(Purpose.COPY)) | ~_has_kind())


def _has_kind() -> ColumnElement[bool]:
    """The asking host's kind of engine stands behind a work unit that lacks others."""
    other = RESULT.alias("kin")
    slash = place_of(other.c.engine.concat(literal_column("'/'")), literal_column("'/'"))
    kind = func.substr(other.c.engine, literal_column("1"), slash - literal_column("1"))
    needed = (
        select(number_in(JOB.c.policy, literal_column("'min_engines'")))
        .where(JOB.c.id == RESULT.c.job_id)
        .correlate(RESULT)
        .scalar_subquery()
    )
    return (
        select(other.c.workunit_id)
        .where(
            other.c.workunit_id == RESULT.c.workunit_id,
            other.c.purpose.in_([spelled(Purpose.COPY), spelled(Purpose.TRUSTED)]),
            other.c.outcome.in_([spelled(Outcome.INIT), spelled(Outcome.SUCCESS)]),
            other.c.engine.is_not(None),
        )
        .group_by(other.c.workunit_id)
        .having(
            (func.count(kind.distinct()) < needed)
            & (func.count().filter(kind == bindparam("kind")) > 0)
        )
        .correlate(RESULT)
        .exists()
    )


_ASKING = Prepared(nested(("hosts", _hosts()), ("ready", _ready())))
_READY_COUNT = Prepared(
    select(func.count()).select_from(
        select(RESULT.c.id)
        .where(
            *_waits(RESULT),
            select(JOB.c.id).where(JOB.c.id == RESULT.c.job_id, _sends()).exists(),
        )
        .limit(bindparam("limit"))
        .subquery()
    )
)
_WAITING = Prepared(_waiting())
_WAITING_FOR = Prepared(_waiting(_first(), _not_mine(), _fits_standing(), _fits_engine()))
_UNHEARD = Prepared(
    select(
        func.json_group_array(
            pairs(
                {
                    "result": pairs({name: RESULT.c[name] for name in rows.RESULT_FIELDS}),
                    "first_chunk": UNIT.c.first_chunk,
                    "chunk_count": UNIT.c.chunk_count,
                }
            )
        )
    )
    .select_from(RESULT.outerjoin(UNIT, UNIT.c.id == RESULT.c.workunit_id))
    .where(
        RESULT.c.host_id.in_(given("hosts")),
        RESULT.c.server_state == IN_PROGRESS,
        func.coalesce(UNIT.c.assimilate_state, "") == spelled(AssimilateState.INIT),
        select(JOB.c.id)
        .where(JOB.c.id == RESULT.c.job_id, JOB.c.job_state == spelled(JobState.ACTIVE))
        .exists(),
    )
)

#: Not strict, for SQLite spells false and true 0 and 1.
_asking_decoder = msgspec.json.Decoder(_Asking, strict=False)
_queues_decoder = msgspec.json.Decoder(list[_Queue])
_unheard_decoder = msgspec.json.Decoder(list[Unheard], strict=False)


def asking(
    connection: Connection, host_ids: Collection[int], now: int
) -> tuple[dict[int, Facts], list[Ready]]:
    """Who asks, by host id, and the active jobs of which something waits (result_leases,
    result_principal_leases, job_open, result_waiting)."""
    found = _asking_decoder.decode(_ASKING.scalar(connection, hosts=spelled_ids(host_ids), now=now))
    return {one.host_id: one for one in found.hosts}, found.ready


def waiting(
    connection: Connection, job_ids: Collection[int], limit: int, now: int
) -> dict[int, list[Waiting]]:
    """The best results that wait, `limit` of each of these jobs (result_waiting,
    result_workunit)."""
    text = _WAITING.scalar(connection, jobs=spelled_ids(job_ids), limit=limit, now=now)
    return {one.job_id: one.waiting for one in _queues_decoder.decode(text)}


def waiting_for(
    connection: Connection,
    job_ids: Collection[int],
    limit: int,
    now: int,
    principal_id: int,
    engine: str,
    newcomer: bool,
    lonely: bool,
) -> dict[int, list[Waiting]]:
    """The same, of what this principal may have with this engine: one copy of each work unit,
    probation for a newcomer alone, and nothing beside a newcomer for one that must be the only one
    (`lonely`)."""
    text = _WAITING_FOR.scalar(
        connection,
        jobs=spelled_ids(job_ids),
        limit=limit,
        now=now,
        principal=principal_id,
        engine=engine,
        kind=kind_of(engine),
        newcomer=int(newcomer),
        lonely=int(lonely),
    )
    return {one.job_id: one.waiting for one in _queues_decoder.decode(text)}


def ready_count(connection: Connection, limit: int, now: int) -> int:
    """How many results could be sent now, counted up to `limit` (result_waiting)."""
    return int(_READY_COUNT.scalar(connection, limit=limit, now=now))


def held(connection: Connection, host_ids: Collection[int]) -> list[Unheard]:
    """What these hosts hold of undecided work of active jobs (result_leases)."""
    return _unheard_decoder.decode(_UNHEARD.scalar(connection, hosts=spelled_ids(host_ids)))
