"""This file is where measured speeds are read and kept."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, case, func, literal_column, select

from grid import speeds
from grid.db import apply as writes
from grid.db.crowd import ONLINE_S
from grid.db.dialects import number_in
from grid.db.tables import (
    DataSetRow,
    HostRow,
    JobRow,
    JobTypeSpeedRow,
    ResultRow,
    WorkUnitRow,
    spelled,
    table,
)
from grid.db.transaction import Transaction
from grid.speeds import Sample
from grid.states import ValidateState

#: Results that are looked at, from the newest on, and those of them that are measured: a minute's
#: worth of a busy server.
LOOKED_MAX = 20_000
SAMPLES_MAX = 4_000
#: Scores that make the median of a newcomer's comparison.
SCORES_MAX = 1_000


def samples(connection: Connection) -> list[Sample]:
    """The newest right answers that say how long they took (primary key)."""
    result, unit, job, data = (table(one) for one in (ResultRow, WorkUnitRow, JobRow, DataSetRow))
    newest = select(func.max(result.c.id)).scalar_subquery()
    found = connection.execute(
        select(
            job.c.job_type,
            result.c.host_id,
            result.c.principal_id,
            # Points of one job type differ between jobs: what is declared of them counts instead.
            case(
                (job.c.point_count.is_(None), unit.c.chunk_count * data.c.chunk_rows),
                else_=job.c.unit_cost,
            ).label("rows"),
            result.c.elapsed_ms,
            ((result.c.received_at - result.c.sent_at + 1) * 1000).label("turnaround_ms"),
        )
        .select_from(
            result.join(unit, unit.c.id == result.c.workunit_id)
            .join(job, job.c.id == result.c.job_id)
            .outerjoin(data, data.c.id == job.c.dataset_id)
        )
        .where(
            result.c.id > newest - literal_column(str(LOOKED_MAX)),
            result.c.validate_state == spelled(ValidateState.VALID),
            result.c.elapsed_ms.is_not(None),
            result.c.host_id.is_not(None),
        )
        .order_by(result.c.id.desc())
        .limit(SAMPLES_MAX)
    )
    return [msgspec.convert(dict(row._mapping), Sample) for row in found]


def keep(transaction: Transaction, row_ns: Mapping[str, int], hosts: Mapping[int, int]) -> None:
    """Keep what was measured: nanoseconds a row by job type, thousandths of the usual speed by
    host."""
    rows = [
        JobTypeSpeedRow(job_type=name, row_ns=ns, measured_at=transaction.now)
        for name, ns in row_ns.items()
    ]
    writes.set_speeds(transaction.connection, rows, hosts)


def row_ns(connection: Connection, job_type: str) -> int | None:
    """What a row of this job type takes a host of the usual speed, or, where it counts points, a
    unit of declared cost; None when nobody knows."""
    rows = table(JobTypeSpeedRow)
    return connection.scalar(select(rows.c.row_ns).where(rows.c.job_type == job_type))


def known(connection: Connection) -> dict[str, int]:
    """Nanoseconds a row by job type."""
    rows = table(JobTypeSpeedRow)
    return {row.job_type: row.row_ns for row in connection.execute(select(rows))}


def first_speed(connection: Connection, score: int | None, now: int) -> int:
    """The speed of a host that enrols, by its score beside those of the hosts that are here."""
    hosts = table(HostRow)
    if not score:
        return speeds.by_score(None, ())
    scores = number_in(hosts.c.capabilities, literal_column("'score'"))
    found = connection.scalars(
        select(scores)
        .where(hosts.c.last_seen_at > now - ONLINE_S, scores.is_not(None))
        .limit(SCORES_MAX)
    )
    return speeds.by_score(score, [int(one) for one in found])
