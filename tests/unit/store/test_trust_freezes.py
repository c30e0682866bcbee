"""This file is where engines speak against the server, and a job is frozen or goes on."""

from __future__ import annotations

import msgspec
import pytest
from world import World, rows

from grid import chunks
from grid.daemons import assimilator, deleter, transitioner, trust, trusted
from grid.db import appeals, commands, listings, queries
from grid.db import apply as writes
from grid.db.commands import NewHost
from grid.db.tables import WorkUnitRow
from grid.db.trusting import Computed
from grid.items import Host
from grid.states import JobState, Purpose
from grid.transition import Adjust, CreateResults
from grid.trust import NEWCOMER_CHECKS2


def passes(world: World, count: int = 3) -> None:
    for _ in range(count):
        trust.do_pass(world.store, world.time)
        transitioner.do_pass(world.store, world.time)
        assimilator.do_pass(world.store, world.time)
        deleter.do_pass(world.store, world.time)


def total(world: World, job: object, version: int) -> int:
    """What the output's one row says: tally adds up."""
    with world.store.read() as connection:
        (part,) = listings.output_parts(connection, job.id, version)
    return chunks.decode_batch(world.store.blobs.get(part.digest)).to_pylist()[0]["rows"]


@pytest.mark.parametrize("believed", [True, False])
def test_three_engines_against_the_server_freeze_the_job_and_an_admin_says_whom_to_believe(
    tmp_path, believed
):
    world = World(tmp_path / "grid", cold_start_wait_s=1, copy_delay_max_s=0)
    job = world.job(chunks=1, mode="standard")
    kinds = ("chromium", "firefox", "webkit")
    hosts = [host_with(world, f"{kind}/1") for kind in kinds]
    grow(world, hosts, NEWCOMER_CHECKS2)
    for host in hosts:
        world.time += 1
        for one in world.ask(host):
            assert world.report(host, one.lease, rows=2).accepted
        more = CreateResults(
            workunit_id=rows_of(world)[0].id, job_id=job.id, count=1, priority=0, because="so"
        )
        world.store.write(lambda tx, more=more: writes.apply(tx.connection, [more], (), tx.now))
    run = msgspec.structs.replace(more, purpose=Purpose.TRUSTED)
    world.store.write(lambda tx: writes.apply(tx.connection, [run], (), tx.now))

    def wrong(_store, work):
        return Computed(result_id=work.result_id, output='{"rows":7}', elapsed_ms=5)

    trusted.do_pass(world.store, world.time, wrong)
    frozen = world.facts(job.id)
    if frozen.job_state is JobState.PAUSED:
        assert "independent engines" in frozen.frozen
        with world.store.read() as connection:
            assert appeals.frozen(connection) == [job.id]
        world.store.write(lambda tx: appeals.thaw(tx, job.id, believed, world.store.context))
    for _ in range(8):
        world.time += 30
        passes(world)
        world.compute([host_with(world, "chromium/2"), host_with(world, "firefox/2")])
    done = world.facts(job.id)
    assert (frozen.job_state, done.job_state) == (JobState.PAUSED, JobState.COMPLETED)
    assert total(world, job, 1) == (2 if believed else 7)
    assert done.frozen is None
    world.close()


def test_on_a_grid_of_newcomers_three_engines_stop_no_job_and_the_output_says_so(world):
    job = world.job(chunks=1, mode="standard")
    for kind in ("chromium", "firefox", "webkit"):
        host = host_with(world, f"{kind}/1")
        world.time += 10
        for one in world.ask(host):
            assert world.report(host, one.lease, rows=7).accepted
        more = CreateResults(
            workunit_id=rows_of(world)[0].id, job_id=job.id, count=1, priority=0, because="so"
        )
        world.store.write(lambda tx, more=more: writes.apply(tx.connection, [more], (), tx.now))

    def right(_store, work):
        return Computed(result_id=work.result_id, output='{"rows":2}', elapsed_ms=5)

    world.time += 60
    passes(world)
    trusted.do_pass(world.store, world.time, right)
    passes(world)
    assert world.facts(job.id).job_state is JobState.COMPLETED
    assert total(world, job, 1) == 2
    with world.store.read() as connection:
        (output,) = listings.outputs(connection, [job.id])[job.id]
    assert (output.trusted, output.contested) == (1, 1)


def grow(world: World, hosts: list, checks2: int) -> None:
    """Their volunteers have survived so many half checks more."""
    moves = [Adjust(volunteer_id=host.volunteer_id, checks2=checks2) for host in hosts]
    world.store.write(lambda tx: writes.apply(tx.connection, moves, (), tx.now))


def rows_of(world: World) -> list:
    return list(rows(world.store, WorkUnitRow))


def host_with(world: World, engine: str) -> Host:
    new = NewHost(
        account_id=None,
        trusted=False,
        kind="browser",
        engine=engine,
        capabilities={},
        address="::1",
    )
    number, *_ = world.store.write(lambda tx: commands.add_host(tx, new))
    with world.store.read() as connection:
        return queries.host(connection, number)
