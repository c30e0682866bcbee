"""This file is where tests run the job types that take a requester's own formula."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from grid import chunks
from grid.conformance import Cut, computed
from grid.conformance.computing import folded
from grid.conformance.points import unit_of, units_of
from grid.engines import Computation, Engine
from grid.items import Json
from grid.plugins.loader import OWN_FOLDER, Loaded, find, load

NOTHING = Cut(columns=(), chunks=())


@cache
def loaded(name: str) -> Loaded:
    return load(find(OWN_FOLDER / name))


def both(
    engine: Engine, name: str, spec: Json, first: int, count: int, cut: Cut = NOTHING
) -> dict[str, Any]:
    """What program and reference answer for these points, alike to the byte and acceptable."""
    unit = unit_of(loaded(name), spec, cut, first, count)
    return dict(computed(loaded(name), spec, unit, engine))


def rows_of(name: str, spec: Json, size: int, cut: Cut = NOTHING) -> list[list[Json]]:
    """The output's rows, by the reference, from work units of so many points."""
    return folded(loaded(name), spec, cut.columns, list(units_of(loaded(name), spec, cut, size)))


def answer_of(engine: Engine, name: str, spec: Json, unit: Cut) -> bytes:
    """The bytes that the program alone answers for this work unit."""
    one = loaded(name).job_type
    read = [column for column in unit.columns if column.name in one.reads(spec, unit.columns)]
    job = Computation(
        program=one.program(spec, unit.columns),
        columns=tuple(read),
        chunks=tuple(
            tuple(chunks.encode_column(batch.column(each.name), each) for each in read)
            for batch in unit.chunks
        ),
        rows=tuple(batch.num_rows for batch in unit.chunks),
        points=unit.points,
        first_rows=unit.first_rows,
        params=one.params(spec, unit.columns),
        time_limit_s=120,
    )
    return engine.compute(job)


def by_program(engine: Engine, name: str, spec: Json, first: int, count: int) -> Any:
    """The same, read, over no data set."""
    return json.loads(
        answer_of(engine, name, spec, unit_of(loaded(name), spec, NOTHING, first, count))
    )
