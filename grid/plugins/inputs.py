"""This file is where it is known what the program of a work unit is given."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from grid.items import DataSet, Job, Json, PointRange
from grid.plugins.contract import Chunk, JobType
from grid.plugins.points import point_range


class Inputs(Struct, frozen=True, kw_only=True):
    """What the program gets for one work unit: its points, if any, then chunks of the data set."""

    points: PointRange | None
    #: Which chunks, in order; how many rows each has, and the number of its first row in the data
    #: set.
    chunks: tuple[int, ...]
    chunk_rows: tuple[int, ...]
    first_rows: tuple[int, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """What the contract calls `rows`: how many points, if any, then those of each chunk."""
        return self.chunk_rows if self.points is None else (self.points.count, *self.chunk_rows)


def inputs_of(
    job: Job, job_type: JobType, dataset: DataSet | None, first: int, count: int
) -> Inputs:
    """What the work unit of these chunks, or points, is given; raises whatever the job type does.

    It follows from the job and the range alone, so nothing of it is kept.
    """
    if job.point_count is None:
        return over_chunks(dataset, first, count)
    points = point_range(job.point_count, first, count)
    return over_points(points, job.spec, job_type, dataset)


def over_chunks(dataset: DataSet | None, first: int, count: int) -> Inputs:
    """What a work unit of these chunks is given."""
    return _inputs(None, dataset, range(first, first + count))


def over_points(
    points: PointRange, spec: Json, job_type: JobType, dataset: DataSet | None
) -> Inputs:
    """What a work unit of these points is given; raises whatever the job type does."""
    if dataset is None:
        return _inputs(points, None, ())
    rows = dataset.rows_of(0, dataset.chunk_count)
    span = points.first, points.count
    needed = job_type.chunks_needed(spec, dataset.columns, rows, *span)
    return _inputs(points, dataset, needed)


def with_points(
    points: PointRange | None, first_rows: Sequence[int], chunks: Sequence[Chunk]
) -> list[Chunk]:
    """The chunks as the contract counts them: the points' own comes first."""
    if points is None:
        return list(chunks)
    numbers = range(points.first, points.first + points.count)
    counted: Chunk = {"index": numbers, "first_rows": first_rows}
    return [counted, *chunks]


def _inputs(points: PointRange | None, dataset: DataSet | None, chunks: Sequence[int]) -> Inputs:
    if dataset is None:
        return Inputs(points=points, chunks=(), chunk_rows=(), first_rows=())
    return Inputs(
        points=points,
        chunks=tuple(chunks),
        chunk_rows=tuple(dataset.rows_of(chunk, 1)[0] for chunk in chunks),
        first_rows=tuple(chunk * dataset.chunk_rows for chunk in chunks),
    )
