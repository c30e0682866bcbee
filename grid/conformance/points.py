"""This file is where job types that count points are held to the contract.

An example of such a job type says in `workunit_points` how its points are cut, and has a `table`
and `chunk_rows` only if its jobs are over a data set.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st

from grid.conformance.answers import check_answers, check_cost, check_honest
from grid.conformance.computing import Faulty, checked_spec, computed, folded
from grid.conformance.tables import Cut, cut_up, random_tables, table_of
from grid.engines import Engine
from grid.items import Json
from grid.jobspec import CheckedSpec
from grid.plugins.contract import Points
from grid.plugins.loader import Loaded
from grid.plugins.points import point_range

#: Work units of one example that are looked at in every way; all of them are merged.
UNITS_TRIED = 4
#: An example of more work units than this is not merged from them: its references take minutes.
UNITS_MERGED_MAX = 1000


def counts_points(loaded: Loaded, example: Mapping[str, Json]) -> bool:
    """Whether this example's job counts points."""
    cut = example_cut(example)
    rows = [batch.num_rows for batch in cut.chunks]
    return loaded.job_type.points(example["spec"], cut.columns, rows) is not None


def check_points(loaded: Loaded, example: Mapping[str, Json], engine: Engine | None) -> bool:
    """The example gives the output it states, for any cut into work units.

    Returns whether `verify` proved an output right.
    """
    spec, cut = example["spec"], example_cut(example)
    checked, points = _checked(loaded, spec, cut)
    if checked.program != checked_spec(loaded, spec, cut).program:
        raise Faulty("the program is another one each time it is made")
    proved = False
    most = min(points.count, points.per_workunit_max)
    for size in sorted({1, example["workunit_points"], most}):
        units = (
            list(units_of(loaded, spec, cut, size))
            if points.count <= size * UNITS_MERGED_MAX
            else []
        )
        for _, unit in units[:: max(1, len(units) // UNITS_TRIED)]:
            check_cost(loaded, spec, unit)
            output = computed(loaded, spec, unit, engine, checked)
            proved |= check_answers(loaded, spec, unit, output)
        found = folded(loaded, spec, cut.columns, units) if units else example["output"]
        if found != example["output"]:
            raise Faulty(f"the example's output is {example['output']}, not {found}")
    return proved


def check_ranges(
    loaded: Loaded,
    example: Mapping[str, Json],
    engine: Engine | None,
    *,
    ranges: int,
    rows: int,
    seed: int | None = None,
) -> None:
    """Program and reference agree on any range of points that a work unit may have, over any table
    of the example's columns if there is one."""
    spec, own = example["spec"], example_cut(example)
    known = {own.columns: _checked(loaded, example["spec"], own)[0]}

    @settings(
        max_examples=ranges,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def holds(data: st.DataObject) -> None:
        cut = data.draw(_cuts(example, rows)) if "table" in example else own
        points = loaded.job_type.points(spec, cut.columns, [one.num_rows for one in cut.chunks])
        assert points is not None, "only of jobs that count points"
        if not points.count:
            return
        if cut.columns not in known:
            known[cut.columns] = checked_spec(loaded, spec, cut)
        first = data.draw(st.integers(0, points.count - 1))
        most = min(example["workunit_points"], points.count - first)
        unit = unit_of(loaded, spec, cut, first, data.draw(st.integers(1, most)))
        output = computed(loaded, spec, unit, engine, known[cut.columns])
        check_honest(loaded, spec, unit, output)

    (holds if seed is None else seeded(seed)(holds))()


def _cuts(example: Mapping[str, Json], rows: int) -> st.SearchStrategy[Cut]:
    base = table_of(example["table"])
    tables = random_tables(base.names, base.types, rows)
    return st.builds(
        lambda table, chunk_rows, wide: cut_up(table, chunk_rows, wide=wide),
        tables,
        st.integers(1, rows),
        st.booleans(),
    )


def units_of(loaded: Loaded, spec: Json, cut: Cut, size: int) -> Iterator[tuple[int, Cut]]:
    """Every work unit of so many points, with its first point."""
    rows = [batch.num_rows for batch in cut.chunks]
    points = loaded.job_type.points(spec, cut.columns, rows)
    assert points is not None, "only of jobs that count points"
    for first in range(0, points.count, size):
        yield first, unit_of(loaded, spec, cut, first, min(size, points.count - first))


def unit_of(loaded: Loaded, spec: Json, cut: Cut, first: int, count: int) -> Cut:
    """What the work unit of these points gets of the data set."""
    rows = [batch.num_rows for batch in cut.chunks]
    points = loaded.job_type.points(spec, cut.columns, rows)
    assert points is not None, "only of jobs that count points"
    needed: tuple[int, ...] = ()
    if rows:
        needed = tuple(loaded.job_type.chunks_needed(spec, cut.columns, rows, first, count))
    if not set(needed) <= set(range(len(rows))) or len(set(needed)) < len(needed):
        raise Faulty(f"chunks_needed: {needed} of {len(rows)} chunks")
    return Cut(
        columns=cut.columns,
        chunks=tuple(cut.chunks[chunk] for chunk in needed),
        points=point_range(points.count, first, count),
        first_rows=tuple(sum(rows[:chunk]) for chunk in needed),
    )


def example_cut(example: Mapping[str, Json], *, wide: bool = False) -> Cut:
    """The example's table as a data set, if it has one."""
    if "table" not in example:
        return Cut(columns=(), chunks=())
    return cut_up(table_of(example["table"]), example["chunk_rows"], wide=wide)


def _checked(loaded: Loaded, spec: Json, cut: Cut) -> tuple[CheckedSpec, Points]:
    checked = checked_spec(loaded, spec, cut)
    if checked.points is None or checked.points.count < 1:
        raise Faulty(f"an example counts points, not {checked.points}")
    return checked, checked.points
