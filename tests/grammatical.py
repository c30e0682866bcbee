"""This file is where expressions of the whole grammar are made, in Grid's text and in DuckDB's.

Every row of the grammar gives productions: the operator with operands of certain kinds, and the
kind of what comes out. The two texts differ only where `grid.codegen.differences` says so.
"""

from __future__ import annotations

import itertools
import string
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import NamedTuple

from hypothesis import strategies as st

from grid.codegen.build import CASTS
from grid.codegen.grammar import DIFFERENCES_OF, PARTS, RULES
from grid.codegen.rule import Rule
from grid.codegen.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    TEXT,
    TIMESTAMP,
    Kind,
    Mistyped,
    Type,
    decimal,
)
from grid.conformance import NOTABLE, Table
from grid.items import LogicalType

COLUMNS: dict[str, Type] = {
    "a": INTEGER,
    "b": INTEGER,
    "x": DOUBLE,
    "y": DOUBLE,
    "t": TEXT,
    "u": TEXT,
    "f": BOOLEAN,
    "g": BOOLEAN,
    "p": decimal(9, 2),
    "q": decimal(9, 2),
    "d": DATE,
    "e": DATE,
    "m": TIMESTAMP,
    "n": TIMESTAMP,
}
LOGICAL = {
    Kind.INTEGER: LogicalType.INT64,
    Kind.DECIMAL: LogicalType.DECIMAL,
    Kind.DOUBLE: LogicalType.DOUBLE,
    Kind.BOOLEAN: LogicalType.BOOLEAN,
    Kind.TEXT: LogicalType.TEXT,
    Kind.DATE: LogicalType.DATE,
    Kind.TIMESTAMP: LogicalType.TIMESTAMP,
}
NAMES = tuple(COLUMNS)
TYPES = tuple(LOGICAL[type.kind] for type in COLUMNS.values())
KINDS = tuple(LOGICAL)
#: Targets of casts, as both spell them.
TARGETS: dict[Kind, tuple[str, ...]] = {
    Kind.INTEGER: ("BIGINT",),
    Kind.DECIMAL: ("DECIMAL(9,2)", "DECIMAL(18,6)", "DECIMAL(38,10)", "DECIMAL(4,4)"),
    Kind.DOUBLE: ("DOUBLE",),
    Kind.BOOLEAN: ("BOOLEAN",),
    Kind.TEXT: ("VARCHAR",),
    Kind.DATE: ("DATE",),
    Kind.TIMESTAMP: ("TIMESTAMP",),
}
INTEGERS = ("0", "1", "2", "3", "7", "10", "100", "128", "2147483648", "9007199254740993",
            "9223372036854775807")  # fmt: skip
DECIMALS = ("0.0", "0.5", "0.1", "1.25", ".25", "3.", "99.99", "1234567.891", "0.005", "2.5")
FLOATS = ("0e0", "1e0", "2.5e3", "5e-324", "1.7976931348623157e308", "1e16", "0.1e0", "9e15")
WORDS = ("", "a", "b", "O'Brien", "\\", "\u2028", "\ufffd", "\U0001f600", "a\U0001f600b", "<!--",
         " 12 ", "1.5", "-7", "1e3", "true", "2020-02-29", "2013-01-01 10:00:00.5", "aXbXc", "X",
         "\u00c4\u00e4Zz", "nan", "99999999999999999999", "\u3000 a\u00a0")  # fmt: skip
PATTERNS = ("%", "", "_", "a%", "%a", "%b%", "_%_", "%_b", "a_b", "%'%", "\\%", "%\U0001f600%",
            "__", "%a_b%", "%__%", "%aXb%c")  # fmt: skip
DATES = ("DATE '1970-01-01'", "DATE '2000-02-29'", "DATE '2020-12-31'", "DATE '0001-01-01'",
         "DATE '9999-12-31'")  # fmt: skip
TIMESTAMPS = ("TIMESTAMP '1970-01-01 00:00:00'", "TIMESTAMP '2013-01-01 10:59:59.999999'",
              "TIMESTAMP '1969-12-31 23:59:59.5'")  # fmt: skip
INTERVALS = ("INTERVAL 1 DAY", "INTERVAL 3 MONTH", "INTERVAL 5 HOUR", "INTERVAL 1 YEAR",
             "INTERVAL '1 month -3 days'", "INTERVAL 7 MICROSECOND",
             "INTERVAL 400 QUARTER")  # fmt: skip
