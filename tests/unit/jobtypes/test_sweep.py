"""This file is where sweep is held against plain Python and against its own program."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import pytest
from computing_types import both, by_program, loaded, rows_of
from evaluating import COMPUTED
from hypothesis import given
from hypothesis import strategies as st

from grid import jobspec
from grid.codegen.failures import RowsFailed
from grid.engines.deno import DenoEngine
from grid.jobspec import SpecRefused
from grid.plugins.contract import OutputError, Part

JOB_TYPE = loaded("sweep").job_type
DOUBLES = st.floats(-1e6, 1e6)
FORMULAS = (
    "x * x - n", "sin(x) * n", "n // 3", "n % 5 - 2", "x / n", "sqrt(x)", "length(t) * n",
    "CASE t WHEN 'a' THEN x ELSE n END", "CAST(t AS BIGINT) + n", "CAST(n AS DECIMAL(9,3)) * 1.25",
    "n * n * 9007199254740993", "-x", "nullif(n, 2)", "pow(x, n)", "1", "CAST(x AS BIGINT)",
    "coalesce(CAST(t AS BIGINT), n)", "greatest(x, n)", "0e0 / n",
)  # fmt: skip
CONDITIONS = (
    None,
    "n > 0",
    "x < 0 OR n = 2",
    "t <> 'a'",
    "CAST(t AS BIGINT) = 7",
    "n IS NULL",
    "n % 2 = 1",
)
ASKED: tuple[dict[str, Any], ...] = (
    {"best": "argmin"}, {"best": "argmax", "top": 5}, {"histogram": [-2.5, 0, 1, 40]},
    {"all": True},
)  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def sweep(value: str, *parameters: dict[str, Any], **asked: Any) -> dict[str, Any]:
    return {"parameters": list(parameters), "value": value, **(asked or {"best": "argmin"})}


@st.composite
def sweeps(draw: st.DrawFn) -> dict[str, Any]:
    low, high = draw(DOUBLES), draw(DOUBLES)
    steps = draw(st.integers(2, 9))
    start, by = draw(st.integers(-9, 9)), draw(st.sampled_from([1, 2, -3]))
    texts = draw(st.lists(st.sampled_from(["a", "7", "", "\U0001f600", "-3"]), min_size=1))
    spec = sweep(
        draw(st.sampled_from(FORMULAS)),
        {"name": "x", "from": low, "to": high, "steps": steps},
        {"name": "n", "from": start, "to": start + draw(st.integers(0, 3)) * by, "by": by},
        {"name": "t", "values": texts[:4]},
        **draw(st.sampled_from(ASKED)),
    )
    where = draw(st.sampled_from(CONDITIONS))
    return {**spec, "on_error": "null"} if where is None else {**spec, "where": where}


@COMPUTED
@given(spec=sweeps(), data=st.data())
def test_program_and_reference_agree_on_any_points(
    engine: DenoEngine, spec: dict[str, Any], data: st.DataObject
) -> None:
    points = JOB_TYPE.points(spec, (), ())
    assert points is not None
    first = data.draw(st.integers(0, points.count - 1))
    both(engine, "sweep", spec, first, data.draw(st.integers(1, points.count - first)))


@given(DOUBLES, DOUBLES, st.integers(2, 50))
def test_a_double_goes_from_end_to_end(low: float, high: float, steps: int) -> None:
    spec = sweep("x", {"name": "x", "from": low, "to": high, "steps": steps}, all=True)
    found = [row[1] for row in rows_of("sweep", spec, 2_000)]
    assert len(found) == steps
    assert (found[0], found[-1]) == (low, high)
    between = [low + step * (high - low) / (steps - 1) for step in range(steps)]
    assert found[:-1] == between[:-1]


@pytest.mark.parametrize("direction", ["argmin", "argmax"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_best_are_those_of_a_plain_loop(size: int, direction: str) -> None:
    spec = sweep(
        "n % 7 + k / 4.0",
        {"name": "n", "from": 1, "to": 40},
        {"name": "k", "values": [3, 0, 2]},
        where="n <> 7",
        best=direction,
        top=9,
    )
    grid = enumerate(itertools.product(range(1, 41), [3, 0, 2]))
    every = [[point, n, k, n % 7 + k / 4] for point, (n, k) in grid if n != 7]
    sign = 1 if direction == "argmin" else -1
    every.sort(key=lambda row: (sign * row[3], row[0]))
    assert rows_of("sweep", spec, size) == every[:9]


def test_a_histogram_counts_every_selected_point() -> None:
    spec = sweep("sqrt(n)", {"name": "n", "from": -3, "to": 96}, histogram=[1, 5, 9])
    assert rows_of("sweep", spec, 13) == [
        [None, 1.0, 1], [1.0, 5.0, 24], [5.0, 9.0, 56], [9.0, None, 16], [None, None, 3],
    ]  # fmt: skip


def test_the_last_of_a_million_million_points_is_computed(engine: DenoEngine) -> None:
    spec = sweep(
        "a + b",
        {"name": "a", "from": 0, "to": 1, "steps": 10**6},
        {"name": "b", "from": 1, "to": 10**6},
        best="argmax",
    )
    output = both(engine, "sweep", spec, 10**12 - 3, 3)
    assert [place for place, _ in output["found"]] == [10**12 - 1]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"value": "n + m"}, "/value"),
        ({"value": "t"}, "/value"),
        ({"value": "n / 0"}, "/value"),
        ({"where": "n"}, "/where"),
        ({"histogram": [1, 1], "best": None}, "/histogram"),
        ({"all": True}, "/all"),
        ({"top": 0}, "/top"),
        ({"parameters": []}, "/parameters"),
        ({"parameters": [{"name": "n", "values": [1, "a"]}]}, "/parameters/0/values"),
        ({"parameters": [{"name": "n", "from": 1, "to": 2, "by": -1}]}, "/parameters/0/by"),
        ({"parameters": [{"name": "n", "from": 0.5, "to": 2}]}, "/parameters/0/steps"),
        ({"parameters": [{"name": "value", "values": [1]}]}, "/parameters/0/name"),
        ({"parameters": [{"name": "a b", "values": [1]}]}, "/parameters/0/name"),
        ({"parameters": [{"name": x, "values": [1]} for x in "nN"]}, "/parameters/1/name"),
        ({"parameters": [{"name": x, "from": 1, "to": 10**7} for x in "nm"]}, "/parameters"),
        (
            {"parameters": [{"name": "n", "from": -1e300, "to": 1e300, "steps": 10**9}]},
            "/parameters/0/to",
        ),
        (
            {"all": True, "best": None, "parameters": [{"name": "n", "from": 0, "to": 10**6}]},
            "/all",
        ),
    ],
)
def test_a_sweep_that_cannot_be_is_refused_at_its_place(
    change: dict[str, Any], pointer: str
) -> None:
    base = sweep("n", {"name": "n", "values": [1, 2]}, {"name": "t", "values": ["a"]})
    spec = {key: value for key, value in {**base, **change}.items() if value is not None}
    with pytest.raises(SpecRefused) as refused:
        jobspec.check(spec, loaded("sweep").spec_schema, JOB_TYPE, ())
    assert refused.value.errors[0].pointer == pointer


def part(first: int, output: Any) -> Part:
    return Part(
        ordinal=0, first_chunk=first, rows=(9,), output=output, source=lambda names: iter(())
    )


def test_a_point_that_fails_is_named(engine: DenoEngine) -> None:
    spec = sweep("n * 9223372036854775807", {"name": "n", "from": 0, "to": 8}, best="argmax")
    output = both(engine, "sweep", spec, 1, 8)
    assert output["failed"] == {"rows": 7, "chunk": 0, "row": 1, "site": 1}
    with pytest.raises(RowsFailed, match="point 2: overflow in"):
        JOB_TYPE.merge(spec, (), JOB_TYPE.merge_start(spec, ()), part(1, output))
    forgiving = {**spec, "on_error": "null"}
    assert rows_of("sweep", forgiving, 4) == [[1, 1, "9223372036854775807"]]


def test_a_claimed_best_is_computed_again(engine: DenoEngine) -> None:
    spec = sweep("x * x", {"name": "x", "from": -1, "to": 1, "steps": 11})
    output = by_program(engine, "sweep", spec, 0, 11)
    JOB_TYPE.check_output(spec, [11], output)
    for lie in ([5, "bff0000000000000"], [4, output["found"][0][1]], [11, "0000000000000000"]):
        with pytest.raises(OutputError, match="/found"):
            JOB_TYPE.check_output(spec, [11], {**output, "found": [lie]})


def test_no_value_or_name_of_a_sweep_is_program_text() -> None:
    texts = ("'+fetch(1)+'", "</script>", "__proto__", "\u2028", "`${a}`")
    programs = {
        JOB_TYPE.program(
            sweep(
                f"length(t) + {at}", {"name": name, "values": [1]}, {"name": "t", "values": [text]}
            ),
            (),
        )
        for at, (text, name) in enumerate(
            zip(texts, ("kit", "params", "k0", "i", "p0"), strict=True)
        )
    }
    assert len(programs) == 1


def test_a_best_value_is_never_nan_or_null(engine: DenoEngine) -> None:
    spec = sweep("ln(n)", {"name": "n", "from": -2, "to": 3}, best="argmax", where="n <> 3")
    assert rows_of("sweep", spec, 2) == [[4, 2, math.log(2)]]
    output = both(engine, "sweep", spec, 0, 6)
    assert (output["selected"], output["nans"]) == (5, 2)
