"""This file is where a host finds what it may have behind much that it may not."""

from __future__ import annotations

import pytest
from sqlalchemy import update
from world import World, rows

from grid.db import apply as writes
from grid.db import commands, queries
from grid.db.commands import NewHost
from grid.db.sharing import SLACK
from grid.db.tables import ResultRow, table
from grid.items import Host
from grid.states import Purpose
from grid.transition import Quarantine

#: More than the first look sees.
MANY = 3 * SLACK


@pytest.fixture
def world(tmp_path):
    one = World(tmp_path / "grid")
    yield one
    one.close()


def with_engine(world: World, engine: str, address: str = "::1") -> Host:
    new = NewHost(
        account_id=None,
        trusted=False,
        kind="headless",
        engine=engine,
        capabilities={},
        address=address,
    )
    number, *_ = world.store.write(lambda tx: commands.add_host(tx, new))
    with world.store.read() as connection:
        return queries.host(connection, number)


def change(world: World, number: int, **values: object) -> None:
    results = table(ResultRow)
    statement = update(results).where(results.c.id == number).values(**values)
    world.store.write(lambda tx: tx.connection.execute(statement))


def numbers(world: World) -> list[int]:
    return [one.id for one in rows(world.store, ResultRow)]


def assigned(world: World, host: Host, want: int = 1) -> list[int]:
    return [one.lease.result_id for one in world.ask(host, want=want)]


def suspect(world: World, job_id: int, *engines: str, lift: bool = False) -> None:
    orders = [
        Quarantine(job_id=job_id, engine=one, cause=1, lift=lift, because="it differs")
        for one in engines
    ]
    world.store.write(lambda tx: writes.apply(tx.connection, orders, (), tx.now))


@pytest.mark.parametrize("purpose", [Purpose.PROBE, Purpose.TRAP])
def test_what_may_clear_a_suspect_engine_is_found_behind_all_it_must_not_have(world, purpose):
    """Else a whole crowd of suspects waits for ever."""
    job = world.job(chunks=MANY, min_quorum=1, target_nresults=1)
    suspect(world, job.id, "test/1", "test/2")
    *_, last = numbers(world)
    change(world, last, purpose=purpose.value, engine="test/1")
    assert assigned(world, with_engine(world, "test/2"), want=3) == []
    assert assigned(world, with_engine(world, "test/1"), want=3) == [last]
    change(world, last, purpose=Purpose.COPY.value)


def test_what_another_engine_is_wanted_for_hides_nothing(world):
    world.job(chunks=MANY, min_quorum=1, target_nresults=1)
    *others, last = numbers(world)
    for number in others:
        change(world, number, engine="test/2")
    assert assigned(world, with_engine(world, "test/1"), want=3) == [last]


def test_an_engine_that_is_no_suspect_any_more_gets_everything(world):
    job = world.job(chunks=MANY, min_quorum=1, target_nresults=1)
    host = with_engine(world, "test/1")
    suspect(world, job.id, "test/1")
    assert assigned(world, host, want=3) == []
    suspect(world, job.id, "test/1", lift=True)
    assert len(assigned(world, host, want=3)) == 3


def test_work_units_that_lack_another_kind_of_engine_hide_no_fresh_ones(world):
    world.job(chunks=2 * MANY, min_quorum=2, target_nresults=2, min_engines=2)
    first = with_engine(world, "alpha/1")
    taken = assigned(world, first, want=MANY)
    units = {one.workunit_id for one in rows(world.store, ResultRow) if one.id in taken}
    for one in rows(world.store, ResultRow):
        if one.workunit_id in units and one.id not in taken:
            change(world, one.id, priority=5)
    fresh = world.ask(with_engine(world, "alpha/2"), want=2)
    assert len(fresh) == 2
    assert not {one.workunit_id for one in rows(world.store, ResultRow)
                if one.id in {two.lease.result_id for two in fresh}} & units  # fmt: skip
    second = world.ask(with_engine(world, "beta/1"), want=2)
    assert {one.workunit_id for one in rows(world.store, ResultRow)
            if one.id in {two.lease.result_id for two in second}} <= units  # fmt: skip