LITERALS: dict[Kind, Sequence[str]] = {
    Kind.INTEGER: INTEGERS,
    Kind.DECIMAL: DECIMALS,
    Kind.DOUBLE: FLOATS,
    Kind.BOOLEAN: ("TRUE", "FALSE"),
    Kind.TEXT: tuple("'" + word.replace("'", "''") + "'" for word in WORDS),
    Kind.DATE: DATES,
    Kind.TIMESTAMP: TIMESTAMPS,
    Kind.INTERVAL: INTERVALS,
}
SQL_TYPE = {Kind.INTEGER: "BIGINT", Kind.DECIMAL: "DECIMAL(9,2)", Kind.DOUBLE: "DOUBLE",
            Kind.BOOLEAN: "BOOLEAN", Kind.TEXT: "VARCHAR", Kind.DATE: "DATE",
            Kind.TIMESTAMP: "TIMESTAMP"}  # fmt: skip
#: Their last bits are the portable libm's own.
LIBM = frozenset({"sin", "cos", "tan", "atan2", "exp", "ln", "log10", "pow"})


class Sql(NamedTuple):
    """The same expression for Grid and for DuckDB."""

    grid: str
    duckdb: str


class Production(NamedTuple):
    """An operator with operands of these kinds, and the kind that it gives."""

    op: str
    kinds: tuple[Kind, ...]
    gives: Kind

    def __str__(self) -> str:
        return f"{self.op}({', '.join(self.kinds)})"


def _sample(kind: Kind) -> Type:
    return decimal(9, 2) if kind is Kind.DECIMAL else Type(kind)


def _of_rule(rule: Rule) -> Iterator[Production]:
    if rule.op in ("cast", "try_cast"):
        for source, targets in CASTS.items():
            yield from (Production(rule.op, (source,), target) for target in targets)
        return
    if rule.op == "case":
        for kind in KINDS:
            yield Production("case", (Kind.BOOLEAN, kind, Kind.BOOLEAN, kind, kind), kind)
        return
    for signature in rule.takes:
        wanted = signature + signature[-1:] if rule.more else signature
        for kinds in itertools.product(*(sorted(each) for each in wanted)):
            try:
                yield Production(rule.op, kinds, rule.gives([_sample(kind) for kind in kinds]).kind)
            except Mistyped:
                continue


PRODUCTIONS: tuple[Production, ...] = tuple(
    dict.fromkeys(one for rule in RULES.values() for one in _of_rule(rule))
)


@cache
def _giving(kind: Kind, with_libm: bool) -> list[Production]:
    return [one for one in PRODUCTIONS if one.gives is kind and (with_libm or one.op not in LIBM)]


def _infix(op: str) -> Callable[[Sequence[str]], str]:
    return lambda args: f"({args[0]} {op} {args[1]})"


def _case(args: Sequence[str]) -> str:
    return f"CASE WHEN {args[0]} THEN {args[1]} WHEN {args[2]} THEN {args[3]} ELSE {args[4]} END"


#: How SQL spells what is no plain call.
SPELLED: dict[str, Callable[[Sequence[str]], str]] = {
    **{op: _infix(op) for op in ("+", "-", "*", "/", "//", "%", "||", "like", "and", "or")},
    **{op: _infix(op) for op in ("=", "<>", "<", "<=", ">", ">=")},
    "negate": lambda args: f"(-{args[0]})",
    "not": lambda args: f"(NOT {args[0]})",
    "between": lambda args: f"({args[0]} BETWEEN {args[1]} AND {args[2]})",
    "in": lambda args: f"({args[0]} IN ({', '.join(args[1:])}))",
    "is null": lambda args: f"({args[0]} IS NULL)",
    "case": _case,
    "position": lambda args: f"position({args[1]} IN {args[0]})",
}
UPPER, LOWER = string.ascii_uppercase, string.ascii_lowercase


def _divided(op: str) -> Callable[[Sequence[str]], str]:
    return lambda args: f"({args[0]} {op} nullif({args[1]}, 0))"


def spelled(one: Production, args: Sequence[Sql], target: str = "") -> Sql:
    """The production with these operands."""
    op = one.op
    theirs = [arg.duckdb for arg in args]
    if op in ("cast", "try_cast"):
        ours, cast = (f"{op}({text} AS {target})" for text in args[0])
        shown = one.kinds[0] is Kind.DOUBLE and one.gives is Kind.TEXT
        return Sql(ours, f"doubletext({theirs[0]})" if shown else cast)
    if op == "||":
        texts = [
            f"doubletext({text})" if kind is Kind.DOUBLE else text
            for text, kind in zip(theirs, one.kinds, strict=True)
        ]
        return Sql(f"({args[0].grid} || {args[1].grid})", f"({texts[0]} || {texts[1]})")
    if op in ("+", "-") and Kind.DATE in one.kinds and Kind.INTEGER in one.kinds:
        whole = theirs[one.kinds.index(Kind.INTEGER)]
        day = theirs[one.kinds.index(Kind.DATE)]
        ours = f"({args[0].grid} {op} {args[1].grid})"
        return Sql(ours, f"{'dayslater' if op == '+' else 'daysbefore'}({day}, {whole})")
    spell = SPELLED.get(op) or (lambda texts: f"{op}({', '.join(texts)})")
    ours = spell([arg.grid for arg in args])
    if op in ("/", "//", "%"):
        return Sql(ours, _divided(op)(theirs))
    if op == "lower":
        return Sql(ours, f"translate({theirs[0]}, '{UPPER}', '{LOWER}')")
    if op == "upper":
        return Sql(ours, f"translate({theirs[0]}, '{LOWER}', '{UPPER}')")
    if op == "extract":
        # Of a NULL that is no column it has a double there.
        whole = f"CAST(date_part({theirs[0]}, {theirs[1]}) AS BIGINT)"
        return Sql(f"date_part({args[0].grid}, {args[1].grid})", whole)
    if one.gives in (Kind.DATE, Kind.TIMESTAMP) and op in ("+", "-", "date_trunc"):
        return Sql(ours, f"inrange_{one.gives}({spell(theirs)})")
    return Sql(ours, spell(theirs))


