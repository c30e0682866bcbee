"""This file is where changed standings take effect on verdicts that were reached before."""

from __future__ import annotations

import json
import time

import pytest
from world import World, rows

from grid import chunks
from grid.daemons import assimilator, deleter, transitioner, trust
from grid.daemons.integrator import Integrator
from grid.daemons.runner import Daemons
from grid.db import apply as writes
from grid.db import effects, folds, listings, queries
from grid.db.tables import (
    OutboxRow,
    OutputPartRow,
    OutputRow,
    ResultRow,
    ReviewRow,
    VolunteerRow,
    WorkUnitRow,
)
from grid.states import (
    AssimilateState,
    FileDeleteState,
    JobState,
    ServerState,
    ValidateState,
)
from grid.transition import Adjust, Quarantine


def ban(world: World, *hosts: object) -> None:
    for host in hosts:
        done = world.store.write(
            lambda tx, host=host: writes.ban(tx.connection, host.volunteer_id, "caught", tx.now)
        )
        assert done


def passes(world: World, count: int = 3) -> None:
    for _ in range(count):
        trust.do_pass(world.store, world.time)
        transitioner.do_pass(world.store, world.time)
        assimilator.do_pass(world.store, world.time)
        deleter.do_pass(world.store, world.time)


def lie(world: World, job: object, *liars: object) -> None:
    """Both give the same wrong answers to everything, and the job completes with them."""
    assert world.compute(list(liars), rows=3) == 2 * job.workunit_count
    passes(world)
    assert world.facts(job.id).job_state is JobState.COMPLETED


def total(world: World, job: object, version: int) -> int:
    """What the output's one row says: tally adds up."""
    with world.store.read() as connection:
        (part,) = listings.output_parts(connection, job.id, version)
    return chunks.decode_batch(world.store.blobs.get(part.digest)).to_pylist()[0]["rows"]


def test_a_ban_reopens_all_that_rests_on_it_in_bites_also_after_the_job_has_completed(
    world, monkeypatch
):
    monkeypatch.setattr(effects, "BITE", 7)
    job = world.job(chunks=30)
    liars = world.host(), world.host()
    lie(world, job, *liars)
    assert total(world, job, 1) == 90
    ban(world, liars[0])
    assert trust.do_pass(world.store, world.time) == 30
    assert {unit.canonical_result_id for unit in rows(world.store, WorkUnitRow)} == {None}
    reopened = world.facts(job.id)
    assert (reopened.job_state, reopened.ended_at) == (JobState.ACTIVE, None)
    with world.store.read() as connection:
        counts = listings.counts(connection, [job.id])[job.id]
    assert (counts.output_version, counts.retracted, counts.decided) == (2, 30, 0)
    world.compute([world.host(), world.host()])
    passes(world)
    assert world.facts(job.id).job_state is JobState.COMPLETED
    assert (total(world, job, 1), total(world, job, 2)) == (90, 60), "version 1 stays readable"
    assert [row.output_version for row in rows(world.store, OutputRow)] == [1, 2]
    kinds = [row.kind for row in rows(world.store, OutboxRow)]
    assert (kinds.count("retract"), kinds.count("output")) == (30, 2)
    (banned,) = [row for row in rows(world.store, VolunteerRow) if row.banned_at]
    assert (banned.id, banned.moved, banned.moved_from) == (liars[0].volunteer_id, 0, 0)
    assert trust.do_pass(world.store, world.time) == 0, "it has come to rest"


def test_a_retraction_in_the_middle_of_a_merge_drops_its_parts(world):
    job = world.job(chunks=4)
    liars = world.host(), world.host()
    for host in liars:
        for one in world.ask(host, want=2):
            world.report(host, one.lease, rows=3)
    assimilator.do_pass(world.store, world.time)
    with world.store.read() as connection:
        assert folds.merge_state(connection, job.id).merged == 2
    world.store.write(
        lambda tx: writes.add(
            tx.connection,
            OutputPartRow(job_id=job.id, output_version=1, ordinal=0, digest="d", rows=1),
        )
    )
    ban(world, liars[0])
    passes(world)
    with world.store.read() as connection:
        merge = folds.merge_state(connection, job.id)
    assert (merge.output_version, merge.merged) == (2, 0)
    assert not list(rows(world.store, OutputPartRow))
    world.compute([world.host(), world.host()])
    passes(world)
    assert total(world, job, 2) == 8


