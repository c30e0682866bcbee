"""This file is where a value in the program is described: its name, its form, where it is NULL.

A whole number is a JavaScript Number as long as interval analysis over the columns' physical types
and the literals proves that it and everything it was made from stay within ±2⁵³; beyond, it is a
BigInt. So the text of a program depends on a literal only through that question.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct

from grid.codegen.types import Type, limits
from grid.items import Column, PhysicalType

#: Every whole number up to here is a double (IEEE 754 binary64 has a 53-bit significand).
EXACT_MAX = 2**53
#: Powers of ten up to here are doubles, so that one division by them rounds once.
EXACT_POWER_MAX = 22
#: Bits of the whole numbers that a physical type can hold; INT53 counts its sign beside.
BITS = {
    PhysicalType.INT8: 7,
    PhysicalType.INT16: 15,
    PhysicalType.INT32: 31,
    PhysicalType.INT53: 53,
    PhysicalType.INT64: 63,
    PhysicalType.INT128: 127,
}


class Form(Enum):
    """What a value is in the program."""

    #: A Number that holds a whole number exactly.
    NUMBER = "number"
    BIG = "bigint"
    DOUBLE = "double"
    #: 0 or 1, or false or true.
    FLAG = "flag"
    TEXT = "text"


class Cell(Struct, frozen=True):
    """One value of a row in the program; where it is NULL, some value within its bounds."""

    #: A name or literal of the program.
    text: str
    #: Names that are 1 (or true) where the value is not NULL; all of them must be.
    valid: tuple[str, ...]
    form: Form
    #: Bounds of a whole number; of a decimal, of its multiple.
    low: int = 0
    high: int = 0
    #: Whether a double can be NaN.
    nan: bool = False
    #: Whether it is the same for all rows, made before them.
    constant: bool = False


NULL = Cell("0", ("0",), Form.NUMBER, constant=True)


def form_of(low: int, high: int) -> Form:
    """The form of a whole number within these bounds."""
    return Form.NUMBER if low >= -EXACT_MAX and high <= EXACT_MAX else Form.BIG


def bounds_of(column: Column, type: Type) -> tuple[int, int]:
    """Least and greatest whole number that the column can hold."""
    bits = BITS[column.physical]
    low, high = -(2**bits), 2**bits - (column.physical is not PhysicalType.INT53)
    least, most = limits(type)
    return max(low, least), min(high, most)


def bounds(op: str, left: Cell, right: Cell) -> tuple[int, int]:
    """Least and greatest value of `left op right` on whole numbers."""
    if op == "%":
        most = max(0, min(_size(left), _size(right) - 1))
        return (-most if left.low < 0 else 0, most if left.high > 0 else 0)
    if op == "//":
        most = _size(left)
        return -most, most
    if op == "+":
        return left.low + right.low, left.high + right.high
    if op == "-":
        return left.low - right.high, left.high - right.low
    corners = [one * other for one in (left.low, left.high) for other in (right.low, right.high)]
    return min(corners), max(corners)


def _size(cell: Cell) -> int:
    return max(abs(cell.low), abs(cell.high))


def joint(*several: tuple[str, ...]) -> tuple[str, ...]:
    """The names of all, each once."""
    return tuple(dict.fromkeys(name for names in several for name in names))


OPERATORS = {"=": "===", "<>": "!==", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def compared(op: str, left: Cell, right: Cell) -> str:
    """The comparison of two cells of one form, neither of them text, wherever both have values."""
    if left.form is Form.DOUBLE:
        return _doubles(op, left.text, left.nan, right.text, right.nan)
    return f"{left.text} {OPERATORS[op]} {right.text}"


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
