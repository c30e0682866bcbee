"""This file is where conditions become JavaScript: comparisons, AND, OR, IN, IS NULL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from grid.codegen.cells import OPERATORS, Cell, Form, compared, joint
from grid.codegen.emission import lifted
from grid.codegen.emission.whole import comparables
from grid.codegen.tree import Call, Expr, is_null
from grid.codegen.types import Kind

if TYPE_CHECKING:
    from grid.codegen.javascript import Fault, Rows


def truth(rows: Rows, expr: Expr, wanted: bool) -> str:
    """A flag of this turn: whether the expression is true, or, when not wanted, false."""
    if expr.kind is not Kind.BOOLEAN:
        return "0"
    if isinstance(expr, Call):
        column = lifted.column_of(rows, expr)
        if column is not None:
            return lifted.truth(rows, expr, column, wanted)
        if expr.op == "not":
            item = expr.args[0]
            return rows.false(item) if wanted else rows.true(item)
        if expr.op in ("and", "or"):
            asked = [rows.true(item) if wanted else rows.false(item) for item in expr.args]
            joined = " & " if (expr.op == "and") is wanted else " | "
            return rows.const("b", joined.join(asked))
        if expr.op in ("between", "in"):
            return _either(rows, expr, wanted)
    cell = rows.cell(expr)
    if wanted and not cell.valid:
        return cell.text
    return rows.const("b", " & ".join((cell.text if wanted else f"!{cell.text}", *cell.valid)))


def raw(rows: Rows, op: str, left: Cell, right: Cell) -> str:
    """The comparison of two cells that `comparables` made, wherever both have values."""
    if left.form is Form.TEXT and op not in ("=", "<>"):
        return f"kit.compare({left.text}, {right.text}) {OPERATORS[op]} 0"
    return compared(op, left, right)


def _compared(rows: Rows, call: Call) -> Cell:
    left, right = comparables(rows, call.args)
    made = rows.const("q", raw(rows, call.op, left, right))
    return Cell(made, joint(left.valid, right.valid), Form.FLAG)


def _either(rows: Rows, call: Call, wanted: bool) -> str:
    """BETWEEN is true where all its comparisons are, IN where any of its is."""
    if call.op == "between":
        item, low, high = comparables(rows, call.args)
        parts = [(">=", item, low), ("<=", item, high)]
        every = wanted
    else:
        item, *options = comparables(rows, call.args)
        parts = [("=", item, option) for option in options]
        every = not wanted
    flags = []
    for op, one, other in parts:
        null = "0" in (*one.valid, *other.valid)
        test = rows.const("q", "0" if null else raw(rows, op, one, other))
        valid = joint(one.valid, other.valid)
        flags.append(_flag(rows, test, valid, wanted))
    return rows.const("b", (" & " if every else " | ").join(flags))


def _flag(rows: Rows, test: str, valid: tuple[str, ...], wanted: bool) -> str:
    asked = test if wanted else f"!{test}"
    return rows.const("b", " & ".join((asked, *valid))) if valid or not wanted else test


def _tested(rows: Rows, call: Call) -> Cell:
    known = rows.const("n", f"{rows.true(call)} | {rows.false(call)}")
    return Cell(rows.true(call), (known,), Form.FLAG)


def _is_null(rows: Rows, call: Call) -> Cell:
    item = call.args[0]
    if is_null(item):
        return Cell("1", (), Form.FLAG)
    if item.kind is Kind.BOOLEAN:
        known = f"{rows.true(item)} | {rows.false(item)}"
    else:
        known = " & ".join(rows.cell(item).valid) or "1"
    return Cell(rows.const("b", f"({known}) ^ 1"), (), Form.FLAG)


def _of_logic(rows: Rows, call: Call) -> tuple[Fault, ...]:
    """A failure counts where no other operand decides."""
    wanted = call.op == "or"
    each = [rows.faults(item) for item in call.args]
    if not any(each):
        return ()
    deciding = [rows.true(item) if wanted else rows.false(item) for item in call.args]
    sure = [
        rows.const("b", f"{flag} & !({' | '.join(name for name, _ in faults)})") if faults else flag
        for flag, faults in zip(deciding, each, strict=True)
    ]
    found: list[Fault] = []
    for place, faults in enumerate(each):
        others = [flag for at, flag in enumerate(sure) if at != place]
        for flag, number in faults:
            made = rows.const("e", f"{flag} & !({' | '.join(others)})") if others else flag
            found.append((made, number))
    return tuple(found)


def _of_case(rows: Rows, call: Call) -> tuple[Fault, ...]:
    """A failure counts in conditions that are asked, and in the value that is chosen."""
    found: list[Fault] = []
    earlier: list[str] = []
    for condition, value in zip(call.args[:-1:2], call.args[1::2], strict=True):
        found += _where(rows, rows.faults(condition), "", earlier)
        taken = rows.true(condition)
        found += _where(rows, rows.faults(value), taken, earlier)
        earlier.append(taken)
    found += _where(rows, rows.faults(call.args[-1]), "", earlier)
    return tuple(found)


def _of_coalesce(rows: Rows, call: Call) -> tuple[Fault, ...]:
    """A failure counts where no operand before has a value."""
    found: list[Fault] = []
    earlier: list[str] = []
    for item in call.args:
        found += _where(rows, rows.faults(item), "", earlier)
        known = " & ".join(rows.cell(item).valid) or "1"
        earlier.append(rows.const("n", known))
    return tuple(found)


def _where(rows: Rows, faults: tuple[Fault, ...], taken: str, earlier: list[str]) -> list[Fault]:
    if not taken and not earlier:
        return list(faults)
    asked = ([taken] if taken else []) + ([f"!({' | '.join(earlier)})"] if earlier else [])
    return [(rows.const("e", " & ".join((flag, *asked))), number) for flag, number in faults]


#: Calls in which not every failure of an operand counts.
FAULTS: Mapping[str, Callable[[Rows, Call], tuple[Fault, ...]]] = {
    "and": _of_logic,
    "or": _of_logic,
    "case": _of_case,
    "coalesce": _of_coalesce,
}
EMISSION: Mapping[str, Callable[[Rows, Call], Cell]] = {
    **dict.fromkeys(OPERATORS, _compared),
    "between": _tested,
    "in": _tested,
    "is null": _is_null,
}
