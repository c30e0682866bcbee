"""This file is where the aggregates stand: a row for each, with what hosts compute for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from grid.codegen.rule import ANY, FLAG, MOMENT, NUMBER, Kinds
from grid.codegen.types import BOOLEAN, DOUBLE, INTEGER, PRECISION_MAX, TIMESTAMP, Kind, Type
from grid.codegen.types import decimal as decimal_type


class State(StrEnum):
    """What a host computes for a group and an expression."""

    #: How many rows; of no expression.
    ROWS = "rows"
    #: How many values, which are never NULL.
    COUNT = "count"
    #: Their exact sum.
    SUM = "sum"
    #: The exact sum of their squares.
    SQUARES = "squares"
    LEAST = "least"
    GREATEST = "greatest"


class Aggregate(Struct, frozen=True, kw_only=True):
    """A function of many values."""

    #: Its name in a spec, and in the table.
    name: str
    #: Its names in SQL.
    names: tuple[str, ...]
    #: What it is, for people.
    says: str
    takes: Kinds
    #: The type of what it gives, from that of its operand, and from whether all the operand's
    #: values are proved to be within 32 bits.
    gives: Callable[[Type, bool], Type]
    states: tuple[State, ...]


def _sum_type(type: Type, narrow: bool) -> Type:
    """Of whole numbers what holds any sum: 2^32 values of 32 bits need 64, and 38 digits hold the
    sum of 10^19 values of 64 bits."""
    if type.kind is Kind.DOUBLE:
        return DOUBLE
    if type.kind is Kind.BOOLEAN or (type.kind is Kind.INTEGER and narrow):
        return INTEGER
    return decimal_type(PRECISION_MAX, type.scale)


def _mean_type(type: Type, narrow: bool) -> Type:
    return TIMESTAMP if type.kind in MOMENT else DOUBLE


def _same(type: Type, narrow: bool) -> Type:
    return type


def _always(type: Type) -> Callable[[Type, bool], Type]:
    return lambda given, narrow: type


def _spread(name: str, says: str, *aliases: str) -> Aggregate:
    return Aggregate(
        name=name,
        names=(name.lower(), *aliases),
        says=says,
        takes=NUMBER,
        gives=_always(DOUBLE),
        states=(State.COUNT, State.SUM, State.SQUARES),
    )


TABLE = (
    Aggregate(
        name="COUNT",
        names=("count",),
        says="how many values there are; how many rows, of nothing or `*`",
        takes=ANY,
        gives=_always(INTEGER),
        states=(State.COUNT,),
    ),
    Aggregate(
        name="SUM",
        names=("sum",),
        says="the exact sum, of doubles rounded once; of booleans how many are true",
        takes=NUMBER | FLAG,
        gives=_sum_type,
        states=(State.COUNT, State.SUM),
    ),
    Aggregate(
        name="MIN",
        names=("min",),
        says="the least value; NaN is the greatest, text goes by its UTF-8 bytes",
        takes=ANY,
        gives=_same,
        states=(State.LEAST,),
    ),
    Aggregate(
        name="MAX",
        names=("max",),
        says="the greatest value",
        takes=ANY,
        gives=_same,
        states=(State.GREATEST,),
    ),
    Aggregate(
        name="MEAN",
        names=("avg", "mean"),
        says="the exact sum divided by how many there are, rounded once",
        takes=NUMBER | MOMENT,
        gives=_mean_type,
        states=(State.COUNT, State.SUM),
    ),
    _spread("STDDEV_SAMP", "the standard deviation of a sample, rounded once", "stddev"),
    _spread("STDDEV_POP", "the standard deviation of a population, rounded once"),
    _spread("VAR_SAMP", "the variance of a sample, rounded once", "variance"),
    _spread("VAR_POP", "the variance of a population, rounded once"),
    Aggregate(
        name="BOOL_AND",
        names=("bool_and",),
        says="whether all are true",
        takes=FLAG,
        gives=_always(BOOLEAN),
        states=(State.LEAST,),
    ),
    Aggregate(
        name="BOOL_OR",
        names=("bool_or",),
        says="whether any is true",
        takes=FLAG,
        gives=_always(BOOLEAN),
        states=(State.GREATEST,),
    ),
)
AGGREGATES: Mapping[str, Aggregate] = {one.name: one for one in TABLE}
#: Name in SQL, in lower case → the aggregate.
BY_SQL: Mapping[str, Aggregate] = {name: one for one in TABLE for name in one.names}
