"""This file is where the reference's functions are found by their names in the grammar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from grid.codegen.reference import casts, mathematics, moments, numbers, texts
from grid.codegen.tree import Call

#: Makes the function of values (none of them NULL) that a call stands for; it raises Failure.
Maker = Callable[[Call], Callable[..., Any]]

#: Every strict operator and function. Those that know NULL are in `grid.codegen.reference`.
FUNCTIONS: Mapping[str, Maker] = {
    **numbers.FUNCTIONS,
    **mathematics.FUNCTIONS,
    **texts.FUNCTIONS,
    **moments.FUNCTIONS,
    **casts.FUNCTIONS,
}
