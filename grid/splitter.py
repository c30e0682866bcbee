"""This file is where a job becomes the ranges of its work units, lazily."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from grid.items import DataSet, Job
from grid.plugins.points import Points

#: No work unit shall take a usual host less, for its exchange would cost as much.
UNIT_LEAST_MS = 2_000
#: Bytes that a host may have to fetch for one work unit: half a minute of a 5 Mbit/s line.
UNIT_BYTES_MAX = 16 << 20
#: Work units that a job has for each host that is here, so that all have something to do and the
#: slow ones do not keep the rest waiting.
UNITS_PER_HOST = 4


class Range(Struct, frozen=True, kw_only=True):
    """The chunks of one work unit, or its points."""

    ordinal: int
    first_chunk: int
    chunk_count: int


def workunit_count(chunk_count: int, chunks_per_workunit: int = 1) -> int:
    """How many work units cover `chunk_count` chunks, or points; 0 where there are none."""
    return -(-chunk_count // chunks_per_workunit)


def chunks_per_workunit(dataset: DataSet, row_ns: int | None, hosts: int, target_ms: int) -> int:
    """How many chunks a work unit of a new job gets; fixed for the job.

    `row_ns` is what a row of this job type takes a host of the usual speed, as measured; `hosts`
    how many are here. Work units of `target_ms`, smaller ones (of `UNIT_LEAST_MS` at least) where
    all hosts are to have a share, never beyond `UNIT_BYTES_MAX`; one chunk where nothing is known.
    """
    if not row_ns or dataset.chunk_count == 0:
        return 1
    chunk_ms = max(row_ns * dataset.chunk_rows / 1_000_000, 1e-6)
    aim_ms = _aim_ms(chunk_ms * dataset.chunk_count, hosts, target_ms)
    by_bytes = UNIT_BYTES_MAX * dataset.chunk_count // max(dataset.byte_count, 1)
    return max(1, min(int(aim_ms / chunk_ms), by_bytes, dataset.chunk_count))


def points_per_workunit(points: Points, point_ns: float, hosts: int, target_ms: int) -> int:
    """How many points a work unit of a new job gets, where one takes a usual host `point_ns`."""
    point_ms = max(point_ns / 1_000_000, 1e-9)
    aim_ms = _aim_ms(point_ms * points.count, hosts, target_ms)
    return max(1, min(int(aim_ms / point_ms), points.per_workunit_max, points.count))


def _aim_ms(total_ms: float, hosts: int, target_ms: int) -> float:
    share_ms = total_ms / max(hosts * UNITS_PER_HOST, 1)
    return min(target_ms, max(share_ms, UNIT_LEAST_MS))


def unit_ms(dataset: DataSet, row_ns: int | None, chunks: int) -> int:
    """Milliseconds that such a work unit takes a host of the usual speed; 0 when nobody knows."""
    if not row_ns:
        return 0
    return max(1, row_ns * min(dataset.chunk_rows * chunks, dataset.row_count) // 1_000_000)


def next_ranges(job: Job, chunk_count: int, waiting: int, high_water: int) -> Iterator[Range]:
    """The work units to make now so that `high_water` wait to be sent, in order, none twice.

    `chunk_count` is the data set's; `waiting` is how many of the job's work units no host has seen
    yet.
    """
    total = chunk_count if job.point_count is None else job.point_count
    per_workunit = job.workunit_points or -(-total // max(job.workunit_count, 1))
    last = min(job.workunit_count, job.workunits_made + max(0, high_water - waiting))
    for ordinal in range(job.workunits_made, last):
        first = ordinal * per_workunit
        yield Range(
            ordinal=ordinal,
            first_chunk=first,
            chunk_count=min(per_workunit, total - first),
        )
