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
from sqlalchemy import Connection, Select, func, select

from grid.db import rows
from grid.db.prepared import Prepared
from grid.db.tables import ResultRow, WorkUnitRow, table
from grid.db.texts import given, nested, objects, spelled_ids
from grid.items import Policy, Result, WorkUnit

RESULT, UNIT = table(ResultRow), table(WorkUnitRow)

#: Job ids → their policies.
Policies = Callable[[set[int]], Mapping[int, Policy]]


class _Facts(Struct):
    units: list[rows.UnitFields]
    copies: list[Result]


def _facts_of(units: Select[Any]) -> Select[Any]:
    return nested(
        ("units", select(objects(UNIT, rows.WORKUNIT_FIELDS)).where(UNIT.c.id.in_(units))),
        (
            "copies",
            select(objects(RESULT, rows.RESULT_FIELDS)).where(RESULT.c.workunit_id.in_(units)),
        ),
    )


_FACTS_OF_RESULTS = Prepared(
    _facts_of(select(RESULT.c.workunit_id).where(RESULT.c.id.in_(given("numbers"))))
)
_FACTS_OF_UNITS = Prepared(_facts_of(given("numbers")))
#: Not strict, for SQLite spells false and true 0 and 1.
_facts_decoder = msgspec.json.Decoder(_Facts, strict=False)


def workunits_of(
    connection: Connection, result_ids: Collection[int], policies: Policies
) -> dict[int, WorkUnit]:
    """The work units of these results with all their copies, by id (result_workunit)."""
    text = _FACTS_OF_RESULTS.scalar(connection, numbers=spelled_ids(result_ids))
    return _workunits(_facts_decoder.decode(text), policies)


def workunits(
    connection: Connection, ids: Collection[int], policies: Policies
) -> dict[int, WorkUnit]:
    """Work units with all their copies, by id (result_workunit)."""
    text = _FACTS_OF_UNITS.scalar(connection, numbers=spelled_ids(ids))
    return _workunits(_facts_decoder.decode(text), policies)


_OUTPUTS = Prepared(
    select(func.json_group_array(func.json_array(RESULT.c.id, RESULT.c.output))).where(
        RESULT.c.id.in_(given("numbers")), RESULT.c.output.is_not(None)
    )
)


def outputs(connection: Connection, result_ids: Collection[int]) -> dict[int, str]:
    """The outputs that are still kept of these results, by id (primary key)."""
    text = _OUTPUTS.scalar(connection, numbers=spelled_ids(result_ids))
    return dict(msgspec.json.decode(text, type=list[tuple[int, str]]))


def _workunits(facts: _Facts, policies: Policies) -> dict[int, WorkUnit]:
    copies: dict[int, list[Result]] = {unit.id: [] for unit in facts.units}
    for result in sorted(facts.copies, key=lambda one: one.id):
        copies[result.workunit_id].append(result)
    known = policies({unit.job_id for unit in facts.units})
    return {
        unit.id: rows.workunit(unit, known[unit.job_id], copies[unit.id]) for unit in facts.units
    }
