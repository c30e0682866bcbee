"""This file is where the portable libm is measured, and programs are compared with it."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Callable, Iterator
from decimal import Decimal, localcontext

import pytest
from evaluating import alike, by_program, by_reference
from hypothesis import given, settings
from hypothesis import strategies as st

from grid.codegen.parse import expression
from grid.codegen.reference import libm
from grid.conformance import Table, cut_up
from grid.engines.deno import DenoEngine
from grid.items import LogicalType

#: What docs/expressions.md promises, in units of the last place.
ULPS_MAX = 0.8
#: Digits to compute in, and to take a turn away from the largest double.
DIGITS, REDUCTION_DIGITS = 60, 420

Exact = Callable[..., Decimal]


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def turned(x: Decimal) -> Decimal:
    """The angle without whole turns."""
    with localcontext(prec=REDUCTION_DIGITS):
        pi = Decimal(libm._PI.numerator) / Decimal(libm._PI.denominator)
        return x % (2 * pi)


def series(term: Decimal, n: int, x: Decimal) -> Decimal:
    """The Taylor series of sine (from x, 1) and cosine (from 1, 0)."""
    total = term
    while abs(term) > Decimal(10) ** -DIGITS:
        term = -term * x * x / ((n + 1) * (n + 2))
        total, n = total + term, n + 2
    return total


def sine(x: Decimal) -> Decimal:
    angle = +turned(x)
    return series(angle, 1, angle)


def cosine(x: Decimal) -> Decimal:
    return series(Decimal(1), 0, +turned(x))


def arc(y: Decimal, x: Decimal) -> Decimal:
    """The angle of the point, by halving the angle until the series is short."""
    pi = Decimal(libm._PI.numerator) / Decimal(libm._PI.denominator)
    tangent = abs(y / x)
    for _ in range(8):
        tangent = tangent / (1 + (1 + tangent * tangent).sqrt())
    term, total, n = tangent, tangent, 1
    while abs(term) > Decimal(10) ** -DIGITS:
        term, n = -term * tangent * tangent, n + 2
        total += term / n
    found = total * 256
    return (found if x > 0 else pi - found).copy_sign(y)


DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
SMALL = st.floats(-30, 30)
EXACT: dict[str, tuple[Callable[..., float], Exact, st.SearchStrategy[tuple[float, ...]]]] = {
    "exp": (libm.exp, Decimal.exp, st.tuples(st.floats(-708, 709) | SMALL)),
    "ln": (libm.ln, Decimal.ln, st.tuples(st.floats(5e-324, 1.7e308) | st.floats(0.5, 2))),
    "log10": (libm.log10, Decimal.log10, st.tuples(st.floats(1e-300, 1e300) | st.floats(0.5, 2))),
    "pow": (
        libm.power,
        lambda x, y: (x.ln() * y).exp(),
        st.tuples(st.floats(1e-3, 1e3), st.floats(-100, 100))
        | st.tuples(st.floats(0.999, 1.001), st.floats(-5e5, 5e5)),
    ),
    "sin": (libm.sin, sine, st.tuples(DOUBLES | SMALL | st.floats(-2e6, 2e6))),
    "cos": (libm.cos, cosine, st.tuples(DOUBLES | SMALL | st.floats(-2e6, 2e6))),
    "tan": (libm.tan, lambda x: sine(x) / cosine(x), st.tuples(DOUBLES | SMALL)),
    "atan2": (libm.atan2, arc, st.tuples(SMALL, SMALL) | st.tuples(DOUBLES, DOUBLES)),
}


@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
def test_a_function_is_within_its_promise(name: str, data: st.DataObject) -> None:
    function, exact, operands = EXACT[name]
    values = data.draw(operands)
    found = function(*values)
    if 0.0 in values or not math.isfinite(found) or abs(found) < 1e-300:
        return
    with localcontext(prec=DIGITS):
        wanted = exact(*map(Decimal, values))
        assert abs(Decimal(found) - wanted) / Decimal(math.ulp(found)) < ULPS_MAX


TEXTS = {
    **{name: f"{name}(x)" for name in ("exp", "ln", "log10", "sin", "cos", "tan")},
    **{name: f"{name}(x, y)" for name in ("pow", "atan2")},
}
NEAR = [math.pi / 2, math.pi, 355.0, 5 * math.pi / 4, 1e22, 2.0**1000, 6381956970095103 * 2.0**797]
NOTABLE = [
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 1e308, -1e308, 5e-324, -5e-324, 1e-300,
    math.inf, -math.inf, math.nan, 709.78, 709.79, -745.13, -745.14, 2.0**53, 2.0**53 + 2,
    -(2.0**31) - 1, 1 - 2.0**-53, 1 + 2.0**-52, *NEAR, *(-value for value in NEAR),
]  # fmt: skip


def compare(engine: DenoEngine, name: str, pairs: list[tuple[float, float]]) -> None:
    table = Table(
        names=("x", "y"),
        types=(LogicalType.DOUBLE, LogicalType.DOUBLE),
        values=tuple(tuple(pair[at] + 0.0 for pair in pairs) for at in (0, 1)),
    )
    cut = cut_up(table, len(pairs))
    expr = expression(TEXTS[name], cut.columns, "/x")
    answers = by_program(expr, cut, engine)
    for pair, one, other in zip(pairs, by_reference(expr, table), answers, strict=True):
        assert alike(one, other), (name, pair, one, other)


@pytest.mark.parametrize("name", TEXTS)
def test_notable_operands_give_the_references_bits(engine: DenoEngine, name: str) -> None:
    compare(engine, name, [(x, y) for x in NOTABLE for y in NOTABLE])


@pytest.mark.parametrize("name", TEXTS)
@settings(max_examples=settings().max_examples // 10)
@given(seeds=st.lists(st.integers(0, 2**128 - 1), min_size=50, max_size=50))
def test_any_operands_give_the_references_bits(
    engine: DenoEngine, name: str, seeds: list[int]
) -> None:
    pairs = [struct.unpack("<dd", seed.to_bytes(16, "little")) for seed in seeds]
    small = [(math.fmod(x, 40.0), math.fmod(y, 40.0)) for x, y in pairs]
    compare(engine, name, [*pairs, *small])


def test_the_logarithm_of_a_power_of_ten_is_whole() -> None:
    assert [libm.log10(float(f"1e{n}")) for n in range(-290, 300)] == list(range(-290, 300))


@pytest.mark.parametrize(("ours", "theirs"), [(libm.atan2, math.atan2), (libm.power, math.pow)])
def test_special_operands_give_what_cs_standard_says(
    ours: Callable[..., float], theirs: Callable[..., float]
) -> None:
    for x, y in itertools.product(NOTABLE, NOTABLE):
        try:
            wanted = theirs(x, y)
        except (OverflowError, ValueError):
            continue
        assert ours(x, y) == pytest.approx(wanted, rel=1e-15, nan_ok=True)
        if wanted == 0:
            assert math.copysign(1, ours(x, y)) == math.copysign(1, wanted)
