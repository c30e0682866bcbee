"""This file is where sets of rows travel into one statement, as rows of bound values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import ClauseElement, ColumnElement, Connection, bindparam, column
from sqlalchemy import table as named

from grid.db.dialects import ARRAY_TYPES, POSTGRESQL
from grid.db.prepared import Prepared

#: Rows of one statement at most. A set goes in statements of powers of two of them, so that there
#: are few texts; beyond this, a longer one saves nothing.
ROWS_MAX = 64

#: The nth value of each row.
Spot = Callable[[int], ColumnElement[Any]]


class Each:
    """A statement that is carried out for each row of a set: `make` says it of one.

    Values are of these kinds: integers, floats, texts, flags as 0 and 1, and None: exactly these,
    for the driver looks long at others.
    """

    def __init__(self, kinds: Sequence[type], make: Callable[[Spot], ClauseElement]) -> None:
        self._kinds = tuple(kinds)
        self._names = tuple(f"c{place}" for place in range(len(kinds)))
        self._make = make

    @cached_property
    def one(self) -> Prepared:
        """The statement for a single row, its values bound by name."""
        return Prepared(self._make(lambda place: bindparam(self._names[place])))

    @cached_property
    def several(self) -> Prepared:
        """The statement that reads them from a table `given`."""
        rows = named("given", *map(column, self._names))
        return Prepared(self._make(lambda place: rows.c[self._names[place]]))

    def run(self, connection: Connection, rows: Sequence[Sequence[Any]], **given: object) -> int:
        """How many rows of the table it changed or made."""
        driver: Any = connection.connection.dbapi_connection
        if connection.dialect.name == POSTGRESQL:
            return self._run_arrays(connection, driver, rows, given)
        before, start, left = driver.total_changes, 0, len(rows)
        while left:
            count = min(ROWS_MAX, 1 << (left.bit_length() - 1))
            if count == 1:
                row = dict(zip(self._names, rows[start], strict=True))
                driver.execute(*self.one.bound(connection, {**row, **given}))
            else:
                bite = chain.from_iterable(rows[start : start + count])
                text, further = self.several.bound(connection, given)
                driver.execute(_with(self._names, count) + text, [*bite, *further])
            start, left = start + count, left - count
        return int(driver.total_changes - before)

    def _run_arrays(
        self, connection: Connection, driver: Any, rows: Sequence[Sequence[Any]], given: Any
    ) -> int:
        """All rows at once, a column of them in each array: PostgreSQL wants to know the types."""
        text, further = self.several.bound(connection, given)
        columns: dict[str, object] = {}
        for name, kind, values in zip(
            self._names, self._kinds, zip(*rows, strict=True), strict=True
        ):
            flags = kind is bool
            columns[name] = [bool(one) for one in values] if flags else list(values)
        cursor = driver.execute(_unnest(self._names, self._kinds) + text, {**further, **columns})
        return int(cursor.rowcount)


@lru_cache(maxsize=256)
def _with(names: tuple[str, ...], count: int) -> str:
    row = f"({', '.join('?' * len(names))})"
    return f"WITH given({', '.join(names)}) AS (VALUES {', '.join([row] * count)}) "


@lru_cache(maxsize=256)
def _unnest(names: tuple[str, ...], kinds: tuple[type, ...]) -> str:
    arrays = [f"%({name})s::{ARRAY_TYPES[kind]}" for name, kind in zip(names, kinds, strict=True)]
    given = f"SELECT * FROM unnest({', '.join(arrays)})"  # noqa: S608 - names of our own
    return f"WITH given({', '.join(names)}) AS ({given}) "
