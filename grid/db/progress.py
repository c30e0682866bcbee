"""This file is where a job's stages move on: work units made, merged, ended, wound up.

Each function runs inside one transaction; daemons call them, in bounded bites.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection

from grid import splitter, transitioner
from grid.assimilator import ending
from grid.assimilator.output import Backing, OutputPart
from grid.auditlog import entries
from grid.auditlog.entries import About
from grid.db import apply as writes
from grid.db import credits, folds, put, queries
from grid.db.folds import Merge, Ripe
from grid.db.keyring import Keyring
from grid.db.tables import OutputPartRow, OutputRow
from grid.db.transaction import Transaction
from grid.db.work import Context, settle_units, units_of
from grid.items import Json, WorkUnit
from grid.states import AssimilateState, FileDeleteState
from grid.transition import Entity, Instruction, Transition, merged
from grid.validator import credit

#: Places in a sealed job's lists: 48 bits hardly ever meet.
SHUFFLE_BYTES = 6


def wants_workunits(connection: Connection, job_id: int, high_water: int) -> bool:
    """Whether it is time to make more of a job's work units.

    Not while half of `high_water` wait: large bites cost less.
    """
    facts = queries.job(connection, job_id)
    assert facts is not None, "jobs stay"
    open_yet = facts.job.job_state in ending.OPEN_STATES
    if not open_yet or facts.job.workunits_made == facts.job.workunit_count:
        return False
    return queries.unseen_workunits(connection, job_id, high_water) * 2 <= high_water


def make_workunits(transaction: Transaction, job_id: int, high_water: int, context: Context) -> int:
    """Make the job's next work units with their first copies, up to `high_water`; how many."""
    connection = transaction.connection
    if not wants_workunits(connection, job_id, high_water):
        return 0
    facts = queries.job(connection, job_id)
    assert facts is not None, "jobs stay"
    dataset = queries.dataset(connection, facts.job.dataset_id)
    chunks = 0 if dataset is None else dataset.chunk_count
    unseen = queries.unseen_workunits(connection, job_id, high_water)
    ranges = list(splitter.next_ranges(facts.job, chunks, unseen, high_water))
    if not ranges:
        return 0
    made = facts.job.workunits_made
    if not writes.set_workunits_made(connection, job_id, made, made + len(ranges)):
        return 0
    cost_ps = credits.cost_ps(connection, facts.job.job_type_digest)
    worth = {one.ordinal: credit.of_workunit(facts.job, one.ordinal, cost_ps) for one in ranges}
    dice = transaction.entropy(SHUFFLE_BYTES * len(ranges))
    ids = writes.add_workunits(
        connection,
        [
            {
                "job_id": job_id,
                "ordinal": one.ordinal,
                "shuffle": int.from_bytes(dice[place : place + SHUFFLE_BYTES]),
                "first_chunk": one.first_chunk,
                "chunk_count": one.chunk_count,
                "credit": worth[one.ordinal],
            }
            for place, one in zip(range(0, len(dice), SHUFFLE_BYTES), ranges, strict=True)
        ],
    )
    units = {
        ids[one.ordinal]: WorkUnit(
            id=ids[one.ordinal],
            job_id=job_id,
            ordinal=one.ordinal,
            first_chunk=one.first_chunk,
            chunk_count=one.chunk_count,
            policy=facts.job.policy,
            credit=worth[one.ordinal],
        )
        for one in ranges
    }
    settle_units(transaction, units, context, {})
    return len(ranges)


def settle_due(transaction: Transaction, workunit_ids: Sequence[int], context: Context) -> int:
    """Settle work units whom time has overtaken; how many were looked at."""
    units = units_of(transaction, workunit_ids, context)
    settle_units(transaction, units, context, {})
    return len(units)


def cancel_workunits(
    transaction: Transaction, workunit_ids: Sequence[int], context: Context
) -> int:
    """End undecided work units of an ended job; how many."""
    units = units_of(transaction, workunit_ids, context)
    done: dict[int, list[Instruction]] = {
        number: transitioner.cancel(unit) for number, unit in units.items()
    }
    settle_units(transaction, units, context, done)
    return len(units)


def file_away(transaction: Transaction, workunit_ids: Sequence[int]) -> int:
    """Settle work units whose job has ended without them: nothing comes in late any more."""
    writes.apply(
        transaction.connection, _settled(workunit_ids, "its job has ended"), (), transaction.now
    )
    return len(workunit_ids)


def advance_merge(
    transaction: Transaction,
    job_id: int,
    merge: Merge,
    done: Sequence[Ripe],
    state: Json,
    parts: Sequence[OutputPart],
) -> bool:
    """Record that these work units are in the output; False when somebody else has done so.

    The parts' blobs are on the disk already.
    """
    connection = transaction.connection
    facts = queries.job(connection, job_id)
    if facts is None or facts.job.job_state not in ending.OPEN_STATES:
        return False
    merged = merge.merged + len(done)
    if not writes.set_merge(connection, job_id, merge.output_version, merge.merged, merged, state):
        return False
    for part in parts:
        writes.add(
            connection,
            OutputPartRow(
                job_id=job_id,
                output_version=merge.output_version,
                ordinal=part.ordinal,
                digest=part.digest,
                rows=part.rows,
            ),
        )
    writes.apply(connection, _in_output(done), (), transaction.now)
    transaction.touched.add(job_id)
    return True


