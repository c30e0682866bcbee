"""This file is where one job's trouble is kept from the others, and an ended job comes to rest."""

from __future__ import annotations

import pyarrow as pa
import pytest
from world import rows

from grid.daemons import assimilator, transitioner
from grid.db import commands
from grid.db.tables import OutboxRow, WorkUnitRow
from grid.plugins.loader import PluginError
from grid.report import RENEWED_BOUNDS_MAX, Refusal
from grid.states import AssimilateState, FileDeleteState, JobState, Outcome


def cancel(world, job) -> None:
    keyring = world.store.keyring
    world.store.write(
        lambda tx: commands.move_job(tx, job.id, JobState.CANCELLED, "a wish", keyring)
    )


def daemons(world, times: int = 3) -> None:
    for _ in range(times):
        transitioner.do_pass(world.store, world.time)
        assimilator.do_pass(world.store, world.time)


def test_a_job_whose_merge_fails_fails_alone(world, monkeypatch):
    broken, sound = world.job(chunks=1), world.job(chunks=1)
    job_type = world.store.job_types.loaded(broken.job_type_digest).job_type
    merge = type(job_type).merge

    def fail_once(self, spec, columns, state, part, done=[]):  # noqa: B006
        if not done:
            done.append(1)
            raise ValueError("the answer was forty-two")
        return merge(self, spec, columns, state, part)

    monkeypatch.setattr(type(job_type), "merge", fail_once)
    world.compute([world.host(), world.host()])
    daemons(world)
    assert world.facts(broken.id).failure == "merging work unit 0 failed"
    assert "forty-two" in world.facts(broken.id).failure_messages[0]
    assert world.facts(sound.id).job_state is JobState.COMPLETED
    assert not any("forty-two" in row.facts for row in rows(world.store, OutboxRow))


def test_rows_of_different_columns_fail_their_job_alone(world, monkeypatch):
    broken, sound = world.job(chunks=2), world.job(chunks=1)
    job_type = world.store.job_types.loaded(broken.job_type_digest).job_type
    merge = type(job_type).merge

    def uneven(self, spec, columns, state, part):
        merged = merge(self, spec, columns, state, part)
        names = {"a" * (part.ordinal + 1): [1]}
        return type(merged)(state=merged.state, rows=pa.RecordBatch.from_pydict(names))

    monkeypatch.setattr(type(job_type), "merge", uneven)
    world.compute([world.host(), world.host()])
    daemons(world)
    assert world.facts(broken.id).job_state is JobState.FAILED
    assert world.facts(sound.id).job_state is JobState.COMPLETED


@pytest.mark.parametrize("state", [1.5, {1, 2}, float("nan")])
def test_a_merge_state_that_is_no_exact_json_fails_its_job_alone(world, monkeypatch, state):
    broken, sound = world.job(chunks=1), world.job(chunks=1)
    job_type = world.store.job_types.loaded(broken.job_type_digest).job_type
    merge, seen = type(job_type).merge, []

    def bad_once(self, spec, columns, before, part):
        merged = merge(self, spec, columns, before, part)
        if seen:
            return merged
        seen.append(1)
        return type(merged)(state=state)

    monkeypatch.setattr(type(job_type), "merge", bad_once)
    world.compute([world.host(), world.host()])
    daemons(world)
    assert world.facts(broken.id).job_state is JobState.FAILED
    assert world.facts(sound.id).job_state is JobState.COMPLETED


def test_a_disk_that_fails_does_not_fail_the_job_for_good(world, monkeypatch):
    job = world.job(chunks=1)
    world.compute([world.host(), world.host()])
    put = world.store.blobs.put

    def full(_data):
        raise OSError("no space left")

    monkeypatch.setattr(world.store.blobs, "put", full)
    daemons(world)
    assert world.facts(job.id).job_state is JobState.ACTIVE
    monkeypatch.setattr(world.store.blobs, "put", put)
    daemons(world)
    assert world.facts(job.id).job_state is JobState.COMPLETED


def test_an_ended_job_whose_type_is_gone_still_comes_to_rest(world, monkeypatch):
    job = world.job(chunks=1, min_quorum=1, target_nresults=2, delay_bound_s=5)
    one, gone = world.host(), world.host()
    (mine,), _ = world.ask(one), world.ask(gone)
    world.report(one, mine.lease)
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).job_state is JobState.COMPLETED

    def missing(digest):
        raise PluginError(f"no job type with digest {digest} is here any more")

    monkeypatch.setattr(world.store.job_types, "loaded", missing)
    world.time += 6
    daemons(world)
    (unit,) = rows(world.store, WorkUnitRow)
    assert unit.file_delete_state != FileDeleteState.INIT
    assert world.facts(job.id).seal_opened_at == world.time


def test_what_is_decided_after_the_seal_has_opened_is_not_sealed(world):
    job = world.job(chunks=2)
    cancel(world, job)
    assimilator.do_pass(world.store, world.time)
    assert world.facts(job.id).seal_opened_at == world.time
    transitioner.do_pass(world.store, world.time)
    verdicts = [row for row in rows(world.store, OutboxRow) if row.kind == "verdict"]
    assert len(verdicts) == 2
    assert not any(row.sealed for row in verdicts)


def test_a_cancelled_jobs_silent_copies_are_too_late_once_it_is_filed_away(world):
    job = world.job(chunks=1, delay_bound_s=5)
    host = world.host()
    (held,) = world.ask(host)
    cancel(world, job)
    world.time += 6
    daemons(world)
    (unit,) = rows(world.store, WorkUnitRow)
    assert unit.assimilate_state == AssimilateState.DONE
    assert world.report(host, held.lease).reason == Refusal.TOO_LATE


def test_a_lease_cannot_be_renewed_for_ever(world):
    world.job(chunks=1, delay_bound_s=10)
    host = world.host()
    (held,) = world.ask(host)
    lease, renewals = held.lease, 0
    while lease is not None:
        world.time += 9
        transitioner.do_pass(world.store, world.time)
        lease, renewals = world.renew(host, lease), renewals + 1
    assert renewals * 9 <= (RENEWED_BOUNDS_MAX + 1) * 10
    assert world.report(host, held.lease, outcome=Outcome.ABANDONED).reason == Refusal.TOO_LATE


def test_a_cancel_stops_the_merge_that_has_begun(world, monkeypatch):
    job = world.job(chunks=1)
    world.compute([world.host(), world.host()])
    keep = assimilator._keep

    def cancelled_meanwhile(store, job_id, merge, folded):
        cancel(world, job)
        return keep(store, job_id, merge, folded)

    monkeypatch.setattr(assimilator, "_keep", cancelled_meanwhile)
    assimilator.do_pass(world.store, world.time)
    (unit,) = rows(world.store, WorkUnitRow)
    assert unit.assimilate_state == AssimilateState.READY
    assert world.facts(job.id).job_state is JobState.CANCELLED
