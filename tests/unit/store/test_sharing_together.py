"""This file is where several server processes on one database share out work as one would."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import update
from world import World, rows

from grid.db.served import LEARN_EVERY_S, STAYING_S
from grid.db.store import Store
from grid.db.tables import RequesterShareRow, VolunteerRow, table
from grid.db.work import WorkAnswer, WorkRequest
from grid.dispatch import WhyNoWork, Wish
from grid.items import Host, Job


@contextmanager
def another(world: World) -> Iterator[Store]:
    """A second process's store on the same database."""
    store = world._open()
    yield store
    store.close()


def ask(store: Store, host: Host, **fields: object) -> WorkAnswer:
    return asyncio.run(store.work(WorkRequest(host=host, **{"want": 1, **fields})))


def given_to(store: Store, world: World, count: int, **wish: object) -> Counter[int]:
    """Results that so many new hosts are given, one each, by job."""
    jobs: Counter[int] = Counter()
    for _ in range(count):
        for one in ask(store, world.host(), wish=Wish(**wish)).assigned:
            jobs[one.job.job.id] += 1
    return jobs


@pytest.fixture
def two_jobs(world: World) -> tuple[Job, Job]:
    return world.job(chunks=200), world.job(chunks=200, account=world.account("another"))


def test_what_one_process_gave_a_requester_another_makes_up_for(world, two_jobs):
    first, second = two_jobs
    with another(world) as other:
        given = given_to(world.store, world, 20, jobs=frozenset({first.id}))
        given += given_to(other, world, 2)
        world.time += LEARN_EVERY_S
        given += given_to(world.store, world, 1, jobs=frozenset({first.id}))
        world.time += LEARN_EVERY_S
        given += given_to(other, world, 30)
    assert abs(given[first.id] - given[second.id]) <= 1, given


def test_two_processes_that_serve_everybody_do_not_drift_apart(world, two_jobs):
    first, second = two_jobs
    given: Counter[int] = Counter()
    with another(world) as other:
        for turn in range(12):
            given += given_to((world.store, other)[turn % 2], world, 1 + turn % 5)
            world.time += 2
    assert abs(given[first.id] - given[second.id]) <= 2, given


def test_a_restart_forgets_no_share_that_was_told(world, two_jobs):
    first, second = two_jobs
    given_to(world.store, world, 15, jobs=frozenset({first.id}))
    world.time += LEARN_EVERY_S
    given_to(world.store, world, 1, jobs=frozenset({first.id}))
    world.reopen()
    assert given_to(world.store, world, 14) == {second.id: 14}


def test_who_comes_back_is_not_paid_for_its_absence_by_any_process(world):
    first = world.job(chunks=200)
    with another(world) as other:
        for store in (world.store, other) * 2:
            given_to(store, world, 10)
            world.time += LEARN_EVERY_S
        second = world.job(chunks=200, account=world.account("another"))
        for store in (world.store, other):
            given = given_to(store, world, 10)
            assert abs(given[first.id] - given[second.id]) <= 2
            world.time += LEARN_EVERY_S
        for store in (world.store, other):
            given_to(store, world, 1)
    kept = {row.account_id: row.served for row in rows(world.store, RequesterShareRow)}
    assert len(kept) == 2 and max(kept.values()) - min(kept.values()) < 25


def test_after_a_long_silence_everybody_begins_alike(world, two_jobs):
    first, second = two_jobs
    given_to(world.store, world, 15, jobs=frozenset({first.id}))
    world.time += LEARN_EVERY_S
    given_to(world.store, world, 1, jobs=frozenset({first.id}))
    world.time += STAYING_S + 1
    world.reopen()
    assert set(given_to(world.store, world, 2)) == {first.id, second.id}


def test_somebody_proven_at_another_process_counts_as_here(world):
    world.job(chunks=2)
    proven, *newcomers = (world.host() for _ in range(3))
    people = table(VolunteerRow)
    world.store.write(
        lambda tx: tx.connection.execute(
            update(people).where(people.c.id == proven.volunteer_id).values(checks2=100)
        )
    )
    with another(world) as other:
        assert len(ask(world.store, newcomers[0], want=5).assigned) == 2
        assert ask(other, newcomers[1], want=5).why_no_work is WhyNoWork.NEEDS_OTHERS
        world.time += 121
        assert len(ask(other, newcomers[1], want=5).assigned) == 2, "it is gone"
