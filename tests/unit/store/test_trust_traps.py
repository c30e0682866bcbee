"""This file is where traps go out after completion, and the seal waits for them: not for ever."""

from __future__ import annotations

from world import World, rows

from grid.daemons import assimilator, transitioner, trust, trusted
from grid.db import apply as writes
from grid.db.tables import ResultRow, VolunteerRow
from grid.db.trusting import Computed
from grid.items import Job
from grid.states import JobState, Outcome, Purpose, ServerState
from grid.transition import CreateResults
from grid.validator.extras import TRAP_SPREAD_S, TRAPS


def compute(_store: object, work: object) -> Computed:
    return Computed(result_id=work.result_id, output='{"rows":2}', elapsed_ms=500)


def passes(world: World) -> int:
    """A round of the daemons; how much they had to do."""
    return sum(each.do_pass(world.store, world.time) for each in (trust, transitioner, assimilator))


def of(world: World, purpose: Purpose) -> list[object]:
    return [row for row in rows(world.store, ResultRow) if row.purpose == purpose]


def seal_of(world: World, job: Job) -> int | None:
    facts = world.facts(job.id)
    assert facts.job_state is JobState.COMPLETED
    return facts.seal_opened_at


def two_who_lied(world: World) -> tuple[Job, list[object]]:
    """A job of one work unit that has completed anew since the server found two liars out."""
    job = world.job(chunks=1, mode="standard", target_error_ppb=300_000_000)
    liars = [world.host(), world.host()]
    for host in liars:
        (one,) = world.ask(host)
        world.report(host, one.lease, rows=3)
        world.time += 5
    unit_id = of(world, Purpose.COPY)[0].workunit_id
    drawn = CreateResults(
        workunit_id=unit_id, job_id=job.id, count=1, priority=0, purpose=Purpose.TRUSTED,
        because="drawn",
    )  # fmt: skip
    world.store.write(lambda tx: writes.apply(tx.connection, [drawn], (), tx.now))
    assert trusted.do_pass(world.store, world.time, compute) == 1
    passes(world)
    passes(world)
    assert len(of(world, Purpose.TRAP)) == TRAPS
    assert seal_of(world, job) is None, "its traps are not out yet"
    return job, liars


def test_a_trap_goes_out_after_its_job_has_completed_and_convicts_who_lied_before(world):
    job, liars = two_who_lied(world)
    world.time += TRAP_SPREAD_S
    honest = world.host()
    (trap,) = world.ask(honest, want=8)
    assert world.report(honest, trap.lease, rows=2).accepted
    passes(world)
    banned = {row.id for row in rows(world.store, VolunteerRow) if row.banned_at is not None}
    assert banned == {host.volunteer_id for host in liars}
    assert seal_of(world, job) is None


def test_when_all_traps_are_back_the_seal_opens_at_once(world):
    job, _ = two_who_lied(world)
    world.time += TRAP_SPREAD_S
    assert world.compute([world.host() for _ in range(TRAPS)]) == TRAPS
    passes(world)
    assert seal_of(world, job) == world.time


def test_traps_that_nobody_comes_for_hold_the_seal_no_longer_than_they_may(world):
    job, _ = two_who_lied(world)
    until = world.facts(job.id).ended_at + world.settings.trap_wait_s
    world.time = until - 1
    assert passes(world) == 0, "what waits is not looked at again and again"
    assert seal_of(world, job) is None
    world.time = until
    passes(world)
    passes(world)
    assert seal_of(world, job) == until
    assert {row.outcome for row in of(world, Purpose.TRAP)} == {Outcome.DIDNT_NEED}
    assert world.ask(world.host()) == ()


def test_a_trap_that_is_out_when_time_is_up_is_still_waited_for(world):
    job, _ = two_who_lied(world)
    world.time = world.facts(job.id).ended_at + world.settings.trap_wait_s - 1
    host = world.host()
    (trap,) = world.ask(host, want=8)
    world.time += 1
    passes(world)
    assert seal_of(world, job) is None
    assert world.report(host, trap.lease, rows=2).accepted
    passes(world)
    assert seal_of(world, job) == world.time


def test_the_latest_time_for_a_seal_comes_before_traps(tmp_path):
    world = World(tmp_path / "grid", trap_wait_s=10**7)
    job, _ = two_who_lied(world)
    world.time = world.facts(job.id).seal_opens_by
    passes(world)
    passes(world)
    assert seal_of(world, job) == world.time
    states = {row.server_state for row in of(world, Purpose.TRAP)}
    assert states == {ServerState.OVER}
    world.close()
