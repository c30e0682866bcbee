"""This file is where functions of text become calls of the kit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from grid.codegen.cells import Cell, Form, joint
from grid.codegen.emission.whole import fail
from grid.codegen.tree import Call, Expr, Literal

if TYPE_CHECKING:
    from grid.codegen.javascript import Rows

#: Op → its name in the kit, where it is another one; the name for more operands behind it.
KIT_NAMES = {
    ("trim", 2): "strip",
    ("ltrim", 2): "lstrip",
    ("rtrim", 2): "rstrip",
    ("substr", 2): "behind",
    ("substr", 3): "between",
    ("starts_with", 2): "starts",
    ("ends_with", 2): "ends",
    ("split_part", 3): "piece",
    ("length", 1): "points",
}
#: Code points of the longest text: a position in it is a small whole number.
POSITION_MAX = 2**31
TEXT_UNITS_MAX = 2**20
#: As in the kit.
COMPARED_BYTES_MAX = 1024


def operand(rows: Rows, item: Expr) -> Cell:
    """Text as it is; whole numbers as Numbers, with ±2⁵³ for all beyond."""
    cell = rows.cell(item)
    if cell.form is not Form.BIG:
        return cell
    return Cell(rows.const("x", f"kit.near({cell.text})"), cell.valid, Form.NUMBER)


def _called(rows: Rows, call: Call) -> tuple[str, tuple[str, ...]]:
    cells = [operand(rows, item) for item in call.args]
    name = KIT_NAMES.get((call.op, len(cells)), call.op)
    text = f"kit.{name}({', '.join(cell.text for cell in cells)})"
    return text, joint(*(cell.valid for cell in cells))


def _text(rows: Rows, call: Call) -> Cell:
    text, valid = _called(rows, call)
    return Cell(rows.const("s", text), valid, Form.TEXT)


def _count(rows: Rows, call: Call) -> Cell:
    text, valid = _called(rows, call)
    return Cell(rows.const("x", text), valid, Form.NUMBER, 0, POSITION_MAX)


def _test(rows: Rows, call: Call) -> Cell:
    text, valid = _called(rows, call)
    return Cell(rows.const("q", text), valid, Form.FLAG)


def _like(rows: Rows, call: Call) -> Cell:
    subject, (_, pattern) = rows.cell(call.args[0]), call.args
    assert isinstance(pattern, Literal)
    name = rows.frame.literal("pattern", str(pattern.value))
    made = rows.const("q", f"kit.matches({name}, {subject.text})")
    return Cell(made, subject.valid, Form.FLAG)


def _long(rows: Rows, call: Call, text: str, valid: tuple[str, ...], units: str) -> Cell:
    """The text, if it has no more than so many UTF-16 units; else the row fails."""
    most = rows.whole(TEXT_UNITS_MAX).text
    flag = rows.const("e", f"{units} > {most}")
    empty = rows.frame.fixed("text", "")
    made = rows.const("s", f"{flag} ? {empty} : {text}")
    return Cell(made, fail(rows, call, valid, flag), Form.TEXT)


def _joined(rows: Rows, call: Call) -> Cell:
    left, right = (rows.cell(item) for item in call.args)
    units = f"{left.text}.length + {right.text}.length"
    valid = joint(left.valid, right.valid)
    return _long(rows, call, f"{left.text} + {right.text}", valid, units)


def _replaced(rows: Rows, call: Call) -> Cell:
    cells = [rows.cell(item) for item in call.args]
    names = ", ".join(cell.text for cell in cells)
    units = rows.const("x", f"kit.grown({names})")
    valid = joint(*(cell.valid for cell in cells))
    return _long(rows, call, f"kit.replace({names})", valid, units)


def _similar(rows: Rows, call: Call) -> Cell:
    """Of texts that are short enough to be compared; else the row fails."""
    left, right = (rows.cell(item) for item in call.args)
    distance = call.op == "levenshtein"
    name = "levenshtein" if distance else "winkler"
    found = rows.const("x", f"kit.{name}({left.text}, {right.text})")
    flag = rows.const("e", f"{found} < 0")
    made = rows.const("x", f"{flag} ? 0 : {found}")
    valid = fail(rows, call, joint(left.valid, right.valid), flag)
    if distance:
        return Cell(made, valid, Form.NUMBER, 0, COMPARED_BYTES_MAX)
    return Cell(made, valid, Form.DOUBLE)


EMISSION: Mapping[str, Callable[[Rows, Call], Cell]] = {
    **dict.fromkeys(("lower", "upper", "trim", "ltrim", "rtrim", "substr", "split_part"), _text),
    **dict.fromkeys(("length", "position"), _count),
    **dict.fromkeys(("starts_with", "ends_with"), _test),
    **dict.fromkeys(("levenshtein", "jaro_winkler_similarity"), _similar),
    "like": _like,
    "||": _joined,
    "replace": _replaced,
}
