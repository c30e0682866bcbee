"""This file is where work units are ranges of points, made anew from their numbers."""

from __future__ import annotations

import msgspec
import pytest
from crowd import NOW, PLAIN, answered, computed, job, unit
from hypothesis import given
from hypothesis import strategies as st

from grid.assimilator.ending import Progress, decide, reopen
from grid.items import DataSet, Job, PhysicalType
from grid.plugins.inputs import inputs_of, with_points
from grid.plugins.points import NARROW_MAX, Points, index_column, point_range
from grid.splitter import UNIT_LEAST_MS, next_ranges, points_per_workunit, workunit_count
from grid.states import JobState, Purpose
from grid.validator.extras import proof


def counting(points: int, each: int, **fields: object) -> Job:
    base = job(
        job_type="monteCarloPi",
        dataset_id=None,
        point_count=points,
        workunit_points=each,
        workunit_count=workunit_count(points, each),
    )
    return msgspec.structs.replace(base, **fields)


def test_work_units_are_as_large_as_was_asked_and_the_last_has_the_rest():
    ranges = list(next_ranges(counting(676, 100), 0, waiting=0, high_water=100))
    assert [(one.first_chunk, one.chunk_count) for one in ranges] == [
        (0, 100), (100, 100), (200, 100), (300, 100), (400, 100), (500, 100), (600, 76),
    ]  # fmt: skip


@given(st.integers(1, 10**15), st.integers(1, 10**9), st.integers(1, 50), st.integers(0, 10**6))
def test_ranges_follow_one_another_wherever_they_are_begun(points, each, high_water, begun):
    job = counting(points, each)
    made = begun % job.workunit_count
    job = msgspec.structs.replace(job, workunits_made=made)
    ranges = list(next_ranges(job, 0, waiting=0, high_water=high_water))
    assert len(ranges) == min(high_water, job.workunit_count - made)
    ends = [made * each, *(one.first_chunk + one.chunk_count for one in ranges)]
    assert [one.first_chunk for one in ranges] == ends[:-1]
    assert all(1 <= one.chunk_count <= each for one in ranges)
    if made + len(ranges) == job.workunit_count:
        assert ends[-1] == points


@given(
    st.integers(1, 10**12), st.floats(1, 10**12), st.integers(0, 100), st.integers(1, 10**9),
    st.integers(2000, 20_000),
)  # fmt: skip
def test_sized_work_units_take_two_to_twenty_seconds(count, point_ns, hosts, most, target_ms):
    points = Points(count=count, point_ns=1, per_workunit_max=most)
    each = points_per_workunit(points, point_ns, hosts, target_ms)
    assert 1 <= each <= min(count, most)
    unit_ms = each * point_ns / 1_000_000
    assert each == 1 or unit_ms <= target_ms * 1.001
    bounded = each in (1, most, count)
    assert bounded or unit_ms > UNIT_LEAST_MS - 2 * point_ns / 1_000_000


@pytest.mark.parametrize(
    ("total", "physical"),
    [
        (1, PhysicalType.INT32),
        (NARROW_MAX, PhysicalType.INT32),
        (NARROW_MAX + 1, PhysicalType.INT64),
    ],
)
def test_numbers_are_as_wide_as_the_whole_job_needs(total, physical):
    assert point_range(total, 0, 1).physical is physical
    assert index_column(total).physical is physical


class Asking:
    """A job type that needs the chunks it was told to."""

    def __init__(self, *chunks: int) -> None:
        self.chunks = chunks

    def chunks_needed(self, spec, columns, rows, first, count):
        assert rows == (4, 4, 2)
        return self.chunks


def table() -> DataSet:
    return DataSet(
        id=1,
        account_id=1,
        name="rows",
        public=True,
        columns=(),
        row_count=10,
        chunk_rows=4,
        chunk_count=3,
        byte_count=10,
        source_digest="",
        created_at=NOW,
    )


def test_a_work_unit_gets_its_points_and_the_chunks_that_they_need():
    job = counting(100, 10)
    alone = inputs_of(job, Asking(), None, 20, 10)
    assert (alone.points.first, alone.rows, alone.chunks) == (20, (10,), ())
    with_data = inputs_of(job, Asking(2, 0), table(), 20, 10)
    assert with_data.rows == (10, 2, 4)
    assert (with_data.chunks, with_data.first_rows) == ((2, 0), (8, 0))
    over_chunks = msgspec.structs.replace(job, point_count=None, workunit_points=0)
    plain = inputs_of(over_chunks, Asking(), table(), 1, 2)
    assert (plain.points, plain.chunks, plain.rows) == (None, (1, 2), (4, 2))


def test_a_million_points_are_one_range_to_the_reference():
    counted, data = with_points(point_range(10**15, 10**14, 10**6), [7], [{"a": [1]}])
    assert counted["index"] == range(10**14, 10**14 + 10**6)
    assert (counted["first_rows"], data) == ([7], {"a": [1]})
    assert with_points(None, (), [{"a": [1]}]) == [{"a": [1]}]


def test_one_answer_that_is_enough_completes_a_job():
    job = counting(676, 100)
    ended, *opened = decide(job, Progress(merged=0, stopped_by=2, in_progress=3), NOW)
    assert (ended.after["job_state"], ended.after["stopped_by"]) == (JobState.COMPLETED, 2)
    assert not opened, "the seal waits for what is out"
    again = reopen(msgspec.structs.replace(job, job_state=JobState.COMPLETED, stopped_by=2), "so")
    assert again.after["stopped_by"] is None


def test_a_hit_is_looked_at_once_and_only_while_it_may_matter():
    one = unit(answered(1, "hit"))
    (copy,) = proof(one, PLAIN)
    assert (copy.purpose, copy.count) == (Purpose.TRUSTED, 1)
    assert not proof(unit(answered(1, "hit"), computed(2, "hit")), PLAIN)
    assert not proof(msgspec.structs.replace(one, canonical_result_id=1), PLAIN)
    assert not proof(one, msgspec.structs.replace(PLAIN, busy=True))
