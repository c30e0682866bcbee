"""This file is where the reference computes square roots, and finds what its libm computes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from grid.codegen.reference import libm
from grid.codegen.reference.numbers import doubles
from grid.codegen.tree import Call


def _of_doubles(function: Callable[..., float]) -> Callable[[Call], Callable[..., Any]]:
    return lambda call: doubles(call, function)


def _root(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


FUNCTIONS: Mapping[str, Callable[[Call], Callable[..., Any]]] = {
    "sqrt": _of_doubles(_root),
    "sin": _of_doubles(libm.sin),
    "cos": _of_doubles(libm.cos),
    "tan": _of_doubles(libm.tan),
    "atan2": _of_doubles(libm.atan2),
    "exp": _of_doubles(libm.exp),
    "ln": _of_doubles(libm.ln),
    "log10": _of_doubles(libm.log10),
    "pow": _of_doubles(libm.power),
}
