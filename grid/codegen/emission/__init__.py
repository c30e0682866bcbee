"""This package is where each operator and function of the grammar becomes JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from grid.codegen.cells import Cell
from grid.codegen.emission import casts, choices, logic, moments, numbers, texts
from grid.codegen.tree import Call

if TYPE_CHECKING:
    from grid.codegen.javascript import Rows

#: Writes the lines of one call into the rows, and says what its value is.
Emit = Callable[["Rows", Call], Cell]

#: By the name in the grammar; AND, OR and NOT are `logic.truth`.
EMISSION: Mapping[str, Emit] = {
    **logic.EMISSION,
    **choices.EMISSION,
    **numbers.EMISSION,
    **moments.EMISSION,
    **texts.EMISSION,
    **casts.EMISSION,
}
