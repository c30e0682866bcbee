"""This file is where simulate is held against theory, plain Python and its own program."""

from __future__ import annotations

import json
import math
import statistics
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
from computing_types import both, by_program, loaded, rows_of
from evaluating import COMPUTED
from hypothesis import given
from hypothesis import strategies as st

from grid import jobspec
from grid.codegen import totals
from grid.codegen.checker import check
from grid.codegen.failures import RowsFailed
from grid.codegen.reference import streams
from grid.engines.deno import DenoEngine
from grid.jobspec import SpecRefused
from grid.plugins.contract import OutputError, Part

JOB_TYPE = loaded("simulate").job_type
WALK = {
    "state": {"x": "0.0"},
    "step": {"x": "x + normal()"},
    "steps": 4,
    "paths": 50_000,
    "observe": "x",
}
#: State, step, what is observed.
MODELS: tuple[tuple[dict[str, str], dict[str, str], str], ...] = (
    ({"x": "0.0"}, {"x": "x + 0.1 * normal()"}, "x"),
    ({"n": "1"}, {"n": "n + CAST(6 * uniform() AS BIGINT)"}, "n * n"),
    ({"n": "1"}, {"n": "n * 1000"}, "n"),
    ({"n": "1"}, {"n": "n + uniform()"}, "n"),
    ({"a": "normal()", "b": "0.5"}, {"a": "b", "b": "a"}, "a - b"),
    ({"f": "uniform() < 0.5"}, {"f": "f = (uniform() < 0.25)"}, "f"),
    ({"x": "1.0", "n": "0"}, {"x": "x / (n - 2)", "n": "step"}, "coalesce(x, -n)"),
    ({"x": "1e308"}, {"x": "x * (uniform() + 0.6)"}, "x - uniform()"),
    ({"x": "ln(uniform() - 0.2)"}, {"x": "CASE WHEN step % 2 = 0 THEN -x ELSE sin(x) END"}, "x"),
    ({"x": "1e-300"}, {"x": "x * 0.001"}, "x"),
    ({"x": "0.0"}, {"x": "nullif(floor(3 * uniform()), 1)"}, "x"),
)


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def double(bits: str) -> float:
    return float(struct.unpack(">d", bytes.fromhex(bits))[0])


@st.composite
def simulations(draw: st.DrawFn) -> dict[str, Any]:
    state, step, observe = draw(st.sampled_from(MODELS))
    spec: dict[str, Any] = {
        "state": state,
        "step": step,
        "observe": observe,
        "steps": draw(st.integers(0, 7)),
        "paths": draw(st.integers(1, 10**5)),
        "seed": draw(st.integers(0, 2**53 - 1)),
    }
    if draw(st.booleans()):
        spec["thresholds"] = draw(st.sampled_from([[0], [3, -1.5, 0.25], [1e300]]))
    if draw(st.booleans()):
        spec["quantiles"] = [0.5]
    return spec


@COMPUTED
@given(spec=simulations(), data=st.data())
def test_program_and_reference_agree_on_any_paths(
    engine: DenoEngine, spec: dict[str, Any], data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, spec["paths"] - 1))
    both(engine, "simulate", spec, first, min(spec["paths"] - first, data.draw(st.integers(1, 9))))


@pytest.mark.parametrize(
    ("begins", "steps", "comes_to"),
    [
        ({"a": "1.5", "b": "2.5"}, 1, 2.5),
        ({"a": "1.5", "b": "2.5"}, 2, 1.5),
        ({"a": "1", "b": "2"}, 3, 2),
        ({"a": "TRUE", "b": "FALSE"}, 1, None),
        ({"a": "1.5", "b": "CAST(NULL AS DOUBLE)"}, 1, None),
        ({"a": "1.5", "b": "CAST(NULL AS DOUBLE)"}, 2, 1.5),
    ],
)
def test_all_parts_of_the_state_change_at_once(
    engine: DenoEngine, begins: dict[str, str], steps: int, comes_to: float | None
) -> None:
    observed = "CASE WHEN a THEN 1 END" if begins["a"] == "TRUE" else "a"
    spec = {"state": begins, "step": {"a": "b", "b": "a"}, "observe": observed}
    spec |= {"steps": steps, "paths": 2, "quantiles": [0.5]}
    output = both(engine, "simulate", spec, 0, 2)
    assert list(map(double, output["values"])) == ([] if comes_to is None else 2 * [comes_to])


