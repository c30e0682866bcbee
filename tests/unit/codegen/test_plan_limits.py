"""This file is where plans are kept within their limits: groups, bytes, digits, rows of a chunk."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid import canonical, chunks
from grid.codegen.failures import RowsFailed
from grid.codegen.types import BOOLEAN, DATE, DOUBLE, INTEGER, TEXT, Kind, Type
from grid.conformance import Table, computed, cut_up, merged
from grid.engines import Computation
from grid.engines.deno import DenoEngine
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.jobspec import SpecRefused
from grid.plan.ending import nearest, root
from grid.plan.query import WEIGHT_MAX
from grid.plan.spelling import Total, spelled_total, total_of, value_of, weight
from grid.plugins.contract import OutputError
from grid.plugins.loader import OWN_FOLDER, find, load

LOADED = {name: load(find(OWN_FOLDER / name)) for name in ("groupBy", "SUM", "MAX", "MEAN")}


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def table(kind: LogicalType, values: Sequence[Any], size: tuple[int, int] = (0, 0)) -> Table:
    return Table(names=("v",), types=(kind,), values=(tuple(values),), digits=(size,))


def by(key: str, **further: Json) -> Json:
    return {"by": [{"expression": key, "as": "k"}], "aggregates": [{"function": "COUNT"}],
            **further}  # fmt: skip


def output(engine: DenoEngine, name: str, spec: Json, of: Table, chunk_rows: int) -> Json:
    """The answer of one work unit, on which program and reference agree."""
    return computed(LOADED[name], spec, cut_up(of, chunk_rows), engine)


@pytest.mark.parametrize("key", ["v", "v * 1000003", "v / 2", "CAST(v AS VARCHAR)", "v % 2, v"])
@pytest.mark.parametrize("groups", [6, 7, 8])
def test_more_groups_than_allowed_are_refused_by_hosts_and_fail_the_job(
    engine: DenoEngine, key: str, groups: int
) -> None:
    of = table(LogicalType.INT64, [5, None, 1, 5, 2, 3, 4, 1, 6, None])
    spec = by(key.split(",")[0], max_groups=groups)
    if "," in key:
        spec["by"].append(key.split(", ")[1])
    found = output(engine, "groupBy", spec, of, 4)
    limit = 3 if "%" in key.split(",")[0] and "," not in key else 7
    assert (found["full"], bool(found["keys"])) == ((1, False) if groups < limit else (0, True))
    if groups < limit:
        with pytest.raises(RowsFailed, match=f"more than {groups} groups.*max_groups"):
            merged(LOADED["groupBy"], spec, cut_up(of, 4), 3)
        with pytest.raises(RowsFailed, match=f"more than {groups} groups"):
            merged(LOADED["groupBy"], spec, cut_up(of, 2), 1)
    else:
        assert len(merged(LOADED["groupBy"], spec, cut_up(of, 2), 1)) == limit


def test_groups_that_take_too_long_to_merge_are_refused_by_hosts_and_fail_the_job(
    engine: DenoEngine,
) -> None:
    texts = [f'\n"\\é😀{number}' + "\u4e2d" * 1000 for number in range(1400)]
    found = output(engine, "groupBy", by("v"), table(LogicalType.TEXT, texts), 1400)
    assert found == {"full": 2, "keys": [], "states": []}
    with pytest.raises(RowsFailed, match="4,000,000 bytes"):
        merged(LOADED["groupBy"], by("v"), cut_up(table(LogicalType.TEXT, texts), 1400), 1)
    found = output(engine, "groupBy", by("v"), table(LogicalType.TEXT, texts[:700]), 700)
    assert found["full"] == 0
    assert len(canonical.dumps(found)) <= weight(found["keys"]) + weight(found["states"]) + 100
    longest = "x" * (WEIGHT_MAX + 1)
    assert output(engine, "MAX", {"column": "v"}, table(LogicalType.TEXT, [longest]), 1)["full"]


def test_aggregates_of_too_many_groups_are_refused_before_a_job_exists() -> None:
    of = cut_up(table(LogicalType.DOUBLE, [0.5]), 1)
    spec = by("v", max_groups=16_384)
    spec["aggregates"] = [
        {"function": "STDDEV_SAMP", "expression": f"v + {number}"} for number in range(20)
    ]
    with pytest.raises(SpecRefused, match="/max_groups: 16384 groups of"):
        computed(LOADED["groupBy"], spec, of, None)
    spec["max_groups"] = 1_000
    computed(LOADED["groupBy"], spec, of, None)


def test_one_key_may_be_said_twice(engine: DenoEngine) -> None:
    of = table(LogicalType.INT64, [5, None, 1, 5])
    spec = by("v")
    spec["by"].append("v")
    assert len(output(engine, "groupBy", spec, of, 2)["keys"]) == 1
    assert merged(LOADED["groupBy"], spec, cut_up(of, 2), 1) == [
        [1, 1, 1], [5, 5, 2], [None, None, 1],
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["v + 2147483648", "2147483648 + v", "v - 100000000"])
def test_a_key_that_has_no_value_in_any_row_is_one_group(engine: DenoEngine, key: str) -> None:
    of = table(LogicalType.DATE, [52_527, None, -20_991])
    found = merged(LOADED["groupBy"], by(key, on_error="null"), cut_up(of, 3), 1)
    assert found == [[None, 3]]
    output(engine, "groupBy", by(key, on_error="null"), of, 3)


def test_a_sum_of_decimals_beyond_38_digits_fails_the_job() -> None:
    most = 10**38 - 1
    of = table(LogicalType.DECIMAL, [most, most], (38, 2))
    with pytest.raises(RowsFailed, match=r"decimal\(38,2\)"):
        merged(LOADED["SUM"], {"column": "v"}, cut_up(of, 1), 1)
    assert merged(LOADED["MEAN"], {"column": "v"}, cut_up(of, 1), 1) == [[1e36, 2]]


def test_sums_are_exact_where_limbs_are_full(engine: DenoEngine) -> None:
    """Many values of one sign and all bits set, in groups and squared, over several chunks."""
    values = [1.7976931348623157e308, -5e-324, 2.0**53 - 1, 1.1125369292536007e-308] * 6_000
    spec = by("v > 1")
    spec["aggregates"] = [
        {"function": function, "column": "v"} for function in ("SUM", "MEAN", "STDDEV_POP")
    ]
    output(engine, "groupBy", spec, table(LogicalType.DOUBLE, values), 10_000)
    wide = [2**63 - 1, -(2**63), 2**53, -1] * 6_000
    output(engine, "groupBy", spec, table(LogicalType.INT64, wide), 10_000)
    spec = {**by("v % 3"), "aggregates": [{"function": "VAR_POP", "expression": "v % 100000007"}]}
    output(engine, "groupBy", spec, table(LogicalType.INT64, wide), 10_000)


@pytest.mark.parametrize(
    ("values", "total"),
    [
        ([1.5, 2.5, 1.7976931348623157e308], 1.7976931348623157e308),
        ([1.5, math.inf, 2.5], math.inf),
        ([1.5, 2.5, -math.inf], -math.inf),
        ([math.inf, 0.5, -math.inf], math.nan),
        ([0.5, 0.5, math.nan], math.nan),
    ],
)
def test_a_column_without_nulls_keeps_its_infinities_and_nans(
    engine: DenoEngine, values: list[float], total: float
) -> None:
    of = table(LogicalType.DOUBLE, values)
    for chunk_rows in (1, 2, 3):
        output(engine, "SUM", {"column": "v"}, of, chunk_rows)
    ((found, count),) = merged(LOADED["SUM"], {"column": "v"}, cut_up(of, 2), 1)
    shown = {math.inf: "Infinity", -math.inf: "-Infinity"}.get(total, total)
    assert (found, count) == ("NaN" if math.isnan(total) else shown, 3)


def test_sums_are_brought_down_before_they_are_too_large_for_doubles(engine: DenoEngine) -> None:
    """Three million rows of one group: more than limbs and sums can take without carrying."""
    rows, chunk_count = 1_000_000, 3
    x, n = -1.7976931348623157e308, 2**31 - 1
    columns = (
        Column(name="x", type=LogicalType.DOUBLE, physical=PhysicalType.DOUBLE, nullable=False),
        Column(name="n", type=LogicalType.INT64, physical=PhysicalType.INT32, nullable=False),
    )
    arrays = [pa.repeat(pa.scalar(x), rows), pa.repeat(pa.scalar(n, pa.int32()), rows)]
    of = [("SUM", "x"), ("STDDEV_POP", "x"), ("SUM", "n"), ("SUM", "n * 4194301"), ("VAR_POP", "n")]
    spec = {
        "by": [{"expression": "n > 0", "as": "k"}],
        "aggregates": [{"function": one, "expression": expr} for one, expr in of],
    }
    groups = LOADED["groupBy"].job_type
    job = Computation(
        program=groups.program(spec, columns),
        columns=columns,
        chunks=(tuple(map(chunks.encode_column, arrays, columns)),) * chunk_count,
        rows=(rows,) * chunk_count,
        params=groups.params(spec, columns),
        time_limit_s=60.0,
    )
    found = canonical.loads(engine.compute(job))
    total = rows * chunk_count
    units = int(Fraction(x) * 2**1074)
    of_doubles = [spelled_total(Total(total * units**power), Kind.DOUBLE) for power in (1, 2)]
    assert found["keys"] == [[True]]
    assert [values[0] for values in found["states"]] == [
        total, *of_doubles, total, str(total * n), total, str(total * n * 4194301),
        str(total * n * n),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"full": 1},
        {"keys": []},
        {"keys": [["a", "a"]]},
        {"keys": [["a"]]},
        {"keys": [["a", "b"], ["a", "b"]]},
        {"keys": [["a", 1]]},
        {"keys": [["a", ["b"]]]},
        {"states": []},
        {"states": [[1]]},
        {"states": [[1, -1]]},
        {"states": [[2, 2]]},
        {"states": [[1, {}]]},
        {"keys": [["a", "b", "c", "d"]], "states": [[0, 0, 0, 0]]},
    ],
)
def test_an_answer_that_no_host_can_give_is_refused(change: Json) -> None:
    honest = {"full": 0, "keys": [["a", "b"]], "states": [[1, 2]]}
    LOADED["groupBy"].job_type.check_output(by("v"), [2, 1], honest)
    with pytest.raises(OutputError):
        LOADED["groupBy"].job_type.check_output(by("v"), [2, 1], {**honest, **change})


@pytest.mark.parametrize(
    ("text", "type"),
    [
        *(("1", type) for type in (DOUBLE, DATE, BOOLEAN) if type is not DATE),
        *((text, INTEGER) for text in ("01", " 1", "+1", "1_0", "", "x", "9" * 9_000, "١")),
        *((text, DOUBLE) for text in ("8" * 15, "8" * 18, "8000000000000000", "7FF0" + "0" * 12)),
        (True, TEXT),
        ("true", BOOLEAN),
        (1, INTEGER),
        (["a"], TEXT),
    ],
)
def test_a_value_has_one_spelling(text: Json, type: Type) -> None:
    with pytest.raises(ValueError, match=r"no|spelling|digits|invalid|hex"):
        value_of(text, type)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, Kind.INTEGER) for text in ("01", "-0", " 1", "", "1e3", "9" * 2_000, None, 1)),
        *((text, Kind.DOUBLE) for text in
          ("10", "1p0", "0p1", "-0", "01", "1p", "p1", "A", "NaN", "1p99999", "f" * 2_000, 1)),
    ],
)  # fmt: skip
def test_a_sum_has_one_spelling(text: Json, kind: Kind) -> None:
    with pytest.raises(ValueError, match=r"sum|spelling|digits|invalid"):
        total_of(text, kind)


TOTALS = st.builds(Total, st.integers(-(2**4200), 2**4200), st.integers(0, 7)) | st.builds(
    lambda units, bits: Total(units << bits), st.integers(-9, 9), st.integers(0, 3000)
)


@given(TOTALS, TOTALS)
def test_a_sum_is_read_as_it_was_spelled(one: Total, other: Total) -> None:
    """And adding up read ones is adding up those that were spelled."""
    text = spelled_total(one, Kind.DOUBLE)
    assert spelled_total(total_of(text, Kind.DOUBLE), Kind.DOUBLE) == text
    both = [total_of(spelled_total(each, Kind.DOUBLE), Kind.DOUBLE) for each in (one, other)]
    assert spelled_total(both[0] + both[1], Kind.DOUBLE) == spelled_total(one + other, Kind.DOUBLE)


POSITIVE = st.fractions(min_value=0) | st.builds(
    lambda over, below, power: Fraction(over, below) * Fraction(2) ** power,
    st.integers(0, 2**120),
    st.integers(1, 2**120),
    st.integers(-2148, 2040),
)


@given(POSITIVE | st.floats(0, 1e150).map(lambda x: Fraction(x) ** 2))
def test_a_root_is_the_nearest_double(exact: Fraction) -> None:
    with localcontext(Context(prec=1_200)):
        wanted = float((Decimal(exact.numerator) / Decimal(exact.denominator)).sqrt())
    assert root(exact) == wanted


@given(st.fractions())
def test_a_fraction_is_rounded_once(exact: Fraction) -> None:
    assert nearest(exact) == float(exact)


def test_what_is_beyond_the_largest_double_is_infinite() -> None:
    assert nearest(Fraction(2) ** 1024) == math.inf
    assert nearest(-(Fraction(2) ** 1024)) == -math.inf
    assert root(Fraction(2) ** 2048) == math.inf
