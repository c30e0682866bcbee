"""This file is where work is shared out over a real store: shares, reservations, lost results."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from world import START, World, rows

from grid.db import apply as writes
from grid.db import commands, hosts, progress, queries
from grid.db.apply import quotas
from grid.db.apply.answers import answers
from grid.db.apply.quotas import Tally
from grid.db.commands import NewHost
from grid.db.hosts import TooFew
from grid.db.tables import HostRow, ResultRow, VolunteerRow, table
from grid.dispatch import WhyNoWork, Wish
from grid.dispatch.quota import HOST_QUOTA, PRINCIPAL_QUOTA, Bucket, changed
from grid.items import Host, Needs
from grid.states import JobState, Outcome, Purpose
from grid.transition import Quarantine


def able(world: World, engine: str = "test/1", **capabilities: object) -> Host:
    new = NewHost(
        account_id=None,
        trusted=False,
        kind="headless",
        engine=engine,
        capabilities=capabilities,
        address="::1",
    )
    number, *_ = world.store.write(lambda tx: commands.add_host(tx, new))
    with world.store.read() as connection:
        return queries.host(connection, number)


def change(world: World, model: type, number: int, **values: object) -> None:
    """Set fields of a row as if it had come to that."""
    rows_ = table(model)
    world.store.write(
        lambda tx: tx.connection.execute(update(rows_).where(rows_.c.id == number).values(**values))
    )


def bucket(world: World, host: Host) -> tuple[int, int, int, int]:
    (row,) = [one for one in rows(world.store, HostRow) if one.id == host.id]
    return row.quota, row.left_milli // 1000, row.group_quota, row.group_left_milli // 1000


def jobs_of(assigned) -> list[int]:
    return [one.job.job.id for one in assigned]


def why(world: World, host: Host, want: int = 1, **wish: object) -> WhyNoWork | None:
    return world.exchange(host, want=want, wish=Wish(**wish)).why_no_work


def test_a_host_without_enough_threads_gets_none_of_the_work_that_needs_them(world):
    needy = world.job(chunks=3, needs=Needs(cores=4))
    two, four = able(world, cores=2), able(world, cores=4)
    assert (world.ask(two), why(world, two)) == ((), WhyNoWork.NOT_CAPABLE)
    assert jobs_of(world.ask(four)) == [needy.id]
    plain = world.job(chunks=1)
    assert jobs_of(world.ask(two)) == [plain.id]


def test_work_that_fits_is_found_behind_any_amount_of_work_that_does_not(world):
    for _ in range(3):
        world.job(chunks=100, needs=Needs(memory_mb=8000))
    plain = world.job(chunks=1)
    small = able(world, memory_mb=1000)
    assert jobs_of(world.ask(small, want=2)) == [plain.id]


def test_two_requesters_have_equal_shares_whoever_came_first(world):
    first = world.job(chunks=200)
    second = world.job(chunks=200, account=world.account("another"))
    given = [jobs_of(world.ask(world.host(), want=1))[0] for _ in range(10)]
    assert given.count(first.id) == given.count(second.id) == 5
    assert set(jobs_of(world.ask(world.host(), want=10))) == {first.id, second.id}


def test_a_higher_priority_goes_first(world):
    world.job(chunks=5)
    urgent = world.job(chunks=2, priority=5)
    assert jobs_of(world.ask(world.host(), want=2)) == [urgent.id, urgent.id]


def test_what_is_asked_anew_goes_before_other_requesters_work(world):
    mine, other = world.job(chunks=4), world.job(chunks=4, account=world.account("another"))
    last = [one.id for one in rows(world.store, ResultRow) if one.job_id == other.id][-1]
    change(world, ResultRow, last, priority=1)
    given = world.ask(world.host(), want=3)
    assert given[0].lease.result_id == last
    assert set(jobs_of(given[1:])) == {mine.id, other.id}


def test_the_same_owners_second_job_is_not_held_up_by_the_first(world):
    first, second = world.job(chunks=1, min_quorum=1, target_nresults=1), world.job(chunks=1)
    assert jobs_of(world.ask(world.host(), want=2)) == [first.id, second.id]


def test_a_reserved_host_gets_work_of_its_job_alone_until_that_ends(world):
    world.job(chunks=5)
    mine = world.job(chunks=1, account=world.account("another"), min_quorum=1, target_nresults=1)
    one = world.host()
    taken = world.store.write(lambda tx: hosts.reserve(tx, mine.id, 1, Needs()))
    assert taken == 1
    assert jobs_of(world.ask(one)) == [mine.id]
    assert why(world, one) is WhyNoWork.RESERVED
    world.store.write(
        lambda tx: commands.move_job(
            tx, mine.id, JobState.CANCELLED, "its owner's wish", world.store.keyring
        )
    )
    assert len(world.ask(one)) == 1


def test_hosts_are_reserved_all_or_none_and_each_only_once(world):
    job, other = world.job(), world.job()
    for _ in range(2):
        world.host()
    world.store.write(lambda tx: hosts.reserve(tx, job.id, 2, Needs()))
    with pytest.raises(TooFew, match="only 0 available"):
        world.store.write(lambda tx: hosts.reserve(tx, other.id, 1, Needs()))
    world.host()
    with pytest.raises(TooFew, match="only 1 available"):
        world.store.write(lambda tx: hosts.reserve(tx, other.id, 2, Needs()))
    assert world.store.write(lambda tx: hosts.reserve(tx, other.id, 2, Needs(), fewer=True)) == 1
    assert world.store.write(lambda tx: hosts.release(tx, job.id)) == 2
    assert world.store.write(lambda tx: hosts.reserve(tx, other.id, 2, Needs())) == 2


def test_a_host_that_is_gone_or_cannot_or_is_banned_is_not_reserved(world):
    job = world.job()
    world.host()
    world.time += 10_000
    weak, banned = able(world, cores=1), able(world, cores=9)
    change(world, VolunteerRow, banned.volunteer_id, banned_at=world.time)
    with pytest.raises(TooFew, match="only 0 available"):
        world.store.write(lambda tx: hosts.reserve(tx, job.id, 1, Needs(cores=2)))
    assert world.store.write(lambda tx: hosts.reserve(tx, job.id, 1, Needs())) == 1
    (row,) = [one for one in rows(world.store, HostRow) if one.reserved_job_id]
    assert row.id == weak.id


def test_the_list_of_hosts_tells_what_they_can_do_and_not_who_they_are(world):
    world.job()
    busy = able(world, engine="firefox/99.1-mine", os="linux", cores=4, memory_mb=1024)
    able(world, engine="my-own-thing/1")
    world.ask(busy)
    with world.store.read() as connection:
        found = hosts.online(connection, world.time, 10)
    assert [msgspec.to_builtins(one) for one in found] == [
        {"kind": "headless", "engine": "other", "os": None, "cores": None, "memory_mb": None,
         "busy": False, "reserved": False},
        {"kind": "headless", "engine": "firefox", "os": "linux", "cores": 4, "memory_mb": 1024,
         "busy": True, "reserved": False},
    ]  # fmt: skip


def test_a_quota_falls_on_errors_and_silence_and_rises_on_what_proved_right(world):
    world.job(chunks=6)
    bad, first, second = (world.host() for _ in range(3))
    start = HOST_QUOTA.start
    failing, _ = world.ask(bad, want=2)
    assert bucket(world, bad)[:2] == (start, start - 2)
    world.report(bad, failing.lease, outcome=Outcome.CLIENT_ERROR)
    assert bucket(world, bad)[0] == start // 2
    world.time += 601
    assert world.exchange(first, want=0).assigned == ()
    world.store.write(_settle_overdue(world))
    assert bucket(world, bad)[0] == start // 4
    for host in (first, second):
        world.compute([host])
    quota, left, group, _ = bucket(world, first)
    assert quota == start + 6 * HOST_QUOTA.rise
    assert left >= start
    assert group > 100_000


def _settle_overdue(world: World):
    def settle(tx):
        late = queries.overdue(tx.connection, tx.now, 100)
        return progress.settle_due(tx, sorted(late), world.store.context)

    return settle


def test_a_host_that_only_fails_is_told_that_its_quota_is_spent(world):
    world.job(chunks=40, max_error_results=100)
    one = world.host()
    change(world, HostRow, one.id, quota=4, left_milli=4000, left_at=world.time)
    for lease in [assigned.lease for assigned in world.ask(one, want=4)]:
        world.report(one, lease, outcome=Outcome.CLIENT_ERROR)
    answer = world.exchange(one, want=1)
    assert (answer.assigned, answer.why_no_work) == ((), WhyNoWork.OVER_QUOTA)
    world.time += 600
    assert len(world.ask(one, want=4)) == 1


def test_a_banned_volunteer_gets_nothing_and_is_told_why(world):
    world.job()
    liar = world.host()
    change(world, VolunteerRow, liar.volunteer_id, banned_at=world.time, ban_reason="it lied")
    answer = world.exchange(liar, want=1)
    assert (answer.assigned, answer.why_no_work) == ((), WhyNoWork.BANNED)
    assert answer.ban_reason == "it lied"


def test_a_quarantined_engine_gets_none_of_that_job_and_all_of_others(world):
    sick, other = world.job(chunks=3), world.job(chunks=1)

    order = Quarantine(job_id=sick.id, engine="test/1", cause=1, because="it differs")
    world.store.write(lambda tx: writes.apply(tx.connection, [order], (), tx.now))
    assert jobs_of(world.ask(able(world, engine="test/1"), want=5)) == [other.id]
    assert sick.id in jobs_of(world.ask(able(world, engine="test/2"), want=5))


def test_results_for_later_and_for_the_server_itself_stay_here(world):
    world.job(chunks=3, min_quorum=1, target_nresults=1)
    numbers = [one.id for one in rows(world.store, ResultRow)]
    change(world, ResultRow, numbers[0], not_before=world.time + 60)
    change(world, ResultRow, numbers[1], purpose=Purpose.TRUSTED.value)
    one = world.host()
    assert [given.lease.result_id for given in world.ask(one, want=5)] == numbers[2:]
    world.time += 60
    assert [given.lease.result_id for given in world.ask(one, want=5)] == numbers[:1]
    change(world, ResultRow, numbers[1], purpose=Purpose.COPY.value)


def test_newcomers_get_their_probation_first_and_others_never(world):
    world.job(chunks=3, min_quorum=1, target_nresults=1)
    numbers = [one.id for one in rows(world.store, ResultRow)]
    change(world, ResultRow, numbers[2], purpose=Purpose.PROBATION.value)
    known, newcomer = world.host(), world.host()
    change(world, VolunteerRow, known.volunteer_id, checks2=100)
    assert [one.lease.result_id for one in world.ask(known)] == numbers[:1]
    assert [one.lease.result_id for one in world.ask(newcomer)] == numbers[2:]
    change(world, ResultRow, numbers[2], purpose=Purpose.COPY.value)


def test_one_newcomer_of_two_where_somebody_proven_is_here(world):
    world.job(chunks=2)
    proven, *newcomers = (world.host() for _ in range(3))
    change(world, VolunteerRow, proven.volunteer_id, checks2=100)
    assert len(world.ask(newcomers[0], want=5)) == 2
    world.exchange(proven, want=1)
    assert why(world, newcomers[1], want=5) is WhyNoWork.NEEDS_OTHERS
    world.time += 121
    assert len(world.ask(newcomers[1], want=5)) == 1, "nobody proven is here any more"


def test_what_a_host_never_heard_of_is_given_to_it_again_at_once(world):
    world.job(chunks=4)
    one = world.host()
    kept, lost = world.ask(one, want=2)
    answer = world.exchange(one, want=5, holding=frozenset({kept.lease.result_id}))
    again, *new = answer.assigned
    assert (again.lease.result_id, again.lease.epoch) == (lost.lease.result_id, 2)
    assert (again.first_chunk, len(new)) == (lost.first_chunk, 2)
    assert world.report(one, lost.lease).reason == "bad_lease"
    assert world.report(one, again.lease).accepted
    assert world.report(one, kept.lease).accepted
    everything = frozenset(given.lease.result_id for given in new)
    assert world.exchange(one, want=5, holding=everything).assigned == ()


def test_a_host_that_does_not_say_what_it_holds_is_given_nothing_again(world):
    world.job(chunks=4)
    one = world.host()
    world.ask(one, want=2)
    assert [given.lease.epoch for given in world.ask(one, want=5)] == [1, 1]


def test_leases_are_counted_by_the_server_for_slots(world):
    world.job(chunks=9)
    one = world.host()
    assert len(world.exchange(one, want=5, wish=Wish(slots=2)).assigned) == 2
    assert why(world, one, slots=2) is WhyNoWork.TOO_MANY_LEASES
    assert len(world.exchange(one, want=5, wish=Wish(slots=3)).assigned) == 1


def test_work_of_the_wished_owner_is_found_behind_that_of_others(world):
    for _ in range(2):
        world.job(chunks=60)
    account = world.account("org A")
    wished = world.job(chunks=1, account=account)
    one = world.host()
    given = world.exchange(one, want=3, wish=Wish(owners=(account,))).assigned
    assert jobs_of(given) == [wished.id]
    assert why(world, one, owners=(account,)) is WhyNoWork.NEEDS_OTHERS


def test_the_last_tenth_of_a_job_waits_some_seconds_for_swift_hosts(world):
    world.job(chunks=40, min_quorum=1, target_nresults=1)
    swift, newcomer = world.host(), world.host()
    change(world, VolunteerRow, swift.volunteer_id, checks2=100)
    assert len(world.ask(newcomer, want=37)) == 37
    world.exchange(swift, want=1)
    assert why(world, newcomer) is WhyNoWork.NEEDS_OTHERS
    assert len(world.ask(swift)) == 1
    while world.time < START + 10:  # asking again, in vain, does not begin the wait anew
        assert why(world, newcomer) is WhyNoWork.NEEDS_OTHERS
        world.time += 1
    assert len(world.ask(newcomer)) == 1


def test_everything_written_about_buckets_follows_the_rule(world):
    world.job(chunks=2)
    one = world.host()
    world.ask(one, want=1)
    number = next(row.id for row in rows(world.store, ResultRow) if row.host_id == one.id)

    @settings(max_examples=60, deadline=None)
    @given(
        st.tuples(st.integers(1, 10**6), st.integers(0, 10**9), st.integers(-9, 5000)),
        st.tuples(st.integers(256, 10**7), st.integers(0, 10**10), st.integers(-9, 5000)),
        st.integers(0, 70),
        st.integers(0, 70),
        st.integers(0, 500),
    )
    def follows(mine, ours, valid, bad, sent):
        def at(values, quota):
            size, left, ago = values
            return Bucket(size=size, left_milli=min(left, size * 1000), at=world.time - ago)

        host, group = at(mine, HOST_QUOTA), at(ours, PRINCIPAL_QUOTA)
        change(
            world, HostRow, one.id, quota=host.size, left_milli=host.left_milli, left_at=host.at,
            group_quota=group.size, group_left_milli=group.left_milli, group_left_at=group.at,
        )  # fmt: skip

        def judged(bucket, quota):
            sent_first = changed(bucket, quota, world.time, sent)
            return changed(sent_first, quota, world.time, 0, valid, bad)

        def write(tx):
            gone = Tally(sent=[(one.id, one.id)] * sent, judged={})
            quotas.write(tx.connection, gone, [], tx.now)
            back = Tally(sent=[], judged={number: (valid, bad)})
            quotas.write(tx.connection, back, answers(tx.connection, [number]), tx.now)

        world.store.write(write)
        host = judged(host, HOST_QUOTA)
        group = judged(group, PRINCIPAL_QUOTA)
        with world.store.read() as connection:
            row = connection.execute(
                select(table(HostRow)).where(table(HostRow).c.id == one.id)
            ).one()
        assert (row.quota, row.left_milli) == (host.size, host.left_milli)
        assert (row.group_quota, row.group_left_milli) == (group.size, group.left_milli)

    follows()
