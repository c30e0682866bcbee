"""This file is where it stands where an expression can fail for a row, and how that is reported.

A row that fails (an overflow, a text that is no number) has no value. CASE forgives what it did not
choose, AND and OR what another operand decided; otherwise the row fails, with the first of its
failures in the order of the operands, an operand before what is made of it.
"""

from __future__ import annotations

from msgspec import Struct

from grid.codegen.grammar import RULES
from grid.codegen.tree import At, Call, Expr, children


class Failure(Exception):
    """What a function raises for operands that it has no value for."""


class RowFailed(Exception):
    """A row without a value; `row` counts from 0 in its chunk."""

    def __init__(self, row: int, at: At, why: str) -> None:
        self.row, self.at, self.why = row, at, why
        super().__init__(f"row {row}: {why}")


class Site(Struct, frozen=True):
    """A place where rows can fail."""

    at: At
    #: What went wrong there.
    why: str


def failing(*expressions: Expr | None) -> dict[int, int]:
    """id of each call that can fail → its place among them, from 1: operands first."""
    found: dict[int, int] = {}
    for expr in expressions:
        pending = [(expr, False)] if expr is not None else []
        while pending:
            item, ready = pending.pop()
            if ready:
                if id(item) not in found:
                    found[id(item)] = len(found) + 1
                continue
            if isinstance(item, Call) and RULES[item.op].fails:
                pending.append((item, True))
            pending.extend((child, False) for child in reversed(children(item)))
    return found


def sites(*expressions: Expr | None) -> tuple[Site, ...]:
    """The places of `failing`, in their order: number n stands at n − 1."""
    numbers = failing(*expressions)
    calls: dict[int, Call] = {}
    for expr in expressions:
        pending = [] if expr is None else [expr]
        while pending:
            item = pending.pop()
            if id(item) in numbers and isinstance(item, Call):
                calls[numbers[id(item)]] = item
            pending.extend(children(item))
    return tuple(Site(calls[number].at, why(calls[number])) for number in sorted(calls))


def why(call: Call) -> str:
    """What a failure of this call is, for people."""
    if call.op == "cast":
        return f"no {call.type} for this {call.args[0].type}"
    return f"{RULES[call.op].fails} in {call.op} of {call.type}"