#: DuckDB's dates go beyond four digits of the year; a row that leaves them fails here.
_ELSEWHERE = "CAST(CAST(error('out of range') AS VARCHAR) AS {})"
MACROS = (
    *(
        f"CREATE MACRO inrange_{kind}(r) AS CASE WHEN r IS NULL OR r BETWEEN {kind} '0001-01-01' "
        f"AND {kind} '{last}' THEN r ELSE {_ELSEWHERE.format(kind)} END"
        for kind, last in (("date", "9999-12-31"), ("timestamp", "9999-12-31 23:59:59.999999"))
    ),
    *(
        f"CREATE MACRO {name}(r, n) AS CASE WHEN (r IS NULL)::INT + (n IS NULL)::INT > 0 THEN NULL "
        "WHEN n BETWEEN -4000000 AND 4000000 THEN "
        f"inrange_date(r {op} CAST(n AS INTEGER)) ELSE {_ELSEWHERE.format('DATE')} END"
        for name, op in (("dayslater", "+"), ("daysbefore", "-"))
    ),
    # Its NaNs have a sign, which their text shows.
    "CREATE MACRO doubletext(r) AS CASE WHEN isnan(r) THEN 'nan' ELSE CAST(r AS VARCHAR) END",
    # Its rewriting decides which failures are seen.
    "PRAGMA disable_optimizer",
)


@st.composite
def literals(draw: st.DrawFn, kind: Kind) -> Sql:
    """A literal of the kind, or NULL."""
    if kind is not Kind.INTERVAL and draw(st.integers(0, 9)) == 0:
        typed = f"CAST(NULL AS {SQL_TYPE[kind]})"
        return Sql(typed, typed)
    text = draw(st.sampled_from(LITERALS[kind]))
    return Sql(text, f"CAST({text} AS BIGINT)" if kind is Kind.INTEGER else text)


@st.composite
def expressions(draw: st.DrawFn, kind: Kind, depth: int, *, libm: bool = False) -> Sql:
    """An expression of the kind, at most so deep."""
    if kind is Kind.INTERVAL:
        return draw(literals(kind))
    if depth == 0 or draw(st.integers(0, 5)) == 0:
        if draw(st.integers(0, 3)) == 0:
            return draw(literals(kind))
        name = draw(st.sampled_from([name for name, type in COLUMNS.items() if type.kind is kind]))
        return Sql(name, name)
    return draw(calls(draw(st.sampled_from(_giving(kind, libm))), depth, libm=libm))


@st.composite
def calls(draw: st.DrawFn, one: Production, depth: int, *, libm: bool = False) -> Sql:
    """The production with operands less deep."""
    rule = RULES[one.op]
    args = []
    for at, kind in enumerate(one.kinds):
        if at in rule.literals:
            text = draw(st.sampled_from(_fixed(one.op)))
            args.append(Sql(text, text))
        else:
            args.append(draw(expressions(kind, depth - 1, libm=libm)))
    target = draw(st.sampled_from(TARGETS[one.gives])) if one.op.endswith("cast") else ""
    return spelled(one, args, target)


def _fixed(op: str) -> Sequence[str]:
    """What a literal operand of the operator may be."""
    if op == "like":
        return ["'" + pattern.replace("'", "''") + "'" for pattern in PATTERNS]
    if op in ("round", "trunc"):
        return ["0", "1", "2", "5", "-1", "-3", "20"]
    return [f"'{part}'" for part in (PARTS if op == "extract" else DIFFERENCES_OF)]


def notable(rows: int) -> Table:
    """A table in which every value that has made trouble stands beside several others."""
    columns = []
    for at, kind in enumerate(TYPES):
        values = [None, *NOTABLE[kind]]
        columns.append(tuple(values[(row * (at + 1) + at) % len(values)] for row in range(rows)))
    return Table(names=NAMES, types=TYPES, values=tuple(columns))
