"""This file is where bootstrap is held against the standard library, theory and its own program."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from computing_types import both, loaded, rows_of
from evaluating import COMPUTED
from hypothesis import given
from hypothesis import strategies as st

from grid import jobspec
from grid.codegen.checker import check
from grid.codegen.failures import RowsFailed
from grid.codegen.reference import streams
from grid.conformance import Cut, Table, cut_up, random_tables
from grid.engines.deno import DenoEngine
from grid.items import LogicalType
from grid.jobspec import SpecRefused
from grid.plugins.contract import OutputError, Part

JOB_TYPE = loaded("bootstrap").job_type
NAMES = ("x", "y", "g", "t")
TYPES = (LogicalType.DOUBLE, LogicalType.DOUBLE, LogicalType.BOOLEAN, LogicalType.TEXT)
ONE: tuple[dict[str, Any], ...] = (
    *({"statistic": name, "of": "x"} for name in ("mean", "sum", "median", "stddev")),
    {"statistic": "quantile", "of": "x", "share": 0.3},
    {"statistic": "ratio", "of": "x", "by": "y"},
    {"statistic": "correlation", "of": "x", "by": "y"},
    {"statistic": "difference", "of": "x", "group": "g"},
)


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def data(*columns: list[Any]) -> Cut:
    """A data set of these columns, the others of NULLs, in chunks of seven rows."""
    rows = len(columns[0])
    values = [tuple(column) for column in columns]
    values += [(None,) * rows] * (len(NAMES) - len(values))
    return cut_up(Table(names=NAMES, types=TYPES, values=tuple(values)), 7)


def told(spec: dict[str, Any], cut: Cut, size: int = 10_000) -> dict[str, Any]:
    return {str(name): value for name, value in rows_of("bootstrap", spec, size, cut)}


@COMPUTED
@given(
    spec=st.sampled_from(ONE),
    table=random_tables(NAMES, TYPES, 12),
    of=st.sampled_from(["x", "x * y", "CAST(t AS DOUBLE)", "length(t) - 1", "g"]),
    where=st.sampled_from([None, "g", "x > 0 OR y IS NULL", "CAST(t AS BIGINT) > 3"]),
    first=st.integers(0, 90),
    count=st.integers(1, 9),
)
def test_program_and_reference_agree_on_any_replicates(
    engine: DenoEngine,
    spec: dict[str, Any],
    table: Table,
    of: str,
    where: str | None,
    first: int,
    count: int,
) -> None:
    asked = {**spec, "of": of, "replicates": 100, "seed": first}
    asked |= {} if where is None else {"where": where}
    both(engine, "bootstrap", asked, first, count, cut_up(table, 5))


@pytest.mark.parametrize("by", ["0", "y - y", "NULLIF(y, y)"])
def test_a_ratio_to_nothing_is_no_value_and_no_failure(engine: DenoEngine, by: str) -> None:
    asked = {"statistic": "ratio", "of": "x", "by": by, "replicates": 100}
    cut = data([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    both(engine, "bootstrap", asked, 0, 3, cut)
    assert told(asked, cut)["observed"] is None


FINITE = st.floats(-1e9, 1e9).map(lambda x: x + 0.0)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=2, max_size=20))
def test_what_is_observed_is_what_the_standard_library_says(
    pairs: list[tuple[float, float]],
) -> None:
    xs, ys = map(list, zip(*pairs, strict=True))
    cut = data(xs, ys)
    known = {
        "mean": math.fsum(xs) / len(xs),
        "sum": math.fsum(xs),
        "median": statistics.median(xs),
        "stddev": statistics.stdev(xs),
    }
    for name, value in known.items():
        observed = told({"statistic": name, "of": "x", "replicates": 1}, cut)["observed"]
        assert math.isclose(observed, value, rel_tol=1e-15, abs_tol=1e-300), name
    if len(set(xs)) > 1 and len(set(ys)) > 1 and statistics.stdev(xs) * statistics.stdev(ys) > 1e-3:
        spec = {"statistic": "correlation", "of": "x", "by": "y", "replicates": 1}
        observed = told(spec, cut)["observed"]
        assert math.isclose(observed, statistics.correlation(xs, ys), abs_tol=1e-6)


def test_the_intervals_of_a_mean_are_as_wide_as_theory_says() -> None:
    draw = random.Random(1)
    xs = [draw.gauss(10, 3) for _ in range(100)]
    found = told({"statistic": "mean", "of": "x", "replicates": 1000}, data(xs))
    error = statistics.pstdev(xs) / math.sqrt(100)
    assert math.isclose(found["standard error"], error, rel_tol=0.08)
    assert found["observed"] == statistics.mean(xs)
    for kind in ("percentile", "basic"):
        width = found[f"{kind} high"] - found[f"{kind} low"]
        assert math.isclose(width, 2 * 1.96 * error, rel_tol=0.15)
    mirrored = 2 * found["observed"] - found["percentile high"]
    assert found["basic low"] == mirrored


def test_the_test_finds_the_share_of_all_arrangements() -> None:
    xs, members = (
        [1.0, 2.5, 3.0, 4.0, 6.0, 7.0, 9.5],
        [True, False, True, True, False, False, False],
    )
    gap = statistics.fmean(xs[at] for at in (0, 2, 3)) - statistics.fmean(
        xs[at] for at in (1, 4, 5, 6)
    )
    gaps = []
    for group in itertools.combinations(range(7), 3):
        rest = [x for at, x in enumerate(xs) if at not in group]
        gaps.append(statistics.fmean(xs[at] for at in group) - statistics.fmean(rest))
    spec = {"statistic": "difference", "of": "x", "group": "g", "replicates": 4000}
    found = told(spec, data(xs, [0.0] * 7, members))
    assert math.isclose(found["observed"], gap)
    for name, share in (
        ("p two-sided", sum(abs(one) >= abs(gap) - 1e-9 for one in gaps) / len(gaps)),
        ("p greater", sum(one >= gap - 1e-9 for one in gaps) / len(gaps)),
        ("p less", sum(one <= gap + 1e-9 for one in gaps) / len(gaps)),
    ):
        assert abs(found[name] - share) < 5 * math.sqrt(share * (1 - share) / 4000) + 1e-3, name


def test_every_row_is_drawn_as_often_as_any_other() -> None:
    """Chi-square of 19 and of 9 degrees of freedom stay below 50 and 35."""
    keys = [streams.stream(3, number) for number in range(500)]
    drawn = Counter(place for key in keys for place in streams.resample(key, 20, 20))
    assert sum((drawn[place] - 500) ** 2 / 500 for place in range(20)) < 50
    chosen = Counter(place for key in keys for place in streams.shuffle(key, 10, 4))
    assert sum((chosen[place] - 200) ** 2 / 200 for place in range(10)) < 35
    assert all(len(set(streams.shuffle(key, 10, 10))) == 10 for key in keys)


@pytest.mark.parametrize("spec", ONE)
def test_the_output_does_not_depend_on_the_cut(spec: dict[str, Any]) -> None:
    cut = data(
        [1.0, 2.0, 8.5, None, 3.0], [2.0, 1.0, 4.0, 2.0, None], [True, False, True, False, True]
    )
    asked = {**spec, "replicates": 20}
    assert rows_of("bootstrap", asked, 1, cut) == rows_of("bootstrap", asked, 21, cut)


@pytest.mark.parametrize("xs", [[], [None, math.nan], [math.inf]])
@pytest.mark.parametrize("spec", ONE)
def test_a_table_without_values_has_no_statistic(spec: dict[str, Any], xs: list[Any]) -> None:
    found = told({**spec, "replicates": 5}, data(xs, [1.0] * len(xs), [True] * len(xs)))
    assert (found["rows"], found["replicates"], found["observed"]) == (0.0, 0.0, None)
    assert found["rows without a value"] == len(xs)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"of": "t"}, "/of"),
        ({"of": "1"}, "/of"),
        ({"of": "z"}, "/of"),
        ({"by": "y"}, "/by"),
        ({"group": "g"}, "/group"),
        ({"statistic": "ratio"}, "/by"),
        ({"statistic": "quantile"}, "/share"),
        ({"statistic": "difference", "group": "x"}, "/group"),
        ({"where": "x"}, "/where"),
        ({"replicates": 0}, "/replicates"),
        ({"confidence": 1}, "/confidence"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_its_place(change: dict[str, Any], pointer: str) -> None:
    cut = data([1.0])
    spec = {"statistic": "mean", "of": "x", **change}
    with pytest.raises(SpecRefused) as refused:
        jobspec.check(spec, loaded("bootstrap").spec_schema, JOB_TYPE, cut.columns, [1])
    assert refused.value.errors[0].pointer == pointer


def test_a_table_that_no_host_can_hold_is_refused() -> None:
    spec, columns = {"statistic": "mean", "of": "x"}, data([1.0]).columns
    assert JOB_TYPE.points(spec, columns, [10**6])
    with pytest.raises(jobspec.SpecError, match="rows at most"):
        JOB_TYPE.points(spec, columns, [10**6, 1])


def test_a_row_that_fails_is_named(engine: DenoEngine) -> None:
    cut = data([float(x) for x in range(9)], [0.0] * 9, [True] * 9, [*"12345678", "nine"])
    spec = {"statistic": "mean", "of": "CAST(t AS DOUBLE)", "replicates": 9}
    output = both(engine, "bootstrap", spec, 2, 3, cut)
    assert output["failed"] == {"rows": 1, "chunk": 1, "row": 1, "site": 1}
    part = Part(
        ordinal=0, first_chunk=2, rows=(3, 7, 2), output=output, source=lambda names: iter(())
    )  # fmt: skip
    start = JOB_TYPE.merge_start(spec, cut.columns)
    with pytest.raises(RowsFailed, match="chunk 1, row 2 of it: no double for this text"):
        JOB_TYPE.merge(spec, cut.columns, start, part)
    forgiving = {**spec, "on_error": "null"}
    assert told(forgiving, cut)["rows without a value"] == 1


@pytest.mark.parametrize(
    "lie", [{"used": 8}, {"missing": 9}, {"values": []}, {"values": ["7ff8000000000001"] * 3}]
)
def test_what_no_replicates_can_give_is_refused(engine: DenoEngine, lie: dict[str, Any]) -> None:
    cut = data([1.0, 2.0, 3.0])
    spec = {"statistic": "mean", "of": "x", "replicates": 9}
    output = both(engine, "bootstrap", spec, 2, 3, cut)
    with pytest.raises(OutputError):
        JOB_TYPE.check_output(spec, [3, 3], {**output, **lie})


def test_no_value_of_a_spec_is_program_text() -> None:
    def program(text: str, number: float) -> str:
        spelled = "'" + text.replace("'", "''") + "'"
        spec = {
            "statistic": "quantile",
            "share": number,
            "of": f"x + {number}",
            "seed": int(9 * number),
        }
        return JOB_TYPE.program({**spec, "where": f"t <> {spelled}"}, data([1.0]).columns)

    tame = program("x", 0.5)
    check(tame)
    texts = ("'+fetch(1)+'", "</script>", "\\", "\u2028", "`${a}`")
    assert {program(text, at / 10) for at, text in enumerate(texts, 1)} == {tame}
