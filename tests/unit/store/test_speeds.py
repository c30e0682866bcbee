"""This file is where speeds are measured over a real store, and sizes and places follow them."""

from __future__ import annotations

import time
import tracemalloc

from sqlalchemy import update
from world import World, rows

from grid.canonical import digest
from grid.daemons import measurer
from grid.db import commands, queries, speeds
from grid.db.commands import NewDataSet, NewHost
from grid.db.tables import HostRow, JobRow, ResultRow, table
from grid.dispatch import Wish
from grid.items import Column, DataSet, Host, LogicalType, PhysicalType
from grid.splitter import chunks_per_workunit


def scored(world: World, score: int | None) -> Host:
    new = NewHost(
        account_id=None,
        trusted=False,
        kind="headless",
        engine="test/1",
        capabilities={} if score is None else {"score": score},
        address="::1",
    )
    number, *_ = world.store.write(lambda tx: commands.add_host(tx, new))
    with world.store.read() as connection:
        return queries.host(connection, number)


def speed(world: World, host: Host) -> int:
    return next(row.speed_milli for row in rows(world.store, HostRow) if row.id == host.id)


def set_jobs(world: World, job_id: int, **values: object) -> None:
    jobs = table(JobRow)
    world.store.write(
        lambda tx: tx.connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))
    )
    world.store._jobs.clear()


def huge(world: World, chunks: int) -> DataSet:
    """A table whose chunks nobody has written down."""
    column = Column(name="a", type=LogicalType.INT64, physical=PhysicalType.INT8, nullable=False)
    new = NewDataSet(
        account_id=world.account(),
        name="many",
        public=True,
        columns=(column,),
        row_count=chunks,
        chunk_rows=1,
        chunk_columns=(),
        byte_count=chunks,
        source_digest=digest(b"many"),
    )
    return world.store.write(lambda tx: commands.add_dataset(tx, new))


def test_row_37_a_job_of_a_million_units_is_made_at_once_and_lazily(world, monkeypatch):
    dataset = huge(world, 1_000_000)
    monkeypatch.setattr(world, "dataset", lambda chunks: dataset)
    world.store.job_types.loaded(world.store.job_types.find("tally").digest)
    tracemalloc.start()
    started = time.monotonic()
    job = world.job()
    took_s, (_, most) = time.monotonic() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took_s < 5, "1 s is promised; this machine may be slow, and memory is being traced"
    assert most < 50 << 20
    assert job.workunit_count == 1_000_000
    assert job.workunits_made == world.settings.unsent_workunits_max
    assert len(world.ask(world.host(), want=3)) == 3


def test_row_47_the_short_jobs_units_go_first_where_that_is_wanted(world):
    long, short = world.job(chunks=3), world.job(chunks=3)
    set_jobs(world, long.id, unit_ms=60_000)
    set_jobs(world, short.id, unit_ms=1_000)
    wish = Wish(selector="shortest_first")
    given = world.exchange(world.host(), want=4, wish=wish).assigned
    assert [one.job.job.id for one in given] == [short.id, short.id, short.id, long.id]


def test_row_49_a_score_is_kept_at_first_contact_and_more_is_given_to_the_faster(world):
    job = world.job(chunks=100)
    set_jobs(world, job.id, unit_ms=20_000)
    for _ in range(5):
        scored(world, 1000)
    slow, usual, fast = scored(world, 100), scored(world, 1000), scored(world, 3000)
    assert [speed(world, host) for host in (slow, usual, fast)] == [100, 1000, 3000]
    kept = {row.id: row.capabilities for row in rows(world.store, HostRow)}
    assert kept[fast.id] == {"score": 3000}
    counts = [len(world.ask(host, want=64)) for host in (slow, usual, fast)]
    assert counts == [1, 6, 18]


def test_speeds_are_measured_from_right_answers_and_size_the_next_job(world):
    job = world.job(chunks=40, min_quorum=3, target_nresults=3)
    crew = [world.host() for _ in range(4)]
    world.compute(crew[:3])
    elapsed = {host.id: ms for host, ms in zip(crew, (200, 400, 1600, 1), strict=True)}
    results = table(ResultRow)

    def say(transaction):
        for number, ms in elapsed.items():
            mine = update(results).where(results.c.host_id == number)
            transaction.connection.execute(mine.values(elapsed_ms=ms, sent_at=world.time - 60))

    world.store.write(say)
    world.time += -world.time % measurer.EVERY_S
    assert measurer.do_pass(world.store, world.time) == 120
    assert [speed(world, host) for host in crew] == [2000, 1000, 250, 1000]
    with world.store.read() as connection:
        row_ns = speeds.row_ns(connection, "tally")
        dataset = queries.dataset(connection, job.dataset_id)
    assert row_ns == 200_000_000, "400 ms for two rows"
    assert chunks_per_workunit(dataset, row_ns, 0, 8000) == 20
    assert measurer.do_pass(world.store, world.time + 1) == 0, "not at every pass"


def test_what_is_measured_is_written_over_what_was_known(world):
    host = world.host()
    for ns, milli in ((5, 700), (9, 1300)):
        world.store.write(
            lambda tx, ns=ns, milli=milli: speeds.keep(tx, {"SUM": ns}, {host.id: milli})
        )
    with world.store.read() as connection:
        assert speeds.known(connection) == {"SUM": 9}
        assert speeds.row_ns(connection, "MIN") is None
    assert speed(world, host) == 1300
