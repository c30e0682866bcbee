"""This file is where CAST, typed literals and intervals are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from grid.codegen import build
from grid.codegen.build import Place
from grid.codegen.tree import Expr, Literal
from grid.codegen.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    INTERVAL,
    PRECISION_MAX,
    TEXT,
    TIMESTAMP,
    Type,
    decimal,
)
from grid.values import DAY_MICROSECONDS

DataType = exp.DType
#: SQL's names of types → ours; 32 bits are 64 here (`grid.codegen.differences`).
TYPES: dict[Any, Type] = {
    DataType.BIGINT: INTEGER,
    DataType.INT: INTEGER,
    DataType.DOUBLE: DOUBLE,
    DataType.BOOLEAN: BOOLEAN,
    DataType.TEXT: TEXT,
    DataType.VARCHAR: TEXT,
    DataType.DATE: DATE,
    DataType.TIMESTAMP: TIMESTAMP,
    DataType.TIMESTAMPNTZ: TIMESTAMP,
}
#: Unit of an interval → its months, days and microseconds.
UNITS = {
    "year": (12, 0, 0),
    "quarter": (3, 0, 0),
    "month": (1, 0, 0),
    "week": (0, 7, 0),
    "day": (0, 1, 0),
    "hour": (0, 0, 3_600_000_000),
    "minute": (0, 0, 60_000_000),
    "second": (0, 0, 1_000_000),
    "millisecond": (0, 0, 1_000),
    "microsecond": (0, 0, 1),
}
PIECE = re.compile(r"\s*(-?[0-9]{1,9})\s*([a-zA-Z]+)")
#: No interval is longer than the calendar has days, so that sums stay whole numbers of 64 bits.
MONTHS_MAX = 12 * 10_000
MICROSECONDS_MAX = 10_000 * 366 * DAY_MICROSECONDS


def cast(node: exp.Expr, read: Callable[[exp.Expr], Expr], place: Place) -> Expr:
    """`CAST(item AS type)`, `item::type`, `TRY_CAST(…)`, `DATE 'text'`, `TIMESTAMP 'text'`."""
    for name, value in node.args.items():
        if name not in ("this", "to", "safe") and value:
            raise place.refuse(f"{name.upper()} in a cast is not part of the language")
    type = _type(node.args["to"], place)
    item, tried = read(node.this), isinstance(node, exp.TryCast)
    of_text = isinstance(item, Literal) and isinstance(item.value, str)
    if type in (DATE, TIMESTAMP) and of_text and not tried:
        return build.moment(str(item.value), type, place)  # type: ignore[union-attr]
    return build.cast(item, type, place, tried=tried)


def _type(node: exp.Expr, place: Place) -> Type:
    if not isinstance(node, exp.DataType):
        raise place.refuse("this is no type")
    sizes = [str(item.this) for item in node.expressions]
    if node.this is DataType.DECIMAL and not node.args.get("nested"):
        return _decimal(sizes, place)
    found = TYPES.get(node.this)
    if found is None or sizes or node.args.get("nested"):
        known = "BIGINT, DECIMAL(p,s), DOUBLE, BOOLEAN, TEXT, DATE, TIMESTAMP"
        raise place.refuse(f"{node.sql('duckdb')} is no type here; these are: {known}")
    return found


def _decimal(sizes: list[str], place: Place) -> Type:
    """DECIMAL is DECIMAL(18,3), and DECIMAL(p) is DECIMAL(p,0), as in DuckDB."""
    if not all(size.isdigit() and len(size) < 4 for size in sizes) or len(sizes) > 2:
        raise place.refuse("DECIMAL(p,s) has whole numbers of digits")
    precision, scale = (*map(int, sizes), 0, 0)[:2] if sizes else (18, 3)
    if not 1 <= precision <= PRECISION_MAX or scale > precision:
        raise place.refuse(f"DECIMAL(p,s) has 1 to {PRECISION_MAX} digits, and s of them or fewer")
    return decimal(precision, scale)


def interval(node: exp.Expr, place: Place) -> Literal:
    """`INTERVAL 3 DAY`, `INTERVAL '3' DAY`, `INTERVAL '1 month 3 days'`."""
    amount, unit = node.this, node.args.get("unit")
    if not isinstance(amount, exp.Literal):
        raise place.refuse("an interval has a whole number and a unit: INTERVAL 3 DAY")
    text = f"{amount.this} {unit.name}" if unit is not None else str(amount.this)
    total, at = [0, 0, 0], 0
    while at < len(text.rstrip()):
        piece = PIECE.match(text, at)
        name = "" if piece is None else piece[2].lower()
        size = UNITS.get(name) or UNITS.get(name.removesuffix("s"))
        if piece is None or size is None:
            raise place.refuse(f"{text[:40]!r} is no interval; units are {', '.join(UNITS)}")
        total = [sum(pair) for pair in zip(total, (int(piece[1]) * x for x in size), strict=True)]
        at = piece.end()
    months, days, microseconds = total
    if (
        not text.strip()
        or abs(months) > MONTHS_MAX
        or (abs(days) * DAY_MICROSECONDS + abs(microseconds) > MICROSECONDS_MAX)
    ):
        raise place.refuse("an interval has at most ten thousand years")
    return Literal(INTERVAL, (months, days, microseconds))