def test_a_walk_ends_where_theory_says(engine: DenoEngine) -> None:
    spec = {**WALK, "thresholds": [0, 2, 6], "quantiles": [0.5, 0.975]}
    output = {"values": []}
    for first in range(0, 20_000, 2_500):
        part = by_program(engine, "simulate", spec, first, 2_500)
        assert len(json.dumps(part)) < 64 * 1024
        output["values"] += part["values"]
    values = sorted(map(double, output["values"]))
    assert abs(statistics.fmean(values)) < 5 * 2 / math.sqrt(20_000)
    assert abs(statistics.stdev(values) - 2) < 0.05
    normal = statistics.NormalDist(0, 2)
    distance = max(abs(at / 20_000 - normal.cdf(x)) for at, x in enumerate(values))
    assert distance < 1.95 / math.sqrt(20_000)


def test_uniform_numbers_fill_their_square(engine: DenoEngine) -> None:
    """Two draws of a step, in cells of 8 × 8: chi-square of 63 degrees stays below 120."""
    spec = {
        "state": {"u": "0.0"},
        "step": {"u": "8 * floor(8 * uniform()) + floor(8 * uniform())"},
        "steps": 1,
        "paths": 64_000,
        "observe": "u",
        "thresholds": [cell + 0.5 for cell in range(63)],
    }
    counts = by_program(engine, "simulate", spec, 0, 64_000)["counts"]
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 120


