"""This file is where `/work` is tried on a real database, below HTTP."""

from __future__ import annotations

import asyncio

import pytest
from world import World, reported, rows

from grid.daemons import assimilator, deleter, transitioner
from grid.db import commands
from grid.db.apply import Lost, apply
from grid.db.tables import HostRow, OutboxRow, ResultRow, WorkUnitRow
from grid.db.work import WorkRequest
from grid.dispatch import LEFT_COPIES_MAX, WhyNoWork
from grid.report import LATE, Refusal
from grid.states import (
    AssimilateState,
    FileDeleteState,
    IllegalMove,
    JobState,
    Outcome,
    ServerState,
    ValidateState,
)
from grid.transition import Entity, Transition


def test_two_equal_answers_make_a_result_canonical_in_the_transaction_that_takes_them(world):
    job = world.job(chunks=1)
    one, two = world.host(), world.host()
    (first,) = world.ask(one)
    (second,) = world.ask(two)
    world.report(one, first.lease)
    (unit,) = rows(world.store, WorkUnitRow)
    assert unit.canonical_result_id is None
    world.report(two, second.lease)
    (unit,) = rows(world.store, WorkUnitRow)
    assert unit.canonical_result_id == first.lease.result_id
    assert unit.assimilate_state == AssimilateState.READY
    assert world.facts(job.id) == job  # no report writes to the job's row


def test_a_job_is_computed_merged_and_opened(world):
    job = world.job(chunks=3)
    assert world.compute([world.host(), world.host()]) == 6
    assimilator.do_pass(world.store, world.time)
    assimilator.do_pass(world.store, world.time)
    done = world.facts(job.id)
    assert done.job_state is JobState.COMPLETED
    assert done.seal_opened_at == world.time
    transitioner.do_pass(world.store, world.time)
    assert deleter.do_pass(world.store, world.time) == 3
    for unit in rows(world.store, WorkUnitRow):
        assert unit.file_delete_state == FileDeleteState.DONE
    kept = [one.output for one in rows(world.store, ResultRow) if one.output is not None]
    assert kept == ['{"rows":2}'] * 3  # every canonical output, no duplicate
    assert not any(row.sealed for row in rows(world.store, OutboxRow))


def test_a_liar_among_three_changes_nothing(world):
    world.job(chunks=1)
    liar, one, two = world.host(), world.host(), world.host()
    (lie,) = world.ask(liar)
    world.report(liar, lie.lease, rows=999)
    world.compute([one, two])
    states = {row.host_id: row.validate_state for row in rows(world.store, ResultRow)}
    assert states == {
        liar.id: ValidateState.INVALID,
        one.id: ValidateState.VALID,
        two.id: ValidateState.VALID,
    }


def test_a_report_and_its_quorum_and_the_next_assignment_are_one_exchange(world):
    world.job(chunks=2)
    host = world.host()
    (first,) = world.ask(host)
    said = reported(host, [(first.lease, 2, Outcome.SUCCESS)])
    answer = world.exchange(host, want=1, **said)
    assert answer.judged[0].accepted
    assert len(answer.assigned) == 1
    assert answer.assigned[0].first_chunk != first.first_chunk


def test_a_batch_of_hosts_gets_every_result_once(world):
    world.job(chunks=10)
    hosts = [world.host() for _ in range(8)]

    async def all_at_once():
        asks = [world.store.work(WorkRequest(host=host, want=4)) for host in hosts]
        return await asyncio.gather(*asks)

    given = [
        one.lease.result_id for answer in asyncio.run(all_at_once()) for one in answer.assigned
    ]
    assert len(given) == len(set(given)) == 20


def test_one_host_never_gets_a_second_copy_and_is_told_why(world):
    world.job(chunks=2)
    host = world.host()
    assert len(world.ask(host, want=20)) == 2
    answer = world.exchange(host, want=1)
    assert (answer.assigned, answer.why_no_work) == ((), WhyNoWork.NEEDS_OTHERS)


def test_copies_far_down_the_queue_are_found_when_the_first_ones_are_not_for_this_host(world):
    world.job(chunks=80)
    host = world.host()
    assert len(world.ask(host, want=64)) == 64
    other = world.host()
    world.compute([other])
    assert len(world.ask(host, want=16)) == 0  # it holds all the leases a host may
    fresh = world.host()
    assert len(world.ask(fresh, want=5)) == 5


