"""This file is where a job becomes the ranges of its work units, lazily."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from grid.items import Job


class Range(Struct, frozen=True, kw_only=True):
    """The chunks of one work unit."""

    ordinal: int
    first_chunk: int
    chunk_count: int


def workunit_count(chunk_count: int, chunks_per_workunit: int = 1) -> int:
    """How many work units cover `chunk_count` chunks; 0 for an empty data set."""
    return -(-chunk_count // chunks_per_workunit)


def next_ranges(job: Job, chunk_count: int, waiting: int, high_water: int) -> Iterator[Range]:
    """The work units to make now so that `high_water` wait to be sent, in order, none twice.

    `waiting` is how many of the job's work units no host has seen yet.
    """
    per_workunit = -(-chunk_count // job.workunit_count) if job.workunit_count else 1
    last = min(job.workunit_count, job.workunits_made + max(0, high_water - waiting))
    for ordinal in range(job.workunits_made, last):
        first = ordinal * per_workunit
        yield Range(
            ordinal=ordinal,
            first_chunk=first,
            chunk_count=min(per_workunit, chunk_count - first),
        )
