"""This file is where pairwise is held against DuckDB's joins and against its own program."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from computing_types import answer_of, both, loaded, rows_of
from evaluating import COMPUTED
from hypothesis import given
from hypothesis import strategies as st

from grid import jobspec
from grid.codegen.checker import check
from grid.codegen.failures import RowsFailed
from grid.conformance import Cut, Table, cut_up
from grid.conformance.points import unit_of
from grid.engines.deno import DenoEngine
from grid.items import LogicalType
from grid.jobspec import SpecRefused
from grid.plugins.contract import OutputError, Part

JOB_TYPE = loaded("pairwise").job_type
TILES = __import__("sys").modules[f"{type(JOB_TYPE).__module__}.tiles"]
ROWS = 300
NAMES = ("n", "x", "t", "f")
TYPES = (LogicalType.INT64, LogicalType.DOUBLE, LogicalType.TEXT, LogicalType.BOOLEAN)
SQL = {"n": pa.int64(), "x": pa.float64(), "t": pa.utf8(), "f": pa.bool_()}


def table(rows: int = ROWS) -> Table:
    """Names of few letters, numbers that often are equal, and NULLs."""
    draw = random.Random(rows)
    values: list[tuple[Any, ...]] = [
        tuple(draw.choice([None, *range(40)]) for _ in range(rows)),
        tuple(draw.choice([None, 0.5, -1.25, 1e9]) for _ in range(rows)),
        tuple("".join(draw.choices("anno\u00e9", k=draw.randint(0, 6))) for _ in range(rows)),
        tuple(draw.choice([None, True, False, False]) for _ in range(rows)),
    ]
    return Table(names=NAMES, types=TYPES, values=tuple(values))


TABLE = table()
CUT = cut_up(TABLE, 70)


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        columns = [
            pa.array(column, SQL[name]) for name, column in zip(NAMES, TABLE.values, strict=True)
        ]
        given = pa.table([*columns, pa.array(range(ROWS))], names=[*NAMES, "i"])
        connection.register("given", given)
        connection.execute("CREATE TABLE data AS SELECT * FROM given")
        yield connection


def joined(database: duckdb.DuckDBPyConnection, spec: dict[str, Any], rest: str) -> list[list[Any]]:
    """The pairs by a join, with `rest` behind it."""
    where = f"({spec.get('where', 'TRUE')})"
    on = "a.i < b.i"
    if "split" in spec:
        on = f"(a.{spec['split']}) AND NOT (b.{spec['split']})"
    query = f"SELECT a.i, b.i, {spec['value']} AS v FROM data a JOIN data b ON {on} WHERE {where}"
    return [list(row) for row in database.execute(f"{query} {rest}").fetchall()]


@pytest.mark.parametrize(
    "spec",
    [
        {"value": "a.n - b.n", "where": "a.n + b.n = 40"},
        {"value": "levenshtein(a.t, b.t)", "where": "a.n = b.n AND levenshtein(a.t, b.t) <= 1"},
        {"value": "a.n * b.n", "where": "lower(a.t) = b.t", "split": "f"},
        {"value": "a.x", "where": "b.n = 7 AND a.n < 3"},
    ],
)
def test_the_pairs_are_those_of_a_join(
    database: duckdb.DuckDBPyConnection, spec: dict[str, Any]
) -> None:
    found = rows_of("pairwise", {**spec, "pairs": True}, 2, CUT)
    assert len(found) > 20
    assert sorted(found) == joined(database, spec, "ORDER BY a.i, b.i")


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("split", [{}, {"split": "f"}])
def test_the_best_pairs_are_those_of_a_join(
    database: duckdb.DuckDBPyConnection, split: dict[str, Any], size: int
) -> None:
    spec = {"value": "a.n + 2 * b.n", "where": "a.x < 1", **split}
    asked = {**spec, "best": "argmax", "top": 30}
    best = joined(database, spec, "AND v IS NOT NULL ORDER BY v DESC, a.i, b.i LIMIT 30")
    assert rows_of("pairwise", asked, size, CUT) == best


@pytest.mark.parametrize("split", [{}, {"split": "f"}])
def test_the_best_of_each_row_is_that_of_a_join(
    database: duckdb.DuckDBPyConnection, split: dict[str, Any]
) -> None:
    spec = {"value": "abs(a.n - b.n) + a.x", **split}
    pairs = [pair for pair in joined(database, spec, "") if pair[2] is not None]
    turned = [] if split else [[b, a, value] for a, b, value in pairs]
    best: dict[int, list[Any]] = {}
    for pair in sorted([*pairs, *turned], key=lambda pair: (pair[2], pair[1])):
        best.setdefault(pair[0], pair)
    expected = [best[row] for row in sorted(best)]
    assert rows_of("pairwise", {**spec, "each": "argmin"}, 1, CUT) == expected


def test_all_values_are_those_of_a_join(database: duckdb.DuckDBPyConnection) -> None:
    spec = {"value": "jaro_winkler_similarity(a.t, b.t)", "where": "a.f AND b.f"}
    found = rows_of("pairwise", {**spec, "all": True}, 3, CUT)
    assert sorted(found) == joined(database, spec, "ORDER BY a.i, b.i")


MODES: tuple[dict[str, Any], ...] = (
    {"pairs": True, "where": "a.t > b.t AND levenshtein(a.t, b.t) < 3"},
    {"best": "argmin", "top": 7},
    {"each": "argmax"},
    {"all": True, "where": "a.n % 5 = 1"},
)
VALUES = (
    "a.n - b.n", "a.x * b.n", "levenshtein(upper(a.t), b.t)", "a.n * b.n * 9007199254740993",
    "jaro_winkler_similarity(a.t, b.t)", "CASE WHEN a.f = b.f THEN a.n END",
    "CAST(b.t AS BIGINT) + a.n", "length(a.t || b.t)",
)  # fmt: skip


@COMPUTED
@given(
    mode=st.sampled_from(MODES),
    value=st.sampled_from(VALUES),
    split=st.booleans(),
    wide=st.booleans(),
    chunk_rows=st.sampled_from([1, 7, 24]),
    data=st.data(),
)
def test_program_and_reference_agree_on_any_points(
    engine: DenoEngine,
    mode: dict[str, Any],
    value: str,
    split: bool,
    wide: bool,
    chunk_rows: int,
    data: st.DataObject,
) -> None:
    cut = cut_up(table(24), chunk_rows, wide=wide)
    spec = {"value": value, **mode, **({"split": "f"} if split else {})}
    points = JOB_TYPE.points(spec, cut.columns, [batch.num_rows for batch in cut.chunks])
    assert points is not None
    first = data.draw(st.integers(0, points.count - 1))
    count = data.draw(st.integers(1, min(points.count - first, points.per_workunit_max)))
    both(engine, "pairwise", spec, first, count, cut)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("split", [{}, {"split": "f"}])
def test_program_and_reference_agree_across_tiles(
    engine: DenoEngine, mode: dict[str, Any], split: dict[str, str]
) -> None:
    spec = {"value": "a.n * b.x", **mode, **split}
    points = JOB_TYPE.points(spec, CUT.columns, [batch.num_rows for batch in CUT.chunks])
    assert points is not None
    for first in {0, max(0, points.count - 2)}:
        both(engine, "pairwise", spec, first, min(2, points.count), CUT)
    if "each" in mode:
        both(engine, "pairwise", spec, 1, 1, cut_up(table(790), 100))


@given(st.integers(1, 60), st.booleans())
def test_every_two_tiles_are_one_point(tiles: int, crossed: bool) -> None:
    count = TILES.count(tiles, 1, crossed)
    found = [TILES.tiles(point, crossed) for point in range(count)]
    every = set(itertools.product(range(tiles), repeat=2))
    assert len(set(found)) == len(found)
    assert set(found) == {pair for pair in every if crossed or pair[0] <= pair[1]}


@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=9), st.integers(1, 20), st.booleans(),
    st.data(),
)  # fmt: skip
def test_the_chunks_needed_are_those_with_rows_of_the_tiles(
    rows: list[int], tile: int, crossed: bool, data: st.DataObject
) -> None:
    count = TILES.count(sum(rows), tile, crossed)
    first = data.draw(st.integers(0, count - 1))
    points = range(first, data.draw(st.integers(first + 1, count)))
    tiles = {number for point in points for number in TILES.tiles(point, crossed)}
    owners = [chunk for chunk, size in enumerate(rows) for _ in range(size)]
    needed = {owner for row, owner in enumerate(owners) if row // tile in tiles}
    assert TILES.chunks(rows, tile, points, crossed) == sorted(needed)


@pytest.mark.parametrize(
    ("change", "pointer", "said"),
    [
        ({"value": "n"}, "/value", "say a.n or b.n"),
        ({"value": "c.n"}, "/value", "say a.n or b.n"),
        ({"value": "a.m"}, "/value", "there is no column 'm'"),
        ({"value": "a.t"}, "/value", "a number is needed"),
        ({"value": "1"}, "/value", "the same for all pairs"),
        ({"where": "a.n"}, "/where", "needs a condition"),
        ({"where": "1 = 1"}, "/where", "the same for all pairs"),
        ({"split": "CAST(t AS BIGINT) > 0"}, "/split", "TRY_CAST"),
        ({"split": "a.f"}, "/split", "names no column here"),
        ({"all": True}, "/all", "only one of"),
        ({"best": None, "pairs": True}, "/where", ""),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_place(
    change: dict[str, Any], pointer: str, said: str
) -> None:
    spec = {"value": "a.n - b.n", "best": "argmin", **change}
    spec = {key: value for key, value in spec.items() if value is not None}
    rows = [batch.num_rows for batch in CUT.chunks]
    with pytest.raises(SpecRefused) as refused:
        jobspec.check(spec, loaded("pairwise").spec_schema, JOB_TYPE, CUT.columns, rows)
    error = refused.value.errors[0]
    assert said in error.message
    assert error.pointer == pointer or not said


@pytest.mark.parametrize(
    "spec",
    [
        {"pairs": True, "where": "a.n IS NULL OR a.n IS NOT NULL"},
        {"best": "argmin", "top": 1000},
        {"each": "argmin", "value": "a.n - b.n + 1000000000000000000"},
        {"all": True},
    ],
)
def test_no_answer_is_larger_than_a_report_may_be(engine: DenoEngine, spec: dict[str, Any]) -> None:
    rows = 1_600 if "each" in spec else 80
    cut = cut_up(table(rows), 900)
    spec = {"value": "CAST(a.n AS DECIMAL(38,2)) + 1" + "0" * 34, "on_error": "null", **spec}
    points = JOB_TYPE.points(spec, cut.columns, [batch.num_rows for batch in cut.chunks])
    assert points is not None
    count = min(points.per_workunit_max, points.count)
    unit = unit_of(loaded("pairwise"), spec, cut, min(1, points.count - count), count)
    assert 20_000 < len(answer_of(engine, "pairwise", spec, unit)) < 64 * 1024


@pytest.mark.parametrize(("mode", "most"), [("each", 50_000), ("all", 2_000)])
def test_a_table_too_large_to_tell_of_is_refused(mode: str, most: int) -> None:
    spec = {"value": "a.n - b.n", mode: "argmin" if mode == "each" else True}
    assert JOB_TYPE.points(spec, CUT.columns, [most])
    with pytest.raises(jobspec.SpecError, match="rows at most"):
        JOB_TYPE.points(spec, CUT.columns, [most, 1])


def part(spec: dict[str, Any], output: Any, cut: Cut) -> Part:
    return Part(
        ordinal=0, first_chunk=3, rows=(2,), output=output, source=lambda names: iter(())
    )  # fmt: skip


def test_a_pair_that_fails_is_named(engine: DenoEngine) -> None:
    spec = {"value": "CAST(a.t AS BIGINT)", "where": "b.n = 3", "best": "argmin"}
    output = both(engine, "pairwise", spec, 0, 1, CUT)
    row, other = output["failed"]["chunk"], output["failed"]["row"]
    with pytest.raises(RowsFailed, match=f"rows {row} and {other}: no integer for this text"):
        JOB_TYPE.merge(
            spec, CUT.columns, JOB_TYPE.merge_start(spec, CUT.columns), part(spec, output, CUT)
        )


def test_more_pairs_than_can_be_listed_fail_the_job_by_name(engine: DenoEngine) -> None:
    spec = {"value": "a.n", "where": "a.f IS NULL OR b.n IS NULL OR TRUE", "pairs": True}
    output = both(engine, "pairwise", spec, 0, 6, CUT)
    assert (output["selected"], len(output["found"])) == (ROWS * (ROWS - 1) // 2, 1_000)
    with pytest.raises(RowsFailed, match="points 3 to 4: 44,850 pairs, and 1,000 can be listed"):
        JOB_TYPE.merge(
            spec, CUT.columns, JOB_TYPE.merge_start(spec, CUT.columns), part(spec, output, CUT)
        )


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("best", [[0, 0, "1"]]),
        ("best", [[1, 0, "1"]]),
        ("best", [[0, 1, None]]),
        ("best", [[0, 1, "1"], [0, 2, "1"]]),
        ("each", [[1, 0, "1"], [0, 1, "1"]]),
        ("each", [[0, 1, "7ff8000000000000"]]),
    ],
)
def test_what_no_pairs_can_give_is_refused(mode: str, found: list[Any]) -> None:
    spec = {"value": "a.n - b.n", mode: "argmin"}
    counts = {"selected": 5, "nulls": 0, "nans": 0, "failed": None}
    JOB_TYPE.check_output(spec, [1], {**counts, "found": [[0, 1, "1"]]})
    with pytest.raises(OutputError):
        JOB_TYPE.check_output(spec, [1], {**counts, "found": found})


def test_no_text_of_a_spec_is_program_text() -> None:
    def program(text: str) -> str:
        spelled = "'" + text.replace("'", "''") + "'"
        spec = {
            "value": f"levenshtein(a.t, b.t || {spelled})",
            "where": f"a.t <> {spelled} AND starts_with(b.t, {spelled})",
            "split": f"t = {spelled}",
            "best": "argmin",
        }
        return JOB_TYPE.program(spec, CUT.columns)

    tame = program("x")
    check(tame)
    for text in ("'+fetch(1)+'", "</script>", "\\", "\u2028", "`${a}`", "__proto__"):
        assert program(text) == tame
