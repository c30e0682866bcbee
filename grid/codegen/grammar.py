"""This file is where the language stands: a row for every operator and function it has.

The type checker, the docs page and the tests are driven from this table; each row's JavaScript is
in `grid.codegen.emission` and its Python in `grid.codegen.reference`, under the same name.
"""

from __future__ import annotations

from collections.abc import Mapping

from grid.codegen.rule import (
    FLAG,
    MOMENT,
    NUMBER,
    TEXTUAL,
    WHOLE_NUMBER,
    Kinds,
    Rule,
    always,
    first,
    whole_type,
)
from grid.codegen.rule_operators import OPERATORS
from grid.codegen.types import BOOLEAN, DOUBLE, INTEGER, TEXT, TIMESTAMP, Type, common

#: Parts that extract, date_diff and date_trunc know, singular; each may also be spelled with an s.
DIFFERENCES_OF = tuple(
    "year quarter month week day hour minute second millisecond microsecond".split()  # noqa: SIM905
)
PARTS = (*DIFFERENCES_OF, "dow", "isodow", "doy", "isoyear", "decade", "century")
OVERFLOW = "integer overflow"
TOO_LONG = "a text of more than 2^20 UTF-16 units"
TOO_LONG_TO_COMPARE = "a text of more than 1024 bytes"

NUMERIC = (
    Rule(
        op="abs",
        spelled="abs(x)",
        says="the number without its sign",
        names=("abs",),
        takes=((NUMBER,),),
        gives=first,
        fails=OVERFLOW,
    ),
    Rule(
        op="sign",
        spelled="sign(x)",
        says="−1, 0 or 1; 0 for NaN",
        names=("sign",),
        takes=((NUMBER,),),
        gives=always(INTEGER),
    ),
    Rule(
        op="floor",
        spelled="floor(x)",
        says="the greatest whole number that is not above x",
        names=("floor",),
        takes=((NUMBER,),),
        gives=whole_type,
    ),
    Rule(
        op="ceil",
        spelled="ceil(x)",
        says="the least whole number that is not below x; also `ceiling`",
        names=("ceil", "ceiling"),
        takes=((NUMBER,),),
        gives=whole_type,
    ),
    Rule(
        op="round",
        spelled="round(x[, digits])",
        says="x to so many digits behind the point (a literal), halves away from zero",
        names=("round",),
        takes=((NUMBER,), (NUMBER, WHOLE_NUMBER)),
        gives=first,
        literals=frozenset({1}),
        fails=OVERFLOW,
    ),
    Rule(
        op="trunc",
        spelled="trunc(x[, digits])",
        says="x to so many digits behind the point (a literal), towards zero",
        names=("trunc",),
        takes=((NUMBER,), (NUMBER, WHOLE_NUMBER)),
        gives=first,
        literals=frozenset({1}),
    ),
    Rule(
        op="greatest",
        spelled="greatest(a, b, …)",
        says="the greatest operand that is not NULL",
        names=("greatest",),
        takes=((NUMBER,), (TEXTUAL,), (FLAG,), (MOMENT,)),
        gives=common,
        more=True,
        strict=False,
    ),
    Rule(
        op="least",
        spelled="least(a, b, …)",
        says="the least operand that is not NULL",
        names=("least",),
        takes=((NUMBER,), (TEXTUAL,), (FLAG,), (MOMENT,)),
        gives=common,
        more=True,
        strict=False,
    ),
)


def _of_doubles(name: str, says: str, *aliases: str, count: int = 1) -> Rule:
    letters = "x" if count == 1 else "y, x" if name == "atan2" else "x, y"
    return Rule(
        op=name,
        spelled=f"{name}({letters})",
        says=says,
        names=(name, *aliases),
        takes=((NUMBER,) * count,),
        gives=always(DOUBLE),
    )


DOUBLES = (
    _of_doubles("sqrt", "the square root; NaN below 0"),
    _of_doubles("sin", "the sine of an angle in radians"),
    _of_doubles("cos", "the cosine of an angle in radians"),
    _of_doubles("tan", "the tangent of an angle in radians"),
    _of_doubles("atan2", "the angle of the point (x, y)", count=2),
    _of_doubles("exp", "e to the power of x"),
    _of_doubles("ln", "the natural logarithm; −Infinity for 0, NaN below"),
    _of_doubles("log10", "the logarithm to base 10; also `log`", "log"),
    _of_doubles("pow", "x to the power of y; also `power` and `x ** y`", "power", count=2),
)


