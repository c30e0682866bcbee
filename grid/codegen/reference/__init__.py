"""This package is where an expression is computed in Python: the reference for generated programs.

It shares nothing with the emitter but the typed tree. Semantics are DuckDB's, except for
`grid.codegen.differences`. Values are int (a decimal times 10^scale, days, microseconds), float,
bool, str, and None for NULL.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from grid.codegen.failing import Failure, failing, sites
from grid.codegen.failing import RowFailed as RowFailed
from grid.codegen.reference.functions import FUNCTIONS
from grid.codegen.reference.ordering import order, with_keys
from grid.codegen.tree import Call, ColumnRef, Expr, Literal
from grid.items import Column

Chunk = Mapping[str, Sequence[object]]
#: One value a row; None is NULL.
Values = list[Any]
#: Row → number of the place where it failed.
Faults = dict[int, int]


def selected(expr: Expr | None, chunk: Chunk, rows: int) -> tuple[list[bool], Faults]:
    """Whether each of the chunk's rows satisfies the condition, and the rows that fail.

    Those do not satisfy it; all rows do when there is none.
    """
    if expr is None:
        return [True] * rows, {}
    values, faults = evaluated(expr, chunk, rows)
    return [value is True and row not in faults for row, value in enumerate(values)], faults


def values_of(
    column: Column, where: Expr | None, chunks: Sequence[Chunk]
) -> tuple[list[Any], list[Faults]]:
    """The column's values, without NULL, in rows that satisfy the condition; failures by chunk."""
    found: list[Any] = []
    faults: list[Faults] = []
    for chunk in chunks:
        values = chunk[column.name]
        keep, failed = selected(where, chunk, len(values))
        found += [x for x, kept in zip(values, keep, strict=True) if kept and x is not None]
        faults.append(failed)
    return found, faults


def evaluate(expr: Expr, chunk: Chunk, rows: int) -> Values:
    """The expression's value for each row; raises RowFailed for the first row that fails."""
    values, faults = evaluated(expr, chunk, rows)
    if faults:
        row = min(faults)
        site = sites(expr)[faults[row] - 1]
        raise RowFailed(row, site.at, site.why)
    return values


def evaluated(
    expr: Expr, chunk: Chunk, rows: int, numbers: Mapping[int, int] | None = None
) -> tuple[Values, Faults]:
    """Each row's value, and the rows that failed with the number of the place (`failing`)."""
    return _Evaluation(chunk, failing(expr) if numbers is None else numbers).of(expr, range(rows))


