"""This file is where tests run the job types that take a requester's own formula."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from grid.conformance import Cut, computed
from grid.conformance.computing import folded
from grid.conformance.points import unit_of, units_of
from grid.engines import Computation, Engine
from grid.items import Json
from grid.plugins.loader import OWN_FOLDER, Loaded, find, load
from grid.plugins.points import point_range

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


def by_program(engine: Engine, name: str, spec: Json, first: int, count: int) -> Any:
    """What the program alone answers, over no data set."""
    one = loaded(name).job_type
    points = one.points(spec, (), ())
    assert points is not None
    job = Computation(
        program=one.program(spec, ()),
        columns=(),
        chunks=(),
        rows=(),
        points=point_range(points.count, first, count),
        params=one.params(spec, ()),
        time_limit_s=120,
    )
    return json.loads(engine.compute(job))
