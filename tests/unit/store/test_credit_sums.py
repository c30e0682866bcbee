"""This file is where credit is tried on a real database: summed, sealed, opened, taken back.

What is kept is held against results and log when each test ends (`World.close`).
"""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import sqlite
from world import World, rows

from grid.daemons import assimilator, transitioner, trust
from grid.db import apply as writes
from grid.db import commands, credit_sums, credits
from grid.db.apply import answers
from grid.db.apply import credit as written
from grid.db.tables import HostRow, ResultRow, SealedCreditRow, TeamRow, WorkUnitRow
from grid.items import Host
from grid.report import LATE
from grid.simulation.invariants import check
from grid.states import JobState, ValidateState
from grid.transition import Adjust
from grid.validator import credit

#: What the work units of `World.job` are worth: too little to be timed.
WORTH = credit.worth(1, None)


def earned(world: World, host: Host) -> tuple[int, int]:
    """What it has, and what pends."""
    with world.store.read() as connection:
        found = credits.of_volunteer(connection, host.volunteer_id, world.time)
    return found.credit, found.pending


def granted(world: World, host: Host) -> int:
    """What its results were granted, whether anybody may know or not."""
    return sum(row.credit for row in rows(world.store, ResultRow) if row.host_id == host.id)


def end(world: World) -> None:
    for _ in range(2):
        assimilator.do_pass(world.store, world.time)


def ban(world: World, host: Host) -> None:
    change = Adjust(volunteer_id=host.volunteer_id, ban="wrong answers")
    world.store.write(lambda tx: writes.apply(tx.connection, [change], (), tx.now))
    trust.do_pass(world.store, world.time)


def test_credit_waits_for_the_seal_and_is_granted_once(world):
    job = world.job(chunks=3)
    hosts = [world.host(), world.host()]
    world.compute(hosts)
    assert [granted(world, host) for host in hosts] == [3 * WORTH] * 2
    assert [earned(world, host) for host in hosts] == [(0, 3 * WORTH)] * 2
    check(world.store)
    end(world)
    assert world.facts(job.id).job_state is JobState.COMPLETED
    assert [earned(world, host) for host in hosts] == [(3 * WORTH, 0)] * 2
    assert list(rows(world.store, SealedCreditRow)) == []
    for _ in range(2):  # a late daemon and a second start give nothing twice
        end(world)
        transitioner.do_pass(world.store, world.time)
        world.reopen()
    assert [earned(world, host) for host in hosts] == [(3 * WORTH, 0)] * 2


def test_what_pends_is_what_was_returned_and_not_what_was_judged(world):
    world.job(chunks=1, min_quorum=2, target_nresults=3)
    liar, one, two = world.host(), world.host(), world.host()
    (lie,) = world.ask(liar)
    world.report(liar, lie.lease, rows=999)
    world.compute([one])
    assert [earned(world, host) for host in (liar, one)] == [(0, WORTH)] * 2
    world.compute([two])
    assert [earned(world, host) for host in (liar, one, two)] == [(0, WORTH)] * 3
    end(world)
    assert [earned(world, host)[0] for host in (liar, one, two)] == [0, WORTH, WORTH]


def test_a_ban_takes_back_what_was_counted_and_an_appeal_returns_it(world):
    world.job(chunks=2)
    hosts = [world.host(), world.host()]
    world.compute(hosts)
    end(world)
    check(world.store)
    ban(world, hosts[0])
    assert earned(world, hosts[0])[0] == 0
    (row,) = [row for row in rows(world.store, HostRow) if row.id == hosts[0].id]
    assert (row.credit, row.recent) == (0, 0)
    check(world.store)
    world.store.write(lambda tx: writes.lift_ban(tx.connection, hosts[0].volunteer_id))
    trust.do_pass(world.store, world.time)
    assert [earned(world, host)[0] for host in hosts] == [2 * WORTH] * 2


def test_an_answer_after_the_seal_opened_is_valid_and_earns_nothing(world):
    job = world.job(chunks=1, min_quorum=2, target_nresults=3, delay_bound_s=86_400)
    early, other, slow = world.host(), world.host(), world.host()
    world.time = job.seal_opens_by - 1
    (assigned,) = world.ask(slow)
    world.compute([early, other])
    world.time += 2
    end(world)
    assert world.facts(job.id).seal_opened_at == world.time
    world.time += 1
    assert world.report(slow, assigned.lease).accepted
    (mine,) = [row for row in rows(world.store, ResultRow) if row.host_id == slow.id]
    assert (mine.validate_state, mine.credit) == (ValidateState.VALID, 0)
    assert earned(world, slow) == (0, 0)
    assert earned(world, early) == (WORTH, 0)