def test_hosts_of_one_account_or_network_count_as_one(world):
    account = world.account("a volunteer")
    one, two = world.host(account=account), world.host(account=account)
    assert one.principal_id == two.principal_id
    near, nearer = world.host(address="8.8.4.1"), world.host(address="8.8.4.2")
    assert near.principal_id == nearer.principal_id
    far = world.host(address="8.8.5.1")
    assert far.principal_id != near.principal_id
    bridge = world.host(account=account, address="8.8.4.3")
    principals = {row.id: row.principal_id for row in rows(world.store, HostRow)}
    assert len({principals[host.id] for host in (one, two, near, nearer, bridge)}) == 1
    assert principals[far.id] == far.id
    assert world.host().principal_id != world.host().principal_id  # loopback joins nobody


def test_no_address_is_kept(world, tmp_path):
    world.host(address="8.8.4.77")
    world.reopen()
    everything = b"".join(path.read_bytes() for path in tmp_path.rglob("grid.db*"))
    assert b"8.8.4.77" not in everything
    assert b"8.8.4." not in everything


def test_silence_is_timed_out_and_the_copy_goes_to_another_host(world):
    world.job(chunks=1, delay_bound_s=5)
    gone, one, two = world.host(), world.host(), world.host()
    (lost,) = world.ask(gone)
    (kept,) = world.ask(one)
    assert world.ask(two) == ()
    world.time += 6
    world.report(one, kept.lease)
    transitioner.do_pass(world.store, world.time)
    (again,) = world.ask(two)
    world.report(two, again.lease)
    (unit,) = rows(world.store, WorkUnitRow)
    assert unit.canonical_result_id is not None
    late = world.report(gone, lost.lease)
    assert (late.accepted, late.reason) == (True, LATE)


def test_after_the_work_unit_is_settled_late_is_too_late(world):
    world.job(chunks=1, delay_bound_s=5)
    gone = world.host()
    (lost,) = world.ask(gone)
    world.time += 6
    transitioner.do_pass(world.store, world.time)
    world.compute([world.host(), world.host()])
    assimilator.do_pass(world.store, world.time)
    assert world.report(gone, lost.lease).reason == Refusal.TOO_LATE


def test_renewing_a_lease_keeps_it_alive(world):
    world.job(chunks=1, delay_bound_s=10)
    host = world.host()
    (slow,) = world.ask(host)
    lease = slow.lease
    for _ in range(5):
        world.time += 8
        lease = world.renew(host, lease)
        assert lease is not None
        assert lease.deadline == world.time + 10
        transitioner.do_pass(world.store, world.time)
    assert world.report(host, lease).reason is None


def test_a_returned_lease_goes_to_somebody_else_at_once(world):
    world.job(chunks=1, min_quorum=1, target_nresults=1)
    one, two = world.host(), world.host()
    (back,) = world.ask(one)
    assert world.report(one, back.lease, outcome=Outcome.ABANDONED).accepted
    (again,) = world.ask(two)
    assert again.first_chunk == back.first_chunk


def test_paused_work_is_not_given_out_and_what_is_out_comes_back(world):
    job = world.job(chunks=2)
    host = world.host()
    (held,) = world.ask(host)

    def move(to):
        keyring = world.store.keyring
        return world.store.write(lambda tx: commands.move_job(tx, job.id, to, "a wish", keyring))

    move(JobState.PAUSED)
    assert world.exchange(host, want=1).why_no_work is WhyNoWork.NO_WORK
    assert world.report(host, held.lease).accepted
    move(JobState.ACTIVE)
    assert len(world.ask(host)) == 1


def test_a_cancelled_job_ends_its_work_units_and_still_takes_what_is_out(world):
    job = world.job(chunks=2)
    host = world.host()
    (held,) = world.ask(host)
    keyring = world.store.keyring
    world.store.write(
        lambda tx: commands.move_job(tx, job.id, JobState.CANCELLED, "a wish", keyring)
    )
    transitioner.do_pass(world.store, world.time)
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).seal_opened_at is None  # a copy is out
    assert world.ask(host) == ()
    assert world.report(host, held.lease).accepted
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).seal_opened_at == world.time
    with pytest.raises(IllegalMove):
        world.store.write(
            lambda tx: commands.move_job(tx, job.id, JobState.ACTIVE, "a wish", keyring)
        )


