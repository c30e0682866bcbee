"""This file is where tables are made, cut into data sets and read back, to try a job type on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st
from msgspec import Struct

from grid import chunks
from grid.items import Column, Json, LogicalType, PointRange
from grid.plugins.contract import Chunk
from grid.plugins.inputs import with_points
from grid.plugins.quizzes import ARROW
from grid.values import DAY_MAX, DAY_MIN, TIMESTAMP_MAX, TIMESTAMP_MIN

INT64_MAX = 2**63 - 1
#: Digits of decimals in random tables, in all and behind the point.
DECIMAL_SIZE = (9, 2)
WHOLE = frozenset({LogicalType.INT64, LogicalType.DECIMAL, LogicalType.DATE, LogicalType.TIMESTAMP})
#: Values at which programs have gone wrong before.
NOTABLE: Mapping[LogicalType, Sequence[Any]] = {
    LogicalType.INT64: (0, 1, -1, 3, 127, 128, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, INT64_MAX),
    LogicalType.DOUBLE: (
        0.0,
        0.1,
        3.0,
        math.nan,
        math.inf,
        -math.inf,
        5e-324,
        1.7976931348623157e308,
        -1.7976931348623157e308,
        2.0**53,
        2.0**53 + 2,
    ),
    LogicalType.BOOLEAN: (True, False),
    LogicalType.TEXT: ("", "a", "O'Brien", "\\", "\u2028", "\ufffd", "\U0001f600", "<!--", "%_"),
    LogicalType.DECIMAL: (0, 1, -1, 50, 100, 199, 999_999_999, -999_999_999),
    LogicalType.DATE: (0, -1, 365, 59, 11_016, 18_321, 19_000, DAY_MIN, DAY_MAX),
    LogicalType.TIMESTAMP: (
        0,
        -1,
        1_000_000,
        1_356_998_400_123_457,
        951_782_399_999_999,
        -62_135_596_800_000_000,
        253_402_300_799_999_999,
    ),
}


class Table(Struct, frozen=True, kw_only=True):
    """A small table in Python values."""

    names: tuple[str, ...]
    types: tuple[LogicalType, ...]
    #: Column by column: int, float, bool, str and None.
    values: tuple[tuple[Any, ...], ...]
    #: Digits of each column that is a decimal, in all and behind the point; empty for DECIMAL_SIZE.
    digits: tuple[tuple[int, int], ...] = ()

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Precision and scale of each column; 0 of those that are no decimals."""
        if self.digits:
            return self.digits
        return tuple(DECIMAL_SIZE if x is LogicalType.DECIMAL else (0, 0) for x in self.types)

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.values[0])


class Cut(Struct, frozen=True, kw_only=True):
    """A table as a data set: narrowed, encoded, cut into chunks. Or what a work unit of it gets."""

    columns: tuple[Column, ...]
    chunks: tuple[pa.RecordBatch, ...]
    #: What the work unit counts, and the number of each chunk's first row.
    points: PointRange | None = None
    first_rows: tuple[int, ...] = ()

    @property
    def rows(self) -> tuple[int, ...]:
        """How many points, if any, and how many rows each chunk has."""
        counted = () if self.points is None else (self.points.count,)
        return (*counted, *(batch.num_rows for batch in self.chunks))

    def python(self, names: Sequence[str]) -> list[Chunk]:
        """The named columns of each chunk, as the reference gets them."""
        return with_points(
            self.points,
            self.first_rows,
            [
                {name: chunks.to_python(batch.column(name)) for name in names}
                for batch in self.chunks
            ],
        )

    def dictionaries(self) -> dict[str, pa.StringArray]:
        """The dictionary of each column that is stored with one."""
        return {
            column.name: batch.column(column.name).dictionary
            for batch in self.chunks
            for column in self.columns
            if pa.types.is_dictionary(batch.column(column.name).type)
        }


def table_of(example: Mapping[str, Json]) -> Table:
    """An example's table; big integers may be strings of digits, NaN and infinities are strings."""
    types = tuple(LogicalType(column["type"]) for column in example["columns"])
    read: dict[LogicalType, Callable[[Any], Any]] = {
        LogicalType.INT64: int,
        LogicalType.DOUBLE: float,
        LogicalType.BOOLEAN: bool,
        LogicalType.TEXT: str,
    }
    return Table(
        names=tuple(column["name"] for column in example["columns"]),
        types=types,
        values=tuple(
            tuple(None if row[at] is None else read[kind](row[at]) for row in example["rows"])
            for at, kind in enumerate(types)
        ),
    )


def cut_up(table: Table, chunk_rows: int, *, wide: bool = False) -> Cut:
    """The table as ingest lays it out: narrowest types, one dictionary, chunks of so many rows.

    If `wide`, as it is laid out in a large data set: integers in 64 bits, text without dictionary.
    """
    columns: list[Column] = []
    arrays: list[pa.Array] = []
    for name, kind, values, size in zip(
        table.names, table.types, table.values, table.sizes, strict=True
    ):
        known = [value for value in values if value is not None]
        numbers = known if kind in WHOLE else []
        texts = frozenset(known) if kind is LogicalType.TEXT else None
        facts = chunks.Facts(
            nullable=wide or len(known) < len(values),
            low=-INT64_MAX if wide else min(numbers, default=None),
            high=max(numbers, default=None),
            distinct=None if wide else texts,
        )
        column = chunks.narrow(name, kind, facts, precision=size[0], scale=size[1])
        dictionary = chunks.dictionary(texts) if texts is not None else None
        columns.append(column)
        arrays.append(chunks.cast(pa.array(values, ARROW[kind]), column, dictionary))
    batch = pa.record_batch(arrays, names=list(table.names))
    starts = range(0, table.rows, chunk_rows)
    return Cut(
        columns=tuple(columns), chunks=tuple(batch.slice(start, chunk_rows) for start in starts)
    )


def random_tables(
    names: Sequence[str], types: Sequence[LogicalType], rows: int
) -> st.SearchStrategy[Table]:
    """Tables of these columns with 0 to `rows` rows; any value may be NULL or a notable one."""
    free: dict[LogicalType, st.SearchStrategy[Any]] = {
        LogicalType.INT64: st.integers(-100, 100) | st.integers(-(2**63), INT64_MAX),
        LogicalType.DOUBLE: st.floats(),
        LogicalType.BOOLEAN: st.booleans(),
        LogicalType.TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        LogicalType.DECIMAL: st.integers(-(10**9) + 1, 10**9 - 1),
        LogicalType.DATE: st.integers(-10_000, 30_000) | st.integers(DAY_MIN, DAY_MAX),
        LogicalType.TIMESTAMP: st.integers(0, 2 * 10**15)
        | st.integers(TIMESTAMP_MIN, TIMESTAMP_MAX),
    }

    def columns(count: int) -> st.SearchStrategy[Table]:
        def column(kind: LogicalType) -> st.SearchStrategy[tuple[Any, ...]]:
            value = st.sampled_from(NOTABLE[kind]) | free[kind]
            small = st.integers(-5, 5) if kind is LogicalType.INT64 else value
            kinds = [value, st.none() | value, st.none() | small]
            lists = [st.lists(each, min_size=count, max_size=count) for each in kinds]
            return st.one_of(lists).map(tuple)

        return st.tuples(*map(column, types)).map(
            lambda values: Table(names=tuple(names), types=tuple(types), values=values)
        )

    return st.integers(0, rows).flatmap(columns)


def plain(value: Any) -> Json:
    """A value as the output in JSON has it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and abs(value) > chunks.SAFE_INTEGER_MAX:
        return str(value)
    return value
