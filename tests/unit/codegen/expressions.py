"""This file is where random conditions are made, in Grid's text and in DuckDB's.

The two differ only where `grid.codegen.differences` says so: DuckDB gets 128-bit integers, doubles
for decimal literals, and NULL for a zero divisor. Every condition is within the limits of
`grid.codegen.parse`: `depth` falls with every parenthesis, so that none is nested too deeply.
"""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from grid.items import LogicalType

NAMES = ("a", "b", "x", "y", "t", "u", "f", "g")
TYPES = (
    LogicalType.INT64,
    LogicalType.INT64,
    LogicalType.DOUBLE,
    LogicalType.DOUBLE,
    LogicalType.TEXT,
    LogicalType.TEXT,
    LogicalType.BOOLEAN,
    LogicalType.BOOLEAN,
)
INTEGERS = (0, 1, 2, 3, 7, 100, 127, 128, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 10**25)
DECIMALS = ("0.0", "0.5", "0.1", "1e0", "2.5e3", ".25", "3.", "5e-324", "1.7976931348623157e308")
TEXTS = ("", "a", "b", "O'Brien", "\\", "\u2028", "\ufffd", "\U0001f600", "a\U0001f600b", "<!--")
PATTERNS = (
    "%",
    "",
    "_",
    "a%",
    "%a",
    "%b%",
    "_%_",
    "%_b",
    "a_b",
    "%'%",
    "\\%",
    "%\U0001f600%",
    "__",
)


class Sql(NamedTuple):
    """The same expression for Grid and for DuckDB."""

    grid: str
    duckdb: str


def both(text: str) -> Sql:
    return Sql(text, text)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def parenthesised(sql: Sql) -> Sql:
    return Sql(f"({sql.grid})", f"({sql.duckdb})")


@st.composite
def numbers(draw: st.DrawFn, depth: int = 3) -> tuple[Sql, bool]:
    """A numeric expression, and whether it is one word."""
    kind = draw(st.sampled_from(["column", "integer", "decimal", "null", "neg", *["op"] * 6]))
    if kind == "column" or depth == 0:
        name = draw(st.sampled_from(NAMES[:4]))
        wide = f"CAST({name} AS HUGEINT)" if name in "ab" else name
        return Sql(name, wide), True
    if kind == "integer":
        value = draw(st.sampled_from(INTEGERS) | st.integers(0, 200))
        return Sql(str(value), f"CAST({value} AS HUGEINT)"), True
    if kind == "decimal":
        spelled = draw(st.sampled_from(DECIMALS))
        return Sql(spelled, f"CAST('{spelled}' AS DOUBLE)"), True
    if kind == "null":
        return both("NULL"), True
    left, word = draw(numbers(depth - 1))
    if kind == "neg":
        item = left if word else parenthesised(left)
        return Sql(f"-{item.grid}", f"-{item.duckdb}"), False
    right, right_word = draw(numbers(depth - 1))
    op = draw(st.sampled_from("+-*/%"))
    if not word and draw(st.booleans()):
        left = parenthesised(left)
    if op in "/%":
        divisor = right if right_word else parenthesised(right)
        return Sql(
            f"{left.grid} {op} {divisor.grid}", f"{left.duckdb} {op} nullif({divisor.duckdb}, 0)"
        ), False
    if not right_word and draw(st.booleans()):
        right = parenthesised(right)
    return Sql(f"{left.grid} {op} {right.grid}", f"{left.duckdb} {op} {right.duckdb}"), False


TEXT_OPERANDS = st.sampled_from(["t", "u"]) | st.sampled_from(TEXTS).map(quoted)
OPERATORS = st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="])


@st.composite
def operands(draw: st.DrawFn, count: int, depth: int) -> list[Sql]:
    """Operands that can be compared with one another."""
    kinds = ["number", "number", "text", *(["boolean"] if depth else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "number":
        return [draw(numbers())[0] for _ in range(count)]
    if kind == "text":
        return [both(draw(TEXT_OPERANDS)) for _ in range(count)]
    return [parenthesised(draw(conditions(min(depth - 1, 1)))) for _ in range(count)]


@st.composite
def conditions(draw: st.DrawFn, depth: int = 3) -> Sql:
    """A condition of any shape the language has."""
    simple = ["compare", "compare", "between", "in", "like", "null", "column", "literal"]
    kind = draw(st.sampled_from([*simple, *["logic", "logic", "not"] * 2] if depth else simple[:2]))
    if kind == "compare":
        left, right = draw(operands(2, depth))
        op = draw(OPERATORS)
        return Sql(f"{left.grid} {op} {right.grid}", f"{left.duckdb} {op} {right.duckdb}")
    if kind == "between":
        item, low, high = draw(operands(3, depth))
        return Sql(
            f"{item.grid} BETWEEN {low.grid} AND {high.grid}",
            f"{item.duckdb} BETWEEN {low.duckdb} AND {high.duckdb}",
        )
    if kind == "in":
        item, *options = draw(operands(draw(st.integers(2, 5)), depth))
        word = draw(st.sampled_from(["IN", "NOT IN"]))
        return Sql(
            f"{item.grid} {word} ({', '.join(option.grid for option in options)})",
            f"{item.duckdb} {word} ({', '.join(option.duckdb for option in options)})",
        )
    if kind == "like":
        word = draw(st.sampled_from(["LIKE", "NOT LIKE"]))
        name, pattern = draw(st.sampled_from("tu")), draw(st.sampled_from(PATTERNS))
        return both(f"{name} {word} {quoted(pattern)}")
    if kind == "null":
        (item,) = draw(operands(1, depth))
        word = draw(st.sampled_from(["IS NULL", "IS NOT NULL"]))
        return Sql(f"({item.grid}) {word}", f"({item.duckdb}) {word}")
    if kind == "column":
        return both(draw(st.sampled_from("fg")))
    if kind == "literal":
        return both(draw(st.sampled_from(["TRUE", "FALSE", "NULL"])))
    left = draw(conditions(depth - 1))
    if kind == "not":
        return Sql(f"NOT ({left.grid})", f"NOT ({left.duckdb})")
    right = draw(conditions(depth - 1))
    word = draw(st.sampled_from(["AND", "OR"]))
    if draw(st.booleans()):
        left = parenthesised(left)
    if draw(st.booleans()):
        right = parenthesised(right)
    return Sql(f"{left.grid} {word} {right.grid}", f"{left.duckdb} {word} {right.duckdb}")
