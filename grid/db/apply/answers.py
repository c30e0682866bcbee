"""This file is where it is read whose the results are that a batch judges or grants credit for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Select, false, func, select

from grid.db.prepared import Prepared
from grid.db.tables import HostRow, JobRow, ResultRow, VolunteerRow, WorkUnitRow, table
from grid.db.texts import given, pairs, spelled_ids

HOST, PEOPLE = table(HostRow), table(VolunteerRow)
RESULT, UNIT, JOB = table(ResultRow), table(WorkUnitRow), table(JobRow)


class Answer(Struct):
    """A host's result, and whose buckets and sums it changes."""

    id: int
    job_id: int
    host_id: int
    principal_id: int
    volunteer_id: int
    team_id: int | None
    received_at: int | None
    #: What a right answer is worth.
    worth: int
    #: Whether it is the requester's own.
    own: bool
    #: Whether its job's seal has opened.
    opened: bool


def answers(connection: Connection, result_ids: Collection[int]) -> list[Answer]:
    """Those of these results that were sent to a host (primary key)."""
    if not result_ids:
        return []
    return _decoder.decode(_ANSWERS.scalar(connection, results=spelled_ids(result_ids)))


def _answers() -> Select[tuple[str]]:
    fields: dict[str, ColumnElement[Any]] = {
        "id": RESULT.c.id,
        "job_id": RESULT.c.job_id,
        "host_id": HOST.c.id,
        "principal_id": RESULT.c.principal_id,
        "volunteer_id": PEOPLE.c.id,
        "team_id": PEOPLE.c.team_id,
        "received_at": RESULT.c.received_at,
        "worth": UNIT.c.credit,
        "own": func.coalesce(PEOPLE.c.account_id == JOB.c.account_id, false()),
        "opened": JOB.c.seal_opened_at.is_not(None),
    }
    found = (
        RESULT.join(HOST, HOST.c.id == RESULT.c.host_id)
        .join(PEOPLE, PEOPLE.c.id == HOST.c.volunteer_id)
        .join(UNIT, UNIT.c.id == RESULT.c.workunit_id)
        .join(JOB, JOB.c.id == RESULT.c.job_id)
    )
    return (
        select(func.json_group_array(pairs(fields)))
        .select_from(found)
        .where(RESULT.c.id.in_(given("results")))
    )


_ANSWERS = Prepared(_answers())
#: Not strict, for SQLite spells false and true 0 and 1.
_decoder = msgspec.json.Decoder(list[Answer], strict=False)
