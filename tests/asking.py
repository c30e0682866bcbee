"""This file is where whole queries are made, in Grid's text and in DuckDB's, and large tables."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from grammatical import KINDS, NAMES, TYPES, Sql, expressions
from hypothesis import strategies as st

from grid.codegen.types import Kind
from grid.conformance import NOTABLE, Table
from grid.items import LogicalType

#: Kinds whose least value is the same however it was computed.
EXACT = (Kind.INTEGER, Kind.TEXT, Kind.DATE, Kind.BOOLEAN)
WAYS = ("", "DESC", "NULLS FIRST", "DESC NULLS FIRST")


class Query(NamedTuple):
    """A query in both texts, and the kinds of its columns."""

    grid: str
    duckdb: str
    kinds: tuple[Kind, ...]


@st.composite
def grouped(draw: st.DrawFn, *, libm: bool = False) -> Query:
    """Groups by anything, conditions before and after, in any order, some of the rows.

    The columns are two keys, the least value, how many rows, and a sum.
    """

    def drawn(kind: Kind) -> Sql:
        return draw(expressions(kind, 1, libm=libm))

    kinds = [draw(st.sampled_from(KINDS)) for _ in range(2)]
    key, other = map(drawn, kinds)
    kind = draw(st.sampled_from(EXACT))
    where, least, added = drawn(Kind.BOOLEAN), drawn(kind), drawn(Kind.INTEGER)
    having, limit = draw(st.sampled_from(("<", ">="))), draw(st.integers(0, 5))

    def text(at: int) -> str:
        return (
            f"SELECT {key[at]} AS k, {other[at]} AS l, min({least[at]}) AS m, count(*) AS n, "
            f"sum({added[at]}) AS s FROM data WHERE {where[at]} GROUP BY k, l "
            f"HAVING count(*) {having} 5 ORDER BY n DESC, k, l NULLS FIRST LIMIT {limit} OFFSET 1"
        )

    return Query(text(0), text(1), (*kinds, kind, Kind.INTEGER, Kind.INTEGER))


@st.composite
def ordered(draw: st.DrawFn, *, libm: bool = False) -> Query:
    """The first rows of any order; of rows that it leaves equal all columns are."""

    def drawn(kind: Kind) -> Sql:
        return draw(expressions(kind, 1, libm=libm))

    kind = draw(st.sampled_from((Kind.INTEGER, Kind.TEXT, Kind.BOOLEAN)))
    by = draw(st.sampled_from(KINDS))
    shown, first = drawn(kind), drawn(by)
    where, limit = drawn(Kind.BOOLEAN), draw(st.integers(0, 6))
    ways = [draw(st.sampled_from(WAYS)) for _ in range(2)]

    def text(at: int) -> str:
        return (
            f"SELECT {shown[at]} AS s, {first[at]} AS o FROM data WHERE {where[at]} "
            f"ORDER BY o {ways[0]}, s {ways[1]} LIMIT {limit} OFFSET 1"
        )

    return Query(text(0), text(1), (kind, by))


@st.composite
def large_tables(draw: st.DrawFn, rows_max: int) -> Table:
    """Up to so many rows of notable values and of common ones."""
    rows, random = draw(st.integers(rows_max // 10, rows_max)), Random(draw(st.integers(0, 10**9)))
    common: dict[LogicalType, list[object]] = {
        LogicalType.INT64: [*range(-20, 20)],
        LogicalType.DOUBLE: [n / 8 for n in range(-20, 20)],
        LogicalType.BOOLEAN: [True, False],
        LogicalType.TEXT: [f"word {n}" for n in range(50)],
        LogicalType.DECIMAL: [n * 25 for n in range(-20, 20)],
        LogicalType.DATE: [15_000 + n for n in range(100)],
        LogicalType.TIMESTAMP: [n * 3_600_000_000 for n in range(1000)],
    }
    values = []
    for kind in TYPES:
        pool = common[kind] if draw(st.booleans()) else [*common[kind], *NOTABLE[kind], None]
        values.append(tuple(random.choices(pool, k=rows)))
    return Table(names=NAMES, types=TYPES, values=tuple(values))
