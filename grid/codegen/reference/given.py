"""This file is where the reference computes a value where a condition holds, and only there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from grid.codegen.failing import failing
from grid.codegen.reference import evaluated
from grid.codegen.tree import Expr


class Given(Struct, frozen=True):
    """What a row gives."""

    selected: bool
    #: None where it is not selected, NULL, or failed.
    value: Any
    #: The number of the place where the condition or the value failed (`failing`), if it did.
    fault: int | None


def given(
    where: Expr | None, value: Expr, chunk: Mapping[str, Sequence[Any]], rows: int
) -> list[Given]:
    """What each row gives; places are numbered through the condition, then the value."""
    numbers = failing(where, value)
    kept = [True] * rows
    faults: dict[int, int] = {}
    if where is not None:
        truth, faults = evaluated(where, chunk, rows, numbers)
        kept = [found is True and row not in faults for row, found in enumerate(truth)]
    chosen = [row for row, keep in enumerate(kept) if keep]
    narrow = {name: [column[row] for row in chosen] for name, column in chunk.items()}
    values, failed = evaluated(value, narrow, len(chosen), numbers)
    found = [Given(False, None, faults.get(row)) for row in range(rows)]
    for at, row in enumerate(chosen):
        fault = failed.get(at)
        found[row] = Given(True, None if fault else values[at], fault)
    return found