def test_a_work_unit_that_gives_up_fails_its_job_with_the_hosts_words(world):
    job = world.job(chunks=2, max_error_results=2)
    for _ in range(2):
        host = world.host()
        (assigned,) = world.ask(host)
        world.report(host, assigned.lease, outcome=Outcome.CLIENT_ERROR)
    assimilator.do_pass(world.store, world.time)
    failed = world.facts(job.id)
    assert failed.job_state is JobState.FAILED
    assert failed.failure.startswith("work unit 0 gave up (too many error results): ")
    assert failed.failure_messages == ("it did not work",)
    assert not any("it did not work" in row.facts for row in rows(world.store, OutboxRow))
    transitioner.do_pass(world.store, world.time)
    assert world.ask(world.host()) == ()


def test_an_empty_data_set_completes_at_once(world):
    job = world.job(chunks=0)
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).job_state is JobState.COMPLETED


def test_work_units_are_made_lazily_and_all_in_the_end(tmp_path):
    world = World(tmp_path, unsent_workunits_max=3)
    job = world.job(chunks=10)
    assert job.workunits_made == 3
    hosts = [world.host(), world.host()]
    for _ in range(10):
        world.compute(hosts)
        world.make(job.id)
    assert world.facts(job.id).workunits_made == 10
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).job_state is JobState.COMPLETED
    world.close()


def test_everything_survives_a_restart(world):
    job = world.job(chunks=3)
    one, two = world.host(), world.host()
    (first,) = world.ask(one)
    world.report(one, first.lease)
    (held,) = world.ask(two)
    world.reopen()
    assert world.report(two, held.lease).accepted
    world.compute([one, two])
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).job_state is JobState.COMPLETED


def test_a_row_that_has_changed_since_is_lost_and_the_whole_batch_with_it(world):
    world.job(chunks=2)
    host = world.host()
    (held,) = world.ask(host)

    def stale(number):
        return Transition(
            entity=Entity.RESULT,
            id=number,
            before={"server_state": ServerState.UNSENT},
            after={"server_state": ServerState.IN_PROGRESS},
            because="a rule that saw yesterday",
        )

    others = [row.id for row in rows(world.store, ResultRow) if row.host_id is None]
    batch = [stale(others[0]), stale(held.lease.result_id)]
    with pytest.raises(Lost, match="is no longer"):
        world.store.write(lambda tx: apply(tx.connection, batch, (), tx.now))
    states = {row.id: row.server_state for row in rows(world.store, ResultRow)}
    assert states[others[0]] == ServerState.UNSENT


def test_one_poisoned_item_never_fails_its_batch(world):
    world.job(chunks=1)
    host = world.host()

    def poison(_tx):
        raise RuntimeError("poison")

    async def together():
        return await asyncio.gather(
            world.store.awrite(poison),
            world.store.work(WorkRequest(host=host, want=1)),
            world.store.awrite(lambda tx: commands.add_account(tx, "another")),
            return_exceptions=True,
        )

    failed, answer, account = asyncio.run(together())
    assert isinstance(failed, RuntimeError)
    assert len(answer.assigned) == 1
    assert account > 0


@pytest.mark.sqlite
def test_readers_cannot_write(world):
    from sqlalchemy import text
    from sqlalchemy.exc import OperationalError

    with world.store.read() as connection, pytest.raises(OperationalError, match="readonly"):
        connection.execute(text("DELETE FROM host"))


def test_the_clock_of_a_batch_is_the_servers(world):
    world.job(chunks=1)
    world.time += 1234
    (assigned,) = world.ask(world.host())
    assert assigned.lease.deadline == world.time + 600


def test_whoever_left_a_copy_may_have_another_so_a_lone_volunteer_ends_its_job(world):
    job = world.job(chunks=1, min_quorum=1, target_nresults=1, delay_bound_s=5)
    host = world.host()
    (back,) = world.ask(host)
    assert world.report(host, back.lease, outcome=Outcome.ABANDONED).accepted
    (_lost,) = world.ask(host)
    world.time += 6
    transitioner.do_pass(world.store, world.time)
    (again,) = world.ask(host)
    assert world.report(host, again.lease).accepted
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).job_state is JobState.COMPLETED


def test_whoever_keeps_leaving_copies_gets_no_more_of_that_work_unit(world):
    world.job(chunks=1, min_quorum=1, target_nresults=1)
    host = world.host()
    for _ in range(LEFT_COPIES_MAX):
        (back,) = world.ask(host)
        assert world.report(host, back.lease, outcome=Outcome.ABANDONED).accepted
    assert world.exchange(host, want=1).why_no_work is WhyNoWork.NEEDS_OTHERS
    assert len(world.ask(world.host())) == 1
