"""This file is where the rows of the grammar stand that have a syntax of their own: operators."""

from __future__ import annotations

from collections.abc import Sequence

from grid.codegen.rule import (
    ANY,
    DAY,
    FLAG,
    MOMENT,
    NUMBER,
    SPAN,
    TEXTUAL,
    WHOLE_NUMBER,
    Rule,
    Signature,
    always,
    first,
    moment_type,
    product_type,
    remainder_type,
    sum_type,
    text_type,
)
from grid.codegen.types import BOOLEAN, DOUBLE, INTEGER, TIMES, Type, common, comparable

OVERFLOW = "overflow"
ORDERED: tuple[Signature, ...] = (
    (NUMBER, NUMBER),
    (TEXTUAL, TEXTUAL),
    (FLAG, FLAG),
    (MOMENT, MOMENT),
)


def _of_order(types: Sequence[Type]) -> Type:
    comparable(types)
    return BOOLEAN


def _sum(types: Sequence[Type]) -> Type:
    return moment_type(types) if {one.kind for one in types} & TIMES else sum_type(types)


def _compared(op: str, says: str) -> Rule:
    return Rule(op=op, spelled=f"a {op} b", says=says, takes=ORDERED, gives=_of_order)


ARITHMETIC = (
    Rule(
        op="+",
        spelled="a + b",
        says="the sum; a date plus days; a date or timestamp plus `INTERVAL n unit`",
        takes=(
            (NUMBER, NUMBER),
            (DAY, WHOLE_NUMBER),
            (WHOLE_NUMBER, DAY),
            (MOMENT, SPAN),
            (SPAN, MOMENT),
        ),
        gives=_sum,
        fails=OVERFLOW,
    ),
    Rule(
        op="-",
        spelled="a - b",
        says="the difference; of two dates, the days between; of a date and days, or a date or "
        "timestamp and `INTERVAL n unit`, the one before",
        takes=((NUMBER, NUMBER), (DAY, WHOLE_NUMBER), (DAY, DAY), (MOMENT, SPAN)),
        gives=_sum,
        fails=OVERFLOW,
    ),
    Rule(
        op="*",
        spelled="a * b",
        says="the product",
        takes=((NUMBER, NUMBER),),
        gives=product_type,
        fails=OVERFLOW,
    ),
    Rule(
        op="/",
        spelled="a / b",
        says="the quotient, a double; NULL where b is 0",
        takes=((NUMBER, NUMBER),),
        gives=always(DOUBLE),
    ),
    Rule(
        op="//",
        spelled="a // b",
        says="the whole quotient of integers, towards zero; NULL where b is 0",
        takes=((WHOLE_NUMBER, WHOLE_NUMBER),),
        gives=always(INTEGER),
        fails=OVERFLOW,
    ),
    Rule(
        op="%",
        spelled="a % b",
        says="the remainder, with the sign of a; NULL where b is 0",
        takes=((NUMBER, NUMBER),),
        gives=remainder_type,
        fails=OVERFLOW,
    ),
    Rule(
        op="negate",
        spelled="-a",
        says="the negative",
        takes=((NUMBER,),),
        gives=first,
        fails=OVERFLOW,
    ),
)

LOGIC = (
    _compared("=", "whether they are equal; NaN equals itself"),
    _compared("<>", "whether they differ; also `!=`"),
    _compared("<", "whether a comes before b: NaN last, text by its UTF-8 bytes, TRUE last"),
    _compared("<=", "whether a comes before b or equals it"),
    _compared(">", "whether a comes behind b"),
    _compared(">=", "whether a comes behind b or equals it"),
    Rule(
        op="between",
        spelled="a BETWEEN low AND high",
        says="whether low <= a AND a <= high",
        takes=tuple((*pair, pair[0]) for pair in ORDERED),
        gives=_of_order,
        strict=False,
    ),
    Rule(
        op="in",
        spelled="a IN (b, …)",
        says="whether a equals one of them",
        takes=ORDERED,
        gives=_of_order,
        more=True,
        strict=False,
    ),
    Rule(
        op="like",
        spelled="t LIKE 'pattern'",
        says="whether the whole text fits: % is any text, _ any one code point, nothing escapes",
        takes=((TEXTUAL, TEXTUAL),),
        gives=always(BOOLEAN),
        literals=frozenset({1}),
    ),
    Rule(
        op="is null",
        spelled="a IS NULL",
        says="whether there is no value; also `IS NOT NULL`",
        takes=((ANY,),),
        gives=always(BOOLEAN),
        strict=False,
    ),
    Rule(
        op="and",
        spelled="a AND b",
        says="FALSE if any is FALSE, else NULL if any is NULL, else TRUE",
        takes=((FLAG, FLAG),),
        gives=always(BOOLEAN),
        more=True,
        strict=False,
    ),
    Rule(
        op="or",
        spelled="a OR b",
        says="TRUE if any is TRUE, else NULL if any is NULL, else FALSE",
        takes=((FLAG, FLAG),),
        gives=always(BOOLEAN),
        more=True,
        strict=False,
    ),
    Rule(op="not", spelled="NOT a", says="the opposite", takes=((FLAG,),), gives=always(BOOLEAN)),
)

CHOICES = (
    Rule(
        op="case",
        spelled="CASE [a] WHEN b THEN c … [ELSE d] END",
        says="the value behind the first condition that is true; the others' errors do not count",
        takes=((FLAG, ANY, ANY),),
        gives=common,
        more=True,
        strict=False,
    ),
    Rule(
        op="coalesce",
        spelled="COALESCE(a, b, …)",
        says="the first operand that is not NULL; also `ifnull`",
        takes=((ANY,),),
        gives=common,
        names=("coalesce", "ifnull"),
        more=True,
        strict=False,
    ),
    Rule(
        op="nullif",
        spelled="NULLIF(a, b)",
        says="a, or NULL where it equals b",
        takes=ORDERED,
        gives=first,
        names=("nullif",),
        strict=False,
    ),
    Rule(
        op="cast",
        spelled="CAST(a AS type)",
        says="a as another type; also `a::type`; a row fails where there is no such value",
        takes=((ANY,),),
        gives=first,
        fails="there is no such value in the type",
    ),
    Rule(
        op="try_cast",
        spelled="TRY_CAST(a AS type)",
        says="the same with NULL where there is no such value",
        takes=((ANY,),),
        gives=first,
    ),
    Rule(
        op="||",
        spelled="a || b",
        says="both texts behind one another; what is no text is cast to it",
        takes=((ANY, ANY),),
        gives=text_type,
        fails="a text of more than 2^20 UTF-16 units",
    ),
)
OPERATORS = (*ARITHMETIC, *LOGIC, *CHOICES)
