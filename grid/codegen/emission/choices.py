"""This file is where CASE, COALESCE, NULLIF, greatest and least become JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from grid.codegen.cells import NULL, Cell, Form, joint
from grid.codegen.emission.logic import raw
from grid.codegen.emission.whole import comparables
from grid.codegen.tree import Call, is_null

if TYPE_CHECKING:
    from grid.codegen.javascript import Rows


def _alike(rows: Rows, cells: Sequence[Cell]) -> list[Cell]:
    """The cells in one form, that of those that are not NULL throughout."""
    forms = {cell.form for cell in cells if cell.valid != NULL.valid}
    if Form.BIG in forms:
        return [_null(Form.BIG, cell) or rows.big(cell) for cell in cells]
    (form,) = forms or {Form.NUMBER}
    return [_null(form, cell) or cell for cell in cells]


def _null(form: Form, cell: Cell) -> Cell | None:
    """What stands for NULL in this form; None for a cell that has values."""
    if cell.valid != NULL.valid:
        return None
    return Cell("0n" if form is Form.BIG else "0", cell.valid, form)


def _known(cell: Cell) -> str:
    return " & ".join(cell.valid) or "1"


def chosen(rows: Rows, flags: Sequence[str], cells: Sequence[Cell]) -> Cell:
    """The cell whose flag is the first that is 1; the last one where none is."""
    if all(cell.valid == NULL.valid for cell in cells):
        return NULL
    cells = _alike(rows, cells)
    text, known = cells[-1].text, _known(cells[-1])
    form = cells[0].form
    if form is Form.TEXT:
        empty = rows.frame.fixed("text", "")
        cells = [cell if cell.valid != NULL.valid else _text(cell, empty) for cell in cells]
        text = cells[-1].text
    for flag, cell in zip(reversed(flags), reversed(cells[:-1]), strict=True):
        text = f"{flag} ? {cell.text} : {text}"
        known = f"{flag} ? {_known(cell)} : {known}"
    letter = {Form.TEXT: "s", Form.FLAG: "q"}.get(form, "x")
    always = all(not cell.valid for cell in cells)
    valid = () if always else (rows.const("v", known),)
    made = rows.const(letter, text)
    low, high = min(cell.low for cell in cells), max(cell.high for cell in cells)
    return Cell(
        made, valid, form, low, high, any(cell.nan for cell in cells) or form is Form.DOUBLE
    )


def _text(cell: Cell, empty: str) -> Cell:
    return Cell(empty, cell.valid, Form.TEXT)


def _case(rows: Rows, call: Call) -> Cell:
    flags = [rows.true(item) for item in call.args[:-1:2]]
    values = [*call.args[1::2], call.args[-1]]
    return chosen(rows, flags, [rows.cell(item) for item in values])


def _coalesce(rows: Rows, call: Call) -> Cell:
    cells = [rows.cell(item) for item in call.args]
    flags = [rows.const("n", _known(cell)) for cell in cells[:-1]]
    return chosen(rows, flags, cells)


def _nullif(rows: Rows, call: Call) -> Cell:
    cell = rows.cell(call.args[0])
    if cell.valid == NULL.valid or any(is_null(item) for item in call.args):
        return cell
    left, right = comparables(rows, call.args)
    equal = rows.const("q", raw(rows, "=", left, right))
    same = rows.const("b", " & ".join((f"{equal}", *joint(left.valid, right.valid))))
    known = rows.const("v", f"!{same}")
    return Cell(cell.text, (*cell.valid, known), cell.form, cell.low, cell.high, cell.nan)


def _extreme(rows: Rows, call: Call) -> Cell:
    """greatest and least, from left to right; NULL is passed over."""
    items = [item for item in call.args if rows.cell(item).valid != NULL.valid] or [call.args[0]]
    best, *others = comparables(rows, items)
    op = ">" if call.op == "greatest" else "<"
    for other in others:
        better = rows.const("q", raw(rows, op, other, best))
        known, before = _known(other), _known(best)
        take = better
        if best.valid or other.valid:
            take = rows.const("b", f"({known}) & ({better} | !({before}))")
        letter = "s" if best.form is Form.TEXT else "x"
        text = rows.const(letter, f"{take} ? {other.text} : {best.text}")
        valid = (rows.const("v", f"({before}) | ({known})"),) if best.valid and other.valid else ()
        low, high = min(best.low, other.low), max(best.high, other.high)
        best = Cell(text, valid, best.form, low, high, best.nan or other.nan)
    return best


EMISSION: Mapping[str, Callable[[Rows, Call], Cell]] = {
    "case": _case,
    "coalesce": _coalesce,
    "nullif": _nullif,
    "greatest": _extreme,
    "least": _extreme,
}
