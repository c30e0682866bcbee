"""This file is where a job type says that it counts points.

A point is a number from 0 on: a random stream, a block of keys, a row of an image, a pair of rows.
Nothing is stored of it; every host makes its points from their numbers.
"""

from __future__ import annotations

from msgspec import Struct

from grid.items import Column, LogicalType, PhysicalType, PointRange

#: Every number up to this is exact as a double, which is what programs count with.
POINTS_MAX = 2**53
#: Numbers of points below this are 32-bit whole numbers to a program, above it they are BigInts.
NARROW_MAX = 2**31


class Points(Struct, frozen=True, kw_only=True):
    """What a job counts through instead of a data set's chunks: 0 to `count` − 1."""

    count: int
    #: Nanoseconds one takes a usual browser, as whoever wrote the job type saw it: work units are
    #: sized by it until the grid has measured.
    point_ns: int
    #: How many a work unit holds at most, so that its answer and what it allocates stay small.
    per_workunit_max: int = 1 << 20


def index_column(count: int) -> Column:
    """The one column of the chunk that is made of points: their numbers, of `count` in all."""
    return Column(name="index", type=LogicalType.INT64, physical=_physical(count), nullable=False)


def point_range(total: int, first: int, count: int) -> PointRange:
    """Some of a job's `total` points."""
    return PointRange(first=first, count=count, physical=_physical(total))


def _physical(total: int) -> PhysicalType:
    return PhysicalType.INT32 if total <= NARROW_MAX else PhysicalType.INT64
