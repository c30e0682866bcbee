"""This file is where sets of rows travel into one statement, as one JSON text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, bindparam, func, literal_column


def given() -> Callable[[int], ColumnElement[Any]]:
    """The nth element of each array in the bound JSON text `rows`, an array of arrays."""
    each = func.json_each(bindparam("rows")).table_valued("value").alias("given")
    return lambda place: func.json_extract(each.c.value, literal_column(f"'$[{place}]'"))


def spelled(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as the JSON text that `given` reads."""
    return msgspec.json.encode(rows).decode()
