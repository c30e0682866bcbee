"""This file is where the size of work units follows measured speeds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid.items import DataSet
from grid.speeds import PRINCIPALS_MIN, Sample, by_score, of_hosts, usual
from grid.splitter import UNIT_BYTES_MAX, chunks_per_workunit, unit_ms, workunit_count

NOW = 1_800_000_000


def table(chunks: int, chunk_rows: int = 1000, chunk_bytes: int = 1000) -> DataSet:
    return DataSet(
        id=1,
        account_id=1,
        name="rows",
        public=True,
        columns=(),
        row_count=chunks * chunk_rows,
        chunk_rows=chunk_rows,
        chunk_count=chunks,
        byte_count=chunks * chunk_bytes,
        source_digest="",
        created_at=NOW,
    )


#: Chunks of a thousand rows, nanoseconds a row, hosts here → chunks of a work unit of 8 s.
SIZES = [
    (100, None, 4, 1),
    (1000, 1_000_000, 0, 8),
    (1000, 1_000_000, 10, 8),
    (100, 1_000_000, 10, 2),
    (1000, 1_000_000, 1000, 2),
    (1000, 30_000_000, 1, 1),
    (1000, 10_000, 1, 250),
    (3, 1_000, 1, 3),
    (0, 1_000_000, 5, 1),
]


@pytest.mark.parametrize(("chunks", "row_ns", "hosts", "size"), SIZES)
def test_a_work_unit_is_as_long_as_is_worth_its_exchange(chunks, row_ns, hosts, size):
    assert chunks_per_workunit(table(chunks), row_ns, hosts, 8000) == size


def test_a_work_unit_never_asks_for_more_bytes_than_a_poor_line_brings():
    large = table(1000, chunk_bytes=1 << 20)
    assert chunks_per_workunit(large, 1, 0, 8000) == UNIT_BYTES_MAX >> 20


@given(st.integers(0, 500), st.integers(1, 10**8), st.integers(0, 100), st.integers(2000, 20_000))
def test_sized_work_units_cover_all_chunks_within_two_to_twenty_seconds(chunks, row_ns, hosts, aim):
    data = table(chunks, chunk_bytes=10)
    size = chunks_per_workunit(data, row_ns, hosts, aim)
    assert 1 <= size <= max(chunks, 1)
    assert workunit_count(chunks, size) * size >= chunks
    assert size == 1 or unit_ms(data, row_ns, size) <= 20_000
    assert size == chunks or chunks == 0 or (size + 1) * row_ns * 1000 / 1e6 > 2000


def test_how_long_a_work_unit_takes_is_foreseen_only_where_it_was_measured():
    assert unit_ms(table(10), 1_000_000, 3) == 3000
    assert unit_ms(table(2), 1_000_000, 3) == 2000
    assert unit_ms(table(10), None, 3) == 0


def answers(principal: int, elapsed_ms: int, count: int = 5, **fields) -> list[Sample]:
    base = {"job_type": "SUM", "host_id": principal, "principal_id": principal, "rows": 1000}
    one = Sample(**{**base, **fields}, elapsed_ms=elapsed_ms, turnaround_ms=60_000)
    return [one] * count


def test_the_usual_speed_is_the_median_of_principals_not_of_answers():
    samples = [*answers(1, 100, 500), *answers(2, 200), *answers(3, 900)]
    assert usual(samples) == {"SUM": 200_000}
    assert usual([*answers(1, 100), *answers(2, 100)]) == {}, "two are no fleet"


def test_a_host_is_as_fast_as_its_answers_beside_the_usual():
    samples = [*answers(1, 100), *answers(2, 200), *answers(3, 400)]
    assert of_hosts(samples, usual(samples)) == {1: 2000, 2: 1000, 3: 500}
    assert of_hosts(samples, {}) == {}


def test_whoever_boasts_moves_its_own_figure_and_within_bounds():
    honest = [one for who in range(1, 6) for one in answers(who, 200)]
    boasting = [*honest, *answers(9, 0, 1000)]
    assert usual(boasting) == usual(honest)
    assert of_hosts(boasting, usual(boasting))[9] == 40_000
    claimed = Sample(
        job_type="SUM", host_id=9, principal_id=9, rows=1000, elapsed_ms=10**9, turnaround_ms=2000
    )
    assert of_hosts([claimed], {"SUM": 200_000}) == {9: 100}, "it was not away for so long"


def test_a_new_host_is_placed_by_its_score_beside_the_others():
    assert by_score(3000, [1000, 1500, 9000]) == 2000
    assert by_score(None, [1000] * 5) == 1000
    assert by_score(3000, [1000] * (PRINCIPALS_MIN - 1)) == 1000
    assert by_score(10**9, [1] * 5) == 50_000
