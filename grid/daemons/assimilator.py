"""This file is where decided work units are folded into their job's output, in order.

It runs behind the reports, never inside their transactions. A job type that fails, or an output it
cannot use, fails its own job with a message; nothing else stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
from msgspec import Struct

from grid import canonical, chunks
from grid.assimilator import giving_up, output
from grid.assimilator.ending import OPEN_STATES, Progress
from grid.assimilator.output import OutputPart
from grid.blobs import BlobMissing
from grid.daemons.isolation import alone
from grid.db import folds, progress, queries
from grid.db.apply import Lost
from grid.db.folds import Merge, Ripe
from grid.db.inputs import chunk_blobs
from grid.db.rows import JobFacts
from grid.db.store import Store
from grid.identifiers import Kind
from grid.items import Column, DataSet, Json
from grid.plugins.contract import JobType, Part
from grid.plugins.inputs import inputs_of

#: Work units folded between two commits: bounds both memory and what a crash repeats.
BITE = 64
#: A part of the output ends with the work unit that takes it past this, so that whoever reads one
#: needs little memory.
PART_BYTES = 4 << 20


class _Folded(Struct, frozen=True, kw_only=True):
    """What a bite of work units came to."""

    done: tuple[Ripe, ...]
    state: Json
    batches: tuple[pa.RecordBatch, ...]
    failure: str | None = None
    messages: tuple[str, ...] = ()


def do_pass(store: Store, now: int) -> int:
    """Fold what is ripe, end what is complete, open due seals; how many work units and jobs."""
    with store.read() as connection:
        jobs = queries.jobs_in(connection, OPEN_STATES)
        sealed = queries.ended_and_sealed(connection, now)
    done = sum(alone(advance, store, job_id) for job_id in jobs)
    return done + sum(alone(_open_seal, store, job_id) for job_id in sealed)


def _open_seal(store: Store, job_id: int) -> int:
    ended = Progress(merged=-1)
    return store.write(lambda tx: progress.end_job(tx, job_id, ended, store.keyring))


def advance(store: Store, job_id: int) -> int:
    """Fold one job as far as it is decided, and end it when that is the end."""
    done = 0
    while True:
        with store.read() as connection:
            facts = queries.job(connection, job_id)
            assert facts is not None, "jobs stay"
            dataset = queries.dataset(connection, facts.job.dataset_id)
            merge = folds.merge_state(connection, job_id)
            hit = folds.hit(connection, job_id)
            ripe = folds.ripe(connection, job_id, merge.merged, BITE)
        if facts.job.job_state not in OPEN_STATES:
            return done
        if hit is not None:
            return done + _finish(store, facts, dataset, merge, hit)
        if not ripe:
            if merge.merged == facts.job.workunit_count:
                done += _finish(store, facts, dataset, merge)
            return done
        folded = _fold(store, facts, dataset, merge, ripe)
        done += len(folded.done)
        if folded.failure is not None:
            return done + _fail(store, job_id, folded.failure, folded.messages)
        if not _keep(store, job_id, merge, folded):
            return done
        last = merge.merged + len(folded.done) == facts.job.workunit_count
        # What has come since is worth a bite of its own later.
        if len(folded.done) == len(ripe) < BITE and not last:
            return done


def _fold(
    store: Store, facts: JobFacts, dataset: DataSet | None, merge: Merge, ripe: Sequence[Ripe]
) -> _Folded:
    state, done = merge.state, []
    batches: list[pa.RecordBatch] = []
    spec, columns = facts.job.spec, _columns(dataset)
    try:
        job_type = _job_type(store, facts)
        for one in ripe:
            if sum(batch.nbytes for batch in batches) > PART_BYTES:
                break
            if one.error_mask or one.output_digest is None:
                why = giving_up.reason(one.ordinal, one.error_mask, facts.job.policy)
                return _Folded(done=(), state=state, batches=(), failure=why, messages=one.messages)
            part = _part(store, facts, dataset, one)
            merged = job_type.merge(spec, columns, state, part)
            state = canonical.loads(canonical.dumps(merged.state))
            if merged.rows is not None and merged.rows.num_rows:
                batches.append(merged.rows)
            done.append(one)
        _joined(batches)
    except (OSError, BlobMissing):  # the disk's fault, and no reason to fail a job for good
        raise
    except Exception as error:  # whatever a plugin raises fails its job, and only that
        reason = f"merging work unit {ripe[min(len(done), len(ripe) - 1)].ordinal} failed"
        said = (_said(error),)  # it may quote the answer, which is sealed
        return _Folded(done=(), state=merge.state, batches=(), failure=reason, messages=said)
    return _Folded(done=tuple(done), state=state, batches=tuple(batches))


def _keep(store: Store, job_id: int, merge: Merge, folded: _Folded) -> bool:
    parts = []
    if folded.batches:
        parts.append(_store_part(store, len(merge.parts), folded.batches))
    try:
        return store.write(
            lambda tx: progress.advance_merge(tx, job_id, merge, folded.done, folded.state, parts)
        )
    except Lost:  # a verdict has changed since it was read: fold what stands now
        return False


def _finish(
    store: Store,
    facts: JobFacts,
    dataset: DataSet | None,
    merge: Merge,
    hit: Ripe | None = None,
) -> int:
    """Make the output of what is folded, and of the answer that was enough, if there is one."""
    job = facts.job
    try:
        rows, failed = _last_rows(store, facts, dataset, merge, hit)
    except (OSError, BlobMissing):  # as above
        raise
    except Exception as error:  # as above
        return _fail(store, job.id, "making the final output failed", (_said(error),))
    last = _store_part(store, len(merge.parts), rows) if rows else None
    parts = (*merge.parts, last) if last is not None else merge.parts
    with store.read() as connection:
        backing = folds.support(connection, job.id)
    manifest = output.manifest(
        job,
        store.keyring.identifiers.public(Kind.JOB, job.id),
        merge.output_version,
        dataset,
        facts.output_columns,
        parts,
        backing,
        None if hit is None else hit.ordinal,
        failed,
    )
    digest = store.blobs.put(manifest)
    return store.write(
        lambda tx: progress.complete_job(
            tx, job.id, merge, last, digest, backing, store.keyring, hit, failed
        )
    )


def _last_rows(
    store: Store, facts: JobFacts, dataset: DataSet | None, merge: Merge, hit: Ripe | None
) -> tuple[list[pa.RecordBatch], int]:
    """What no part has yet: rows of the answer that was enough, and those known only at the end;
    and how many rows had no value.
    """
    spec, columns, state = facts.job.spec, _columns(dataset), merge.state
    job_type, batches = _job_type(store, facts), []
    if hit is not None and hit.ordinal >= merge.merged:
        merged = job_type.merge(spec, columns, state, _part(store, facts, dataset, hit))
        state = canonical.loads(canonical.dumps(merged.state))
        batches.append(merged.rows)
    end = job_type.merge_end(spec, columns, state)
    batches.append(end.rows)
    last = [rows for rows in batches if rows is not None and rows.num_rows]
    _joined(last)
    return last, end.failed


def _fail(store: Store, job_id: int, reason: str, messages: tuple[str, ...] = ()) -> int:
    progress_made = Progress(merged=-1, failure=reason, messages=messages)
    return store.write(lambda tx: progress.end_job(tx, job_id, progress_made, store.keyring))


def _store_part(store: Store, ordinal: int, batches: Sequence[pa.RecordBatch]) -> OutputPart:
    table = _joined(batches)
    assert table is not None, "a part has rows"
    batch = table.to_batches()[0]
    digest = store.blobs.put(chunks.encode_batch(batch))
    return OutputPart(ordinal=ordinal, digest=digest, rows=batch.num_rows)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.Table | None:
    """One table of several batches; raises where a job type made them of different columns."""
    return pa.Table.from_batches(batches).combine_chunks() if batches else None


def _part(store: Store, facts: JobFacts, dataset: DataSet | None, one: Ripe) -> Part:
    job_type = _job_type(store, facts)
    inputs = inputs_of(facts.job, job_type, dataset, one.first_chunk, one.chunk_count)

    def source(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with store.read() as connection:
            blobs = chunk_blobs(connection, dataset, inputs.chunks, names)
        for start in range(0, len(blobs), len(names)):
            arrays = [
                chunks.decode_column(store.blobs.get(blob.digest))
                for blob in blobs[start : start + len(names)]
            ]
            yield pa.RecordBatch.from_arrays(arrays, names=list(names))

    assert one.output_digest is not None, "only decided work units are folded"
    kept = one.output
    return Part(
        ordinal=one.ordinal,
        first_chunk=one.first_chunk,
        rows=inputs.rows,
        first_rows=inputs.first_rows,
        output=canonical.loads(
            store.outputs.get(one.output_digest) if kept is None else kept.encode()
        ),
        source=source,
    )


def _columns(dataset: DataSet | None) -> tuple[Column, ...]:
    return () if dataset is None else dataset.columns


def _job_type(store: Store, facts: JobFacts) -> JobType:
    return store.job_types.loaded(facts.job.job_type_digest).job_type


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