class _Evaluation:
    """One chunk; every method gets the rows it is about, and answers with as many values."""

    def __init__(self, chunk: Chunk, numbers: Mapping[int, int]) -> None:
        self.chunk, self.numbers = chunk, numbers

    def of(self, expr: Expr, rows: Sequence[int]) -> tuple[Values, Faults]:
        if isinstance(expr, ColumnRef):
            column = self.chunk[expr.column.name]
            return [column[row] for row in rows], {}
        if isinstance(expr, Literal):
            return [expr.value] * len(rows), {}
        special = SPECIAL.get(expr.op)
        if special is not None:
            return special(self, expr, rows)
        return self.strict(expr, rows)

    def operands(self, expr: Call, rows: Sequence[int]) -> tuple[list[Values], Faults]:
        """The values of all operands; a row that fails has the first failure among them."""
        columns: list[Values] = []
        faults: Faults = {}
        for item in expr.args:
            values, failed = self.of(item, rows)
            columns.append(values)
            for row, number in failed.items():
                faults[row] = min(number, faults.get(row, number))
        return columns, faults

    def strict(self, expr: Call, rows: Sequence[int]) -> tuple[Values, Faults]:
        """NULL for NULL; else the function of that name."""
        columns, faults = self.operands(expr, rows)
        function = FUNCTIONS[expr.op](expr)
        found: Values = []
        for row, *operands in zip(rows, *columns, strict=True):
            value = None
            if row not in faults and None not in operands:
                try:
                    value = function(*operands)
                except Failure:
                    faults[row] = self.numbers[id(expr)]
            found.append(value)
        return found, faults

    def logic(self, expr: Call, rows: Sequence[int]) -> tuple[Values, Faults]:
        """AND, OR: one operand that decides is enough, whatever the others are."""
        deciding = expr.op == "or"
        each = [self.of(item, rows) for item in expr.args]
        found: Values = []
        faults: Faults = {}
        for place, row in enumerate(rows):
            values = [column[place] for column, failed in each if row not in failed]
            numbers = [failed[row] for _, failed in each if row in failed]
            if deciding in values:
                found.append(deciding)
                continue
            if numbers:
                faults[row] = min(numbers)
            found.append(None if None in values or numbers else not deciding)
        return found, faults

    def case(self, expr: Call, rows: Sequence[int]) -> tuple[Values, Faults]:
        """Each row goes on to the next condition until one is true for it."""
        chosen: dict[int, Any] = {}
        faults: Faults = {}
        left = list(rows)
        for condition, value in zip(expr.args[:-1:2], expr.args[1::2], strict=True):
            answers, failed = self.of(condition, left)
            faults.update(failed)
            here = [row for row, answer in zip(left, answers, strict=True) if answer is True]
            left = [
                row
                for row, answer in zip(left, answers, strict=True)
                if answer is not True and row not in failed
            ]
            self.choose(value, [row for row in here if row not in failed], chosen, faults)
        self.choose(expr.args[-1], left, chosen, faults)
        return [chosen.get(row) for row in rows], faults

    def choose(
        self, expr: Expr, rows: Sequence[int], chosen: dict[int, Any], faults: Faults
    ) -> None:
        values, failed = self.of(expr, rows)
        chosen.update(zip(rows, values, strict=True))
        faults.update(failed)

    def coalesce(self, expr: Call, rows: Sequence[int]) -> tuple[Values, Faults]:
        """Each row goes on to the next operand while it is NULL."""
        chosen: dict[int, Any] = {}
        faults: Faults = {}
        left = list(rows)
        for item in expr.args:
            self.choose(item, left, chosen, faults)
            left = [row for row in left if chosen[row] is None and row not in faults]
        return [chosen[row] for row in rows], faults

    def tested(self, expr: Call, rows: Sequence[int]) -> tuple[Values, Faults]:
        """BETWEEN, IN, IS NULL, NULLIF, greatest and least."""
        columns, faults = self.operands(expr, rows)
        answer = ANSWERS[expr.op](expr)
        return [
            None if row in faults else answer(*operands)
            for row, *operands in zip(rows, *columns, strict=True)
        ], faults


def _between(item: Any, low: Any, high: Any) -> bool | None:
    found = [
        None if item is None or low is None else order(low, item) <= 0,
        None if item is None or high is None else order(item, high) <= 0,
    ]
    return False if False in found else None if None in found else True


def _in(item: Any, *options: Any) -> bool | None:
    found = [None if None in (item, one) else order(item, one) == 0 for one in options]
    return True if True in found else None if None in found else False


def _compared(function: Callable[..., Any]) -> Callable[[Call], Callable[..., Any]]:
    return lambda call: with_keys([item.type for item in call.args], function)


def _is_null(_call: Call) -> Callable[..., bool]:
    return lambda value: value is None


def _nullif(call: Call) -> Callable[..., Any]:
    equal = with_keys([item.type for item in call.args], _in)
    return lambda one, other: None if equal(one, other) else one


def _extreme(call: Call) -> Callable[..., Any]:
    sign = 1 if call.op == "greatest" else -1

    def answer(*values: Any) -> Any:
        best = None
        for value in values:
            if value is not None and (best is None or sign * order(value, best) > 0):
                best = value
        return best

    return answer


ANSWERS: Mapping[str, Callable[[Call], Callable[..., Any]]] = {
    "between": _compared(_between),
    "in": _compared(_in),
    "is null": _is_null,
    "nullif": _nullif,
    "greatest": _extreme,
    "least": _extreme,
}
SPECIAL: Mapping[str, Callable[[_Evaluation, Call, Sequence[int]], tuple[Values, Faults]]] = {
    "and": _Evaluation.logic,
    "or": _Evaluation.logic,
    "case": _Evaluation.case,
    "coalesce": _Evaluation.coalesce,
    **dict.fromkeys(ANSWERS, _Evaluation.tested),
}
