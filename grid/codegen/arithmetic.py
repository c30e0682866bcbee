"""This file is where arithmetic becomes JavaScript that is exact.

A whole number is a JavaScript Number as long as interval analysis over the columns' physical types
and the literals proves that it and everything it was made from stay within ±2⁵³; beyond, it is a
BigInt. So the text of a program depends on a literal only through that question.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from grid.items import PhysicalType

#: Every whole number up to here is a double (IEEE 754 binary64 has a 53-bit significand).
EXACT_MAX = 2**53

#: Least and greatest value that a physical type can hold.
RANGES: dict[PhysicalType, tuple[int, int]] = {
    PhysicalType.INT8: (-(2**7), 2**7 - 1),
    PhysicalType.INT16: (-(2**15), 2**15 - 1),
    PhysicalType.INT32: (-(2**31), 2**31 - 1),
    PhysicalType.INT64: (-(2**63), 2**63 - 1),
}


class Form(Enum):
    """What a number is in the program."""

    #: A Number that holds a whole number exactly.
    NUMBER = "number"
    BIG = "bigint"
    DOUBLE = "double"


class Number(Struct, frozen=True):
    """A numeric value in the program."""

    #: A name or literal of the program.
    text: str
    #: Names that are 1 where the value is not NULL; all of them must be.
    valid: tuple[str, ...]
    form: Form
    #: Bounds of a whole number.
    low: int = 0
    high: int = 0
    #: Whether a double can be NaN.
    nan: bool = False


NULL = Number("0", ("0",), Form.NUMBER)


def as_double(number: Number) -> str:
    """The number's text as a double, rounded to nearest."""
    return f"kit.narrow({number.text})" if number.form is Form.BIG else number.text


def as_big(number: Number) -> str:
    """The whole number's text as a BigInt."""
    return number.text if number.form is Form.BIG else f"kit.widen({number.text})"


def form_of(low: int, high: int) -> Form:
    """The form of a whole number within these bounds."""
    return Form.NUMBER if low >= -EXACT_MAX and high <= EXACT_MAX else Form.BIG


def bounds(op: str, left: Number, right: Number) -> tuple[int, int]:
    """Least and greatest value of `left op right` on whole numbers."""
    if op == "%":
        most = max(0, min(_size(left), _size(right) - 1))
        return (-most if left.low < 0 else 0, most if left.high > 0 else 0)
    if op == "+":
        return left.low + right.low, left.high + right.high
    if op == "-":
        return left.low - right.high, left.high - right.low
    corners = [one * other for one in (left.low, left.high) for other in (right.low, right.high)]
    return min(corners), max(corners)


def _size(number: Number) -> int:
    return max(abs(number.low), abs(number.high))


def whole(op: str, left: Number, right: Number) -> tuple[str, Form, int, int]:
    """Text, form and bounds of `left op right` on whole numbers; x % 0 is some whole number."""
    low, high = bounds(op, left, right)
    small = left.form is Form.NUMBER and right.form is Form.NUMBER
    form = Form.NUMBER if small and form_of(low, high) is Form.NUMBER else Form.BIG
    if form is Form.NUMBER:
        one, other, zero = left.text, right.text, "0"
    else:
        one, other, zero = as_big(left), as_big(right), "0n"
    if op == "%":
        return f"{other} === {zero} ? {zero} : {one} % {other}", form, low, high
    return f"{one} {op} {other}", form, low, high


def compared(op: str, left: Number, right: Number) -> str:
    """A condition that is the comparison of two values that are not NULL."""
    if Form.DOUBLE in (left.form, right.form):
        return _doubles(op, as_double(left), left.nan, as_double(right), right.nan)
    if Form.BIG in (left.form, right.form):
        return f"{as_big(left)} {OPERATORS[op]} {as_big(right)}"
    return f"{left.text} {OPERATORS[op]} {right.text}"


OPERATORS = {"=": "===", "<>": "!==", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def _doubles(op: str, left: str, left_nan: bool, right: str, right_nan: bool) -> str:
    """NaN equals itself and is greater than everything else; JavaScript says neither."""
    if op in (">", ">="):
        turned = "<" if op == ">" else "<="
        return _doubles(turned, right, right_nan, left, left_nan)
    both = left_nan and right_nan
    if op == "=" and both:
        return f"({left} === {right}) | (({left} !== {left}) & ({right} !== {right}))"
    if op == "<>" and both:
        return f"({left} !== {right}) & (({left} === {left}) | ({right} === {right}))"
    if op == "<" and both:
        return f"({left} < {right}) | (({right} !== {right}) & ({left} === {left}))"
    if op == "<=" and both:
        return f"({left} <= {right}) | ({right} !== {right})"
    if op == "<" and right_nan:
        return f"!({left} >= {right})"
    if op == "<=" and right_nan:
        return f"!({left} > {right})"
    return f"{left} {OPERATORS[op]} {right}"