def test_an_output_is_found_although_its_speaker_has_changed_and_its_bytes_were_dropped(world):
    job = world.job(chunks=2, target_nresults=3, min_quorum=2)
    hosts = [world.host() for _ in range(3)]
    for host, held in [(host, world.ask(host, want=2)) for host in hosts]:
        for one in held:
            world.report(host, one.lease)
    passes(world)
    assert world.facts(job.id).job_state is JobState.COMPLETED
    kept = {row.id for row in rows(world.store, ResultRow) if row.output is not None}
    speakers = {unit.canonical_result_id for unit in rows(world.store, WorkUnitRow)}
    assert kept == speakers
    speaker = next(row for row in rows(world.store, ResultRow) if row.id in speakers)
    ban(world, next(host for host in hosts if host.id == speaker.host_id))
    passes(world)
    changed = {unit.canonical_result_id for unit in rows(world.store, WorkUnitRow)}
    assert not changed & speakers
    assert kept == {row.id for row in rows(world.store, ResultRow) if row.output is not None}
    with world.store.read() as connection:
        assert [one.output for one in folds.ripe(connection, job.id, 0, 9)] == ['{"rows":2}'] * 2
        counts = listings.counts(connection, [job.id])[job.id]
    assert (counts.output_version, counts.retracted) == (1, 0), "the answer has not changed"
    assert world.facts(job.id).job_state is JobState.COMPLETED


def test_a_verdict_that_changed_between_reading_and_writing_is_not_merged_away(world, monkeypatch):
    job = world.job(chunks=1, target_nresults=3, min_quorum=2)
    liars, honest = [world.host(), world.host()], world.host()
    held = world.ask(honest)
    for host in liars:
        for one in world.ask(host):
            world.report(host, one.lease, rows=3)
    keep = assimilator._keep

    def late(*given):
        monkeypatch.setattr(assimilator, "_keep", keep)
        ban(world, liars[0])
        trust.do_pass(world.store, world.time)
        world.report(honest, held[0].lease)
        other = world.host()
        for one in world.ask(other):
            world.report(other, one.lease)
        return keep(*given)

    monkeypatch.setattr(assimilator, "_keep", late)
    assimilator.do_pass(world.store, world.time)
    (unit,) = rows(world.store, WorkUnitRow)
    assert unit.assimilate_state == AssimilateState.READY
    passes(world)
    assert world.facts(job.id).job_state is JobState.COMPLETED
    assert total(world, job, 1) == 2


def test_a_job_is_not_completed_on_a_merge_that_was_begun_anew(world, monkeypatch):
    job = world.job(chunks=1)
    liars = world.host(), world.host()
    finish = assimilator._finish

    def late(*given):
        monkeypatch.setattr(assimilator, "_finish", finish)
        ban(world, liars[0])
        trust.do_pass(world.store, world.time)
        return finish(*given)

    monkeypatch.setattr(assimilator, "_finish", late)
    world.compute(liars, rows=3)
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).job_state is JobState.ACTIVE
    assert not list(rows(world.store, OutputRow))
    world.compute([world.host(), world.host()])
    passes(world)
    assert total(world, job, 2) == 2


@pytest.mark.parametrize("worse", [False, True])
def test_whoever_moves_is_looked_at_once_however_much_rests_on_them(world, monkeypatch, worse):
    monkeypatch.setattr(effects, "BITE", 5)
    world.job(chunks=23)
    one, two = world.host(), world.host()
    world.compute([one, two])
    trust.do_pass(world.store, world.time)
    change = Adjust(volunteer_id=one.volunteer_id, checks2=1, reset=worse)
    world.store.write(lambda tx: writes.apply(tx.connection, [change], (), tx.now))
    assert trust.do_pass(world.store, world.time) == (23 if worse else 0)
    assert not [row for row in rows(world.store, VolunteerRow) if row.moved or row.moved_from]


def test_an_unban_makes_answers_count_again(world):
    world.job(chunks=3, min_quorum=2)
    one, two = world.host(), world.host()
    for host in (one, two):
        for given in world.ask(host, want=8):
            world.report(host, given.lease)
    ban(world, one)
    trust.do_pass(world.store, world.time)
    assert {unit.canonical_result_id for unit in rows(world.store, WorkUnitRow)} == {None}
    assert world.store.write(lambda tx: writes.lift_ban(tx.connection, one.volunteer_id))
    trust.do_pass(world.store, world.time)
    assert None not in {unit.canonical_result_id for unit in rows(world.store, WorkUnitRow)}
    assert not world.store.write(lambda tx: writes.lift_ban(tx.connection, one.volunteer_id))