def complete_job(
    transaction: Transaction,
    job_id: int,
    merge: Merge,
    last: OutputPart | None,
    manifest_digest: str,
    backing: Backing,
    keyring: Keyring,
    hit: Ripe | None = None,
    failed: int = 0,
) -> int:
    """Publish the merge as the job's output and end the job; how many steps were taken: none when
    a verdict was retracted meanwhile.

    The blobs of the last part and of the manifest are on the disk already. `hit` is the work unit
    whose answer is enough, and in the output; `failed` how many rows had no value.
    """
    facts = queries.job(transaction.connection, job_id)
    if facts is None or facts.job.job_state not in ending.OPEN_STATES:
        return 0
    now = folds.merge_state(transaction.connection, job_id)
    if (now.output_version, now.merged) != (merge.output_version, merge.merged):
        return 0
    about = keyring.about(facts.job)
    _publish_output(transaction, about, merge, last, manifest_digest, backing, failed)
    if hit is not None and hit.assimilate_state is not AssimilateState.DONE:
        writes.apply(transaction.connection, _in_output([hit]), (), transaction.now)
    done = ending.Progress(merged=merge.merged, stopped_by=None if hit is None else hit.ordinal)
    return end_job(transaction, job_id, done, keyring)


def end_job(
    transaction: Transaction, job_id: int, progress: ending.Progress, keyring: Keyring
) -> int:
    """End the job and open its seal, where the rule says so; how many steps were taken."""
    facts = queries.job(transaction.connection, job_id)
    assert facts is not None, "jobs stay"
    out = queries.copies_out(transaction.connection, job_id)
    given_up = progress.failure is not None or facts.job.job_state in ending.GIVEN_UP
    if not given_up:  # rechecks and traps go on, while nobody sees what they may overturn
        out += queries.awaited(transaction.connection, job_id)
    progress = msgspec.structs.replace(progress, in_progress=out)
    steps = ending.decide(facts.job, progress, transaction.now)
    about, lines = keyring.about(facts.job), []
    for step in steps:
        transaction.touched.add(job_id)
        if "seal_opened_at" in step.after:
            writes.unseal(transaction.connection, job_id)
            lines.append(entries.reveal(about, facts.job.seed, transaction.now))
        else:
            lines.append(entries.ending(about, step, transaction.now))
    writes.apply(transaction.connection, merged(steps), lines, transaction.now)
    if any(step.after.get("job_state") in ending.ENDED for step in steps):
        writes.forget_secrets(transaction.connection, job_id)
    return len(steps)


def delete_leftovers(
    transaction: Transaction, workunit_ids: Sequence[int], forget: Callable[[str], None]
) -> int:
    """Drop the bytes that a settled work unit no longer needs; how many work units.

    `forget` deletes the file of an output that was put and that nothing refers to any more.
    """
    writes.drop_duplicate_outputs(transaction.connection, workunit_ids)
    put.drop_leftovers(transaction, workunit_ids, forget)
    batch = [
        Transition(
            entity=Entity.WORKUNIT,
            id=number,
            before={"file_delete_state": FileDeleteState.READY},
            after={"file_delete_state": FileDeleteState.DONE},
            because="the bytes of its duplicates are gone",
        )
        for number in workunit_ids
    ]
    writes.apply(transaction.connection, batch, (), transaction.now)
    return len(batch)


def _publish_output(
    transaction: Transaction,
    about: About,
    merge: Merge,
    last: OutputPart | None,
    manifest_digest: str,
    backing: Backing,
    failed: int,
) -> None:
    """Record a finished version of the output; its manifest is on the disk already."""
    connection = transaction.connection
    parts = (*merge.parts, last) if last is not None else merge.parts
    if last is not None:
        writes.add(
            connection,
            OutputPartRow(
                job_id=about.job_id,
                output_version=merge.output_version,
                **msgspec.to_builtins(last),
            ),
        )
    writes.add(
        connection,
        OutputRow(
            job_id=about.job_id,
            output_version=merge.output_version,
            manifest_digest=manifest_digest,
            rows=sum(part.rows for part in parts),
            failed=failed,
            made_at=transaction.now,
            **msgspec.to_builtins(backing),
        ),
    )
    line = entries.output(about, merge.output_version, manifest_digest, transaction.now)
    writes.log(connection, [line], transaction.now)


def _in_output(done: Sequence[Ripe]) -> list[Transition]:
    """Whatever was merged is settled, if its verdict is still the one."""
    return [
        Transition(
            entity=Entity.WORKUNIT,
            id=one.workunit_id,
            before={
                "assimilate_state": one.assimilate_state,
                "canonical_result_id": one.canonical_result_id,
            },
            after={"assimilate_state": AssimilateState.DONE},
            because="its output is in the job's",
        )
        for one in done
    ]


def _settled(workunit_ids: Sequence[int], because: str) -> list[Transition]:
    return [
        Transition(
            entity=Entity.WORKUNIT,
            id=number,
            before={"assimilate_state": AssimilateState.READY},
            after={"assimilate_state": AssimilateState.DONE},
            because=because,
        )
        for number in workunit_ids
    ]