@pytest.mark.parametrize(
    ("key", "counter", "found"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((2**32 - 1,) * 2, (2**32 - 1,) * 2, (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_the_generator_gives_its_known_answers(
    key: tuple[int, int], counter: tuple[int, int], found: tuple[int, int]
) -> None:
    assert streams.threefry(key, counter) == found


@given(st.floats(1e-300, 1 - 2**-53))
def test_the_inverse_of_the_normal_distribution_is_that_of_the_standard_library(p: float) -> None:
    expected = statistics.NormalDist().inv_cdf(p)
    assert math.isclose(streams.inverse(p), expected, rel_tol=1e-14, abs_tol=1e-16)


@pytest.mark.parametrize("size", [1, 7, 40])
def test_the_statistics_are_those_of_all_values(engine: DenoEngine, size: int) -> None:
    spec = {**WALK, "paths": 40, "thresholds": [1, -1], "quantiles": [0, 0.1, 0.5, 1]}
    output = both(engine, "simulate", spec, 0, 40)
    values = [double(bits) for bits in output["values"]]
    exact = list(map(Fraction, values))
    mean = sum(exact) / 40
    variance = sum((x - mean) ** 2 for x in exact) / 39
    ascending = sorted(values)
    assert rows_of("simulate", spec, size) == [
        ["paths", None, 40.0],
        ["mean", None, float(mean)],
        ["stddev", None, totals.root(variance)],
        ["above", 1.0, sum(x > 1 for x in values) / 40],
        ["above", -1.0, sum(x > -1 for x in values) / 40],
        ["quantile", 0.0, ascending[0]],
        ["quantile", 0.1, ascending[3]],
        ["quantile", 0.5, ascending[19]],
        ["quantile", 1.0, ascending[39]],
    ]


@given(st.integers(0, 10**40), st.integers(1, 10**40))
def test_a_root_is_rounded_once(top: int, bottom: int) -> None:
    root = totals.root(Fraction(top, bottom))
    if top:
        below, above = (Fraction(math.nextafter(root, to)) for to in (0, math.inf))
        middle = Fraction(root)
        assert ((below + middle) / 2) ** 2 <= Fraction(top, bottom) <= ((above + middle) / 2) ** 2
    else:
        assert root == 0


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=30))
def test_sums_of_squares_are_exact(values: list[float]) -> None:
    exact = sum((Fraction(x) ** 2 for x in values), Fraction(0))
    assert Fraction(totals.squares(values), 2**2148) == exact


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"state": {"step": "1"}}, "/state/step"),
        ({"state": {"x": "0.0", "X": "1"}}, "/state/X"),
        ({"state": {"x": "y"}}, "/state/x"),
        ({"state": {"x": "NULL"}}, "/state/x"),
        ({"state": {"x": "'a'"}}, "/state/x"),
        ({"step": {"y": "1"}}, "/step/y"),
        ({"step": {"x": "x > 1"}}, "/step/x"),
        ({"step": {"x": "x + uniform(1)"}}, "/step/x"),
        ({"step": {"x": "x + normal"}}, "/step/x"),
        ({"step": {"x": "x / 0"}}, "/step/x"),
        ({"observe": "step"}, "/observe"),
        ({"observe": "CAST(x AS VARCHAR)"}, "/observe"),
        ({"paths": 100_001, "quantiles": [0.5]}, "/quantiles"),
        ({"quantiles": [1.5]}, "/quantiles/0"),
        ({"state": {"a b": "1"}}, "/state"),
    ],
)
def test_a_simulation_that_cannot_be_is_refused_at_its_place(
    change: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(SpecRefused) as refused:
        jobspec.check({**WALK, **change}, loaded("simulate").spec_schema, JOB_TYPE, ())
    assert refused.value.errors[0].pointer == pointer


def test_a_path_that_fails_is_named(engine: DenoEngine) -> None:
    spec = {**WALK, "state": {"n": "1"}, "step": {"n": "n * 100000"}, "observe": "n", "paths": 3}
    output = both(engine, "simulate", spec, 0, 3)
    assert output["failed"] == {"rows": 3, "chunk": 0, "row": 0, "site": 4}
    part = Part(
        ordinal=0, first_chunk=5, rows=(3,), output=output, source=lambda names: iter(())
    )  # fmt: skip
    start = JOB_TYPE.merge_start(spec, ())
    with pytest.raises(RowsFailed, match=r"path 5: no decimal\(15,0\) for this integer"):
        JOB_TYPE.merge(spec, (), start, part)
    state = JOB_TYPE.merge({**spec, "on_error": "null"}, (), start, part).state
    assert (state["count"], state["nulls"]) == (0, 3)


@pytest.mark.parametrize(
    "lie",
    [
        {"count": 8}, {"sum": "9" + "0" * 400}, {"squares": "1"}, {"nans": 10}, {"nulls": 1},
        {"sum": "1" + "0" * 640, "squares": "1" + "0" * 1280}, {"counts": [9, 2]}, {"values": []},
    ],
)  # fmt: skip
def test_sums_that_no_paths_have_are_refused(engine: DenoEngine, lie: dict[str, Any]) -> None:
    spec = {**WALK, "paths": 10, "thresholds": [0]}
    output = by_program(engine, "simulate", spec, 0, 10)
    JOB_TYPE.check_output(spec, [10], output)
    with pytest.raises(OutputError):
        JOB_TYPE.check_output(spec, [10], {**output, **lie})


def test_no_value_or_name_of_a_simulation_is_program_text() -> None:
    def program(name: str, number: int) -> str:
        return JOB_TYPE.program(
            {
                **WALK,
                "state": {name: f"{number}.5"},
                "step": {name: f'"{name}" + {number}.25 * normal()'},
                "observe": f'"{name}"',
                "seed": number,
                "thresholds": [number],
            },
            (),
        )

    tame = program("x", 1)
    check(tame)
    assert {program(name, at) for at, name in enumerate(("kit", "params", "stream", "k0"), 2)} == {
        tame
    }


def test_the_same_spec_gives_the_same_paths_whatever_the_order_of_its_keys() -> None:
    spec = {**WALK, "state": {"b": "normal()", "a": "uniform()"}, "step": {"b": "a", "a": "b"}}
    turned = json.loads(json.dumps(spec, sort_keys=True))
    spec, turned = ({**one, "observe": "a - b", "paths": 3, "steps": 1} for one in (spec, turned))
    assert rows_of("simulate", spec, 2) == rows_of("simulate", turned, 3)
