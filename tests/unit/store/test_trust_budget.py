"""This file is where the server's own computing is seen to stay within its budget, and cheap."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import event
from sqlalchemy.dialects import sqlite
from world import World, rows

from grid.daemons import assimilator, transitioner, trust, trusted
from grid.db import apply as writes
from grid.db import commands, effects, progress, snapshots, trusting
from grid.db.snapshots import Spent
from grid.db.tables import ResultRow, VolunteerRow, WorkUnitRow
from grid.db.trusting import Computed
from grid.items import Job
from grid.states import JobState, Purpose, ServerState, Support
from grid.transition import Adjust, CreateResults


def compute(_store: object, work: trusting.TrustedWork, took_ms: int = 500) -> Computed:
    return Computed(result_id=work.result_id, output='{"rows":2}', elapsed_ms=took_ms)


def waiting(world: World) -> list[object]:
    return [
        row
        for row in rows(world.store, ResultRow)
        if row.purpose == Purpose.TRUSTED and row.server_state == ServerState.UNSENT
    ]


def two_answers_each(world: World, chunks: int) -> object:
    """A job on all of whose work units two newcomers agree, which is not enough."""
    job = world.job(chunks=chunks, mode="standard")
    for _ in range(3):
        for host in (world.host(), world.host()):
            for one in world.ask(host, want=64):
                world.report(host, one.lease)
        world.time += 5
    return job


def settle(world: World) -> None:
    """Let the rules look at everything, some times."""
    for _ in range(3):
        world.time += 20
        units = [unit.id for unit in rows(world.store, WorkUnitRow)]
        world.store.write(
            lambda tx, units=units: progress.settle_due(tx, units, world.store.context)
        )


@pytest.mark.parametrize(
    ("trusted_ms", "done", "coming", "floor_s", "made", "room"),
    [
        (0, 0, 0, 300, 10, True),
        (0, 0, 0, 0, 10, True),
        (299_000, 100, 0, 300, 0, True),
        (300_000, 100, 0, 300, 0, False),
        (150_000, 100, 100, 300, 0, False),
        (150_000, 100, 99, 300, 0, True),
        (300_000, 100, 0, 300, 1000, True),
        (0, 3, 0, 300, 0, True),
    ],
)
def test_what_was_spent_and_what_is_coming_count_against_the_budget(
    trusted_ms, done, coming, floor_s, made, room
):
    spent = Spent(
        counted_at=0,
        trusted_ms=trusted_ms,
        trusted=done,
        coming=coming,
        traps=0,
        work_units=made,
        share=0.16,
    )
    assert spent.room(floor_s) is room


def test_while_many_runs_wait_others_wait_for_their_volunteers(tmp_path):
    world = World(tmp_path / "grid", trusted_waiting_max=3, cold_start_wait_s=1)
    two_answers_each(world, 12)
    settle(world)
    assert len(waiting(world)) == 3
    assert {unit.support for unit in rows(world.store, WorkUnitRow)} == {Support.NONE}
    for _ in range(20):
        trusted.do_pass(world.store, world.time, compute)
        world.time += 20
        transitioner.do_pass(world.store, world.time)
    assert {unit.support for unit in rows(world.store, WorkUnitRow)} == {Support.TRUSTED}
    world.close()


def test_what_waits_in_a_paused_job_keeps_nobody_else_waiting(tmp_path):
    world = World(tmp_path / "grid", trusted_waiting_max=2, cold_start_wait_s=1)
    first = two_answers_each(world, 4)
    settle(world)
    assert len(waiting(world)) == 2
    world.store.write(
        lambda tx: commands.move_job(tx, first.id, JobState.PAUSED, "so", world.store.keyring)
    )
    second = two_answers_each(world, 4)
    settle(world)
    assert sum(row.job_id == second.id for row in waiting(world)) == 2
    third = two_answers_each(world, 4)
    settle(world)
    assert sum(row.job_id == third.id for row in waiting(world)) == 1, "each job may have one"
    world.close()


def test_past_the_budget_work_units_are_accepted_below_target(tmp_path):
    world = World(tmp_path / "grid", trusted_floor_s=1, cold_start_wait_s=1)
    two_answers_each(world, 12)
    slow = 3_000
    for _ in range(30):
        world.time += 20
        transitioner.do_pass(world.store, world.time)
        trusted.do_pass(world.store, world.time, lambda *given: compute(*given, slow))
        trust.do_pass(world.store, world.time)
        for host in (world.host(), world.host()):
            for one in world.ask(host, want=64):
                world.report(host, one.lease)
    backing = [unit.support for unit in rows(world.store, WorkUnitRow)]
    assert backing.count(Support.NONE) == 0
    assert backing.count(Support.BELOW_TARGET) > 0
    assert 0 < backing.count(Support.TRUSTED) < 12
    world.close()


PLANS = [
    (snapshots, "_SPENT", "result_trusted", ("job",)),
    (snapshots, "_TRAPS", "result_trap", ("job",)),
    (snapshots, "_WAITING", "result_trusted_unsent", ("most",)),
]


@pytest.mark.sqlite
@pytest.mark.parametrize(("module", "name", "index", "given"), PLANS)
def test_a_budget_is_counted_from_an_index_alone(world, module, name, index, given):
    world.job(chunks=3)
    statement = getattr(module, name).statement.compile(dialect=sqlite.dialect())
    with world.store.read() as connection:
        steps = _plan(connection, str(statement), (1,) * str(statement).count("?"))
    assert any(f"INDEX {index}" in step for step in steps), steps
    assert not any(step in ("SCAN result", "SCAN workunit") for step in steps), steps


@pytest.mark.sqlite
def test_looking_again_is_served_by_indexes(world):
    world.job(chunks=3)
    host = world.host()
    with world.store.read() as connection:
        seen: list[str] = []
        driver = connection.connection.dbapi_connection
        driver.set_trace_callback(seen.append)
        for moved, banned_at in ((1, None), (2, 7)):
            person = effects._Person(host.volunteer_id, banned_at, moved, moved_from=0)
            effects._resting_on(connection, person)
        effects.moved(connection, 9)
        trusting.waiting(connection, 9)
        trusting.trusted_done(connection, 1, 2)
        driver.set_trace_callback(None)
        plans = {text: _plan(connection, text, ()) for text in seen if text.startswith("SELECT")}
    assert len(plans) >= 4
    wanted = ("result_volunteer", "volunteer_moved", "result_trusted_unsent", "result_trusted")
    for index in wanted:
        used = re.compile(rf"INDEX {index}\b")
        found = [step for steps in plans.values() for step in steps]
        assert any(used.search(step) for step in found), (index, found)
    for steps in plans.values():
        bad = {"SCAN result", "SCAN workunit", "SCAN job", "SCAN volunteer"}
        assert bad.isdisjoint(steps), steps
        assert not any("ORDER BY" in step for step in steps[:1]), steps


def test_the_volunteers_that_gain_nothing_by_being_believed_are_cleared_in_one_statement(world):
    hosts = [world.host() for _ in range(4)]
    world.job(chunks=1, mode="standard")
    (one,) = world.ask(hosts[0])
    world.report(hosts[0], one.lease)
    moves = [Adjust(volunteer_id=host.volunteer_id, checks2=1) for host in hosts]
    world.store.write(lambda tx: writes.apply(tx.connection, moves, (), tx.now))
    assert world.store.write(lambda tx: writes.clear_unmoved(tx.connection)) == 3
    left = [row.id for row in rows(world.store, VolunteerRow) if row.moved]
    assert left == [hosts[0].volunteer_id], "something waits on it"


@pytest.fixture
def raised(world):
    """Volunteers that are believed more than when they answered what still waits for others."""
    hosts = [world.host() for _ in range(5)]
    world.job(chunks=5, mode="standard")
    for host in hosts:
        (one,) = world.ask(host)
        world.report(host, one.lease)
    moves = [Adjust(volunteer_id=host.volunteer_id, checks2=1) for host in hosts]
    world.store.write(lambda tx: writes.apply(tx.connection, moves, (), tx.now))
    return [host.volunteer_id for host in hosts]


def left_to_look_at(world: World) -> set[int]:
    return {row.id for row in rows(world.store, VolunteerRow) if row.moved}


def test_standings_of_many_volunteers_take_effect_in_one_commit(world, raised):
    assert left_to_look_at(world) == set(raised)
    commits: list[int] = []
    event.listen(world.store._writing, "commit", lambda _: commits.append(1))
    waiting = {row.workunit_id for row in rows(world.store, ResultRow) if row.host_id}
    assert trust.do_pass(world.store, world.time) == len(waiting), "each once"
    assert left_to_look_at(world) == set()
    assert len(commits) == 2, "the hopeful are cleared in one, the others settled in one"


def test_a_volunteer_that_cannot_be_looked_at_keeps_no_other_waiting(world, raised, monkeypatch):
    resting_on, tries = effects._resting_on, []

    def stumbles(connection, person):
        if person.id == raised[1]:
            tries.append(person.id)
            raise ValueError("a row that nobody foresaw")
        return resting_on(connection, person)

    monkeypatch.setattr(effects, "_resting_on", stumbles)
    trust.do_pass(world.store, world.time)
    assert left_to_look_at(world) == {raised[1]}
    assert len(tries) == 2, "once with the others, once alone"


def test_where_votes_are_counted_nobody_becomes_better_known(world):
    hosts = [world.host() for _ in range(2)]
    world.job(chunks=1)
    for host in hosts:
        (one,) = world.ask(host)
        world.report(host, one.lease)
    people = rows(world.store, VolunteerRow)
    assert [(person.checks2, person.compared, person.moved) for person in people] == [(0, 0, 0)] * 2


def _plan(connection: object, statement: str, given: tuple[int, ...]) -> list[str]:
    return [
        row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
    ]


def recheck(world: World, job: Job) -> None:
    """A work unit that volunteers agreed on is drawn for a recheck."""
    unit = next(iter(rows(world.store, WorkUnitRow)))
    made = CreateResults(
        workunit_id=unit.id, job_id=job.id, count=1, priority=0, purpose=Purpose.TRUSTED,
        because="drawn",
    )  # fmt: skip
    world.store.write(lambda tx: writes.apply(tx.connection, [made], (), tx.now))


@pytest.mark.parametrize("lied", [False, True])
def test_a_recheck_is_made_although_its_job_has_completed_and_the_seal_waits_for_it(world, lied):
    job = world.job(chunks=1, mode="standard", target_error_ppb=300_000_000)
    for host in (world.host(), world.host()):
        (one,) = world.ask(host)
        world.report(host, one.lease, rows=3 if lied else 2)
        world.time += 5
    recheck(world, job)
    assimilator.do_pass(world.store, world.time)
    assimilator.do_pass(world.store, world.time)
    done = world.facts(job.id)
    assert (done.job_state, done.seal_opened_at) == (JobState.COMPLETED, None)
    assert trusted.do_pass(world.store, world.time, compute) == 1
    if lied:
        assert world.facts(job.id).job_state is JobState.ACTIVE, "the output is made anew"
        assimilator.do_pass(world.store, world.time)
        world.time += world.settings.trap_wait_s  # nobody comes for the traps
        transitioner.do_pass(world.store, world.time)
    assimilator.do_pass(world.store, world.time)
    assimilator.do_pass(world.store, world.time)
    done = world.facts(job.id)
    assert (done.job_state, done.seal_opened_at) == (JobState.COMPLETED, world.time)


def test_what_a_cancelled_job_has_left_for_the_server_is_dropped(world):
    job = world.job(chunks=1)
    recheck(world, job)
    world.store.write(
        lambda tx: commands.move_job(tx, job.id, JobState.CANCELLED, "so", world.store.keyring)
    )
    assert trusted.do_pass(world.store, world.time, compute) == 0
    assert waiting(world) == []
    transitioner.do_pass(world.store, world.time)
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).seal_opened_at == world.time