def test_a_quarantine_voids_what_the_engine_answered_before_and_its_lifting_lets_it_count_again(
    world, monkeypatch
):
    monkeypatch.setattr(effects, "BITE", 4)
    job = world.job(chunks=10, mode="standard")
    host = world.host()
    for given in world.ask(host, want=64):
        world.report(host, given.lease)
    units = [unit.id for unit in rows(world.store, WorkUnitRow)]

    def set_quarantine(lift: bool) -> None:
        change = Quarantine(
            job_id=job.id, engine="test", cause=units[0], lift=lift, convict=not lift, because="so"
        )
        world.store.write(lambda tx: writes.apply(tx.connection, [change], (), tx.now))

    def states() -> list[str]:
        return [
            row.validate_state
            for row in rows(world.store, ResultRow)
            if row.server_state == ServerState.OVER and row.volunteer_id
        ]

    assert states() == [ValidateState.INCONCLUSIVE] * 10
    set_quarantine(lift=False)
    assert trust.do_pass(world.store, world.time) == 10
    assert states() == [ValidateState.VOID] * 10
    set_quarantine(lift=True)
    assert trust.do_pass(world.store, world.time) == 10
    assert states() == [ValidateState.INCONCLUSIVE] * 10
    assert not list(rows(world.store, ReviewRow))


def test_standings_take_effect_behind_the_commit_that_moved_them(tmp_path, monkeypatch):
    # What has become leaves is not in the outbox, where the log is held against the state.
    monkeypatch.setattr(Integrator, "do_pass", lambda *_: 0)
    world = World(tmp_path / "grid", daemon_interval_s=3600)
    job = world.job(chunks=3)
    liars = world.host(), world.host()
    lie(world, job, *liars)
    daemons = Daemons(world.store)
    daemons.start()
    try:
        ban(world, liars[0])
        daemons.nudge({job.id})
        deadline = time.monotonic() + 20
        while world.facts(job.id).job_state is JobState.COMPLETED:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        daemons.stop()
    world.close()


def test_bytes_are_dropped_only_where_the_canonical_ones_are_kept(world):
    world.job(chunks=1, target_nresults=2, min_quorum=2)
    world.compute([world.host(), world.host()])
    (unit,) = rows(world.store, WorkUnitRow)
    other = next(row for row in rows(world.store, ResultRow) if row.id != unit.canonical_result_id)
    world.store.write(lambda tx: writes.drop_duplicate_outputs(tx.connection, [unit.id]))
    assert [row.output for row in rows(world.store, ResultRow) if row.id == other.id] == [None]
    passes(world)
    (unit,) = rows(world.store, WorkUnitRow)
    assert unit.file_delete_state == FileDeleteState.DONE
    assert [json.loads(row.output) for row in rows(world.store, ResultRow) if row.output] == [
        {"rows": 2}
    ]


def test_the_bytes_of_an_answer_are_shown_although_those_of_its_new_speaker_were_dropped(world):
    job = world.job(chunks=1, target_nresults=3, min_quorum=2)
    hosts = [world.host() for _ in range(3)]
    copies = [world.ask(host)[0] for host in hosts]
    for host, copy in zip(hosts, copies, strict=True):
        assert world.report(host, copy.lease).accepted
    passes(world)
    (before,) = the_units(world)
    spoke = next(one for one in before.results if one.id == before.canonical_result_id)
    assert len([row for row in rows(world.store, ResultRow) if row.output]) == 1
    ban(world, next(host for host in hosts if host.id == spoke.host_id))
    passes(world)
    (after,) = the_units(world)
    assert after.canonical_result_id not in (None, spoke.id), "another speaks for the answer"
    with world.store.read() as connection:
        assert json.loads(listings.canonical_output(connection, after)) == {"rows": 2}
    assert world.facts(job.id).job_state is JobState.COMPLETED


def the_units(world: World) -> list:
    with world.store.read() as connection:
        numbers = [row.id for row in rows(world.store, WorkUnitRow)]
        return list(queries.workunits(connection, numbers).values())