def _of_text(
    op: str,
    spelled: str,
    says: str,
    *rest: Kinds,
    gives: Type = TEXT,
    short: int = 0,
    names: tuple[str, ...] = (),
    fails: str = "",
) -> Rule:
    """A function whose first operand is text; the last `short` of the others may be left out."""
    signature = (TEXTUAL, *rest)
    takes = tuple(signature[: len(signature) - left] for left in range(short, -1, -1))
    return Rule(
        op=op,
        spelled=spelled,
        says=says,
        names=(op, *names),
        takes=takes,
        gives=always(gives),
        fails=fails,
    )


TEXTS = (
    _of_text("lower", "lower(t)", "A to Z in lower case"),
    _of_text("upper", "upper(t)", "a to z in upper case"),
    _of_text("trim", "trim(t[, chars])", "without blanks (or these) at its ends", TEXTUAL, short=1),
    _of_text("ltrim", "ltrim(t[, chars])", "the same at the start", TEXTUAL, short=1),
    _of_text("rtrim", "rtrim(t[, chars])", "the same at the end", TEXTUAL, short=1),
    _of_text(
        "replace", "replace(t, old, new)", "every `old`, from the left, as `new`", TEXTUAL, TEXTUAL,
        fails=TOO_LONG,
    ),
    _of_text(
        "substr",
        "substr(t, start[, length])",
        "code points from `start`, counted from 1, or from the end when negative; also `substring`",
        WHOLE_NUMBER, WHOLE_NUMBER, short=1, names=("substring",),
    ),
    _of_text(
        "length", "length(t)", "how many code points; also `len`", gives=INTEGER, names=("len",)
    ),
    _of_text(
        "position", "position(part IN t)", "where it first stands, from 1; 0 nowhere; also "
        "`strpos(t, part)` and `instr`", TEXTUAL, gives=INTEGER, names=("strpos", "instr"),
    ),
    _of_text("starts_with", "starts_with(t, start)", "whether it does", TEXTUAL, gives=BOOLEAN,
             names=("prefix",)),
    _of_text("ends_with", "ends_with(t, end)", "whether it does", TEXTUAL, gives=BOOLEAN,
             names=("suffix",)),
    _of_text(
        "split_part", "split_part(t, separator, n)", "the n-th piece, from 1, or from the end when "
        "negative; empty where there is none", TEXTUAL, WHOLE_NUMBER,
    ),
    _of_text(
        "levenshtein", "levenshtein(t, u)", "how many bytes of UTF-8 to put in, leave out or "
        "change to make one the other; also `edit_distance`", TEXTUAL, gives=INTEGER,
        names=("edit_distance", "editdist3"), fails=TOO_LONG_TO_COMPARE,
    ),
    _of_text(
        "jaro_winkler_similarity", "jaro_winkler_similarity(t, u)", "how alike they are, from 0 to "
        "1, by bytes of UTF-8", TEXTUAL, gives=DOUBLE, fails=TOO_LONG_TO_COMPARE,
    ),
)  # fmt: skip

DATES = (
    Rule(
        op="extract",
        spelled="extract(part FROM x)",
        says="year, month, day, hour, minute, second …; also `date_part('part', x)`, `year(x)` …",
        takes=((TEXTUAL, MOMENT),),
        gives=always(INTEGER),
        names=("date_part", "datepart"),
        literals=frozenset({0}),
    ),
    Rule(
        op="epoch",
        spelled="epoch(x)",
        says="seconds since 1970-01-01, with their fraction",
        takes=((MOMENT,),),
        gives=always(DOUBLE),
        names=("epoch",),
    ),
    Rule(
        op="date_diff",
        spelled="date_diff('part', from, to)",
        says="how often the part changes between the two; of weeks, how many are complete",
        takes=((TEXTUAL, MOMENT, MOMENT),),
        gives=always(INTEGER),
        names=("date_diff", "datediff"),
        literals=frozenset({0}),
    ),
    Rule(
        op="date_trunc",
        spelled="date_trunc('part', x)",
        says="the timestamp at which that year, month, week, day, hour … began",
        takes=((TEXTUAL, MOMENT),),
        gives=always(TIMESTAMP),
        names=("date_trunc", "datetrunc"),
        literals=frozenset({0}),
        fails="a timestamp before year 1",
    ),
)

RULES: Mapping[str, Rule] = {
    rule.op: rule for rule in (*OPERATORS, *NUMERIC, *DOUBLES, *TEXTS, *DATES)
}
#: Name of a function in lower case → its rule.
FUNCTIONS: Mapping[str, Rule] = {name: rule for rule in RULES.values() for name in rule.names}
#: Functions that are a part of extract: year(x) is extract(year FROM x).
PART_FUNCTIONS: Mapping[str, str] = {
    **{name: name for name in PARTS if name not in ("dow", "doy")},
    "dayofmonth": "day",
    "dayofweek": "dow",
    "weekday": "dow",
    "dayofyear": "doy",
    "weekofyear": "week",
}