def test_a_late_right_answer_earns_while_nobody_could_read_it(world):
    world.job(chunks=1, min_quorum=2, target_nresults=2, delay_bound_s=60)
    slow, one, two = world.host(), world.host(), world.host()
    (assigned,) = world.ask(slow)
    world.time += 120
    transitioner.do_pass(world.store, world.time)
    world.compute([one])
    judged = world.report(slow, assigned.lease)
    assert (judged.accepted, judged.reason) == (True, LATE)
    world.compute([two])
    assert granted(world, slow) == granted(world, one) == WORTH


def test_a_requesters_own_hosts_earn_nothing_by_its_jobs(world):
    owner = world.account()
    own, stranger = world.host(account=owner), world.host()
    world.job(chunks=2)
    world.compute([own, stranger])
    assert earned(world, own) == (0, 0)
    assert earned(world, stranger) == (0, 2 * WORTH)
    end(world)
    assert earned(world, own)[0] == 0
    assert earned(world, stranger)[0] == 2 * WORTH


def test_hosts_of_one_account_add_up_to_one_volunteer(world):
    owner = world.account("a lab")
    first, second, other = world.host(owner), world.host(owner), world.host()
    world.job(chunks=1)
    world.compute([first, other])
    world.job(chunks=1)
    world.compute([second, other])
    end(world)
    assert first.volunteer_id == second.volunteer_id
    assert earned(world, first)[0] == 2 * WORTH
    credit_of = {row.id: row.credit for row in rows(world.store, HostRow)}
    assert (credit_of[first.id], credit_of[second.id]) == (WORTH, WORTH)


def test_whoever_changes_teams_takes_along_what_it_has(world):
    hosts = [world.host(), world.host()]

    def join(host: Host, name: str | None) -> None:
        world.store.write(lambda tx: credits.join_team(tx, host.volunteer_id, name))

    def teams() -> dict[str, int]:
        return {row.name: row.credit for row in rows(world.store, TeamRow)}

    join(hosts[0], "a")
    world.job(chunks=1, target_nresults=3)
    three = [*hosts, world.host()]
    for host, (assigned,) in [(host, world.ask(host)) for host in three]:
        world.report(host, assigned.lease)
    end(world)
    assert teams() == {"a": WORTH}
    join(hosts[1], "b")
    assert teams() == {"a": WORTH, "b": WORTH}
    join(hosts[0], "b")
    assert teams() == {"b": 2 * WORTH}
    ban(world, hosts[1])
    assert teams() == {"b": WORTH}
    check(world.store)
    join(hosts[0], None)
    join(hosts[1], None)
    assert teams() == {}


def test_a_work_unit_keeps_the_worth_it_was_made_with(world):
    job = world.job(chunks=1)
    dear = {job.job_type_digest: 10**12}
    world.store.write(lambda tx: credits.keep_costs(tx, dear))
    later = world.job(chunks=1)
    worths = {row.job_id: row.credit for row in rows(world.store, WorkUnitRow)}
    assert worths == {job.id: WORTH, later.id: credit.worth(1, 10**12)}


def test_a_sum_that_is_not_what_results_were_granted_is_found(world):
    world.job(chunks=1)
    hosts = [world.host(), world.host()]
    world.compute(hosts)
    end(world)
    with world.store.read() as connection:
        assert {one.kept for one in credit_sums.sums(connection)} == {WORTH}
    world.store.write(lambda tx: written._add(tx.connection, HostRow, {hosts[0].id: [5, 0.0]}))
    with pytest.raises(AssertionError, match="credit is conserved"):
        check(world.store)
    world.store.write(lambda tx: written._add(tx.connection, HostRow, {hosts[0].id: [-5, 0.0]}))


@pytest.mark.sqlite
@pytest.mark.parametrize("by", ["volunteer", "host", "team"])
@pytest.mark.parametrize("order", ["total", "recent"])
def test_a_leaderboard_is_read_off_its_index(world, by, order):
    statement = credits.ranking(by, order).limit(10).compile(dialect=sqlite.dialect())
    with world.store.read() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", (10, 0)).all()
    steps = [row[3] for row in plan]
    index = f"{by}_credit" if order == "total" else f"{by}_recent"
    assert any(f"INDEX {index}" in step for step in steps), steps
    assert not any("ORDER BY" in step for step in steps), steps


@pytest.mark.sqlite
def test_granting_scans_no_table(world):
    for prepared in (answers._ANSWERS, written._KEPT, written._KEEP.one):
        statement = str(prepared.statement.compile(dialect=sqlite.dialect()))
        given = tuple("[1]" for _ in range(statement.count("?")))
        with world.store.read() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all()
        scanned = {row[3] for row in plan if row[3].startswith("SCAN ")}
        assert all("VIRTUAL TABLE" in step or "CONSTANT ROW" in step for step in scanned), scanned


def test_a_volunteer_of_an_account_without_hosts_can_be_made(world):
    owner = world.account("keen")
    number = world.store.write(lambda tx: commands.volunteer_of(tx, owner))
    assert world.host(owner).volunteer_id == number
