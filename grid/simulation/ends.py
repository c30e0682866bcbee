"""This file is where it is checked how jobs ended: complete, at rest, and adding up."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from grid import canonical, chunks
from grid.db import listings
from grid.db.store import Store
from grid.items import Job, WorkUnit
from grid.simulation.invariants import demand
from grid.states import AssimilateState, FileDeleteState, JobState, ServerState


def check(
    store: Store,
    jobs: Iterable[Job],
    units: Collection[WorkUnit],
    texts: Mapping[int, str | None],
) -> None:
    """Nothing of any ended job is left lying about, and outputs are what was decided."""
    for unit in units:
        demand(unit.decided, "every work unit of an ended job is decided", unit)
        demand(unit.assimilate_state is AssimilateState.DONE, "every verdict is heard of", unit)
        demand(unit.file_delete_state is FileDeleteState.DONE, "leftovers go", unit)
        for result in unit.results:
            demand(result.server_state is ServerState.OVER, "every copy is over", result)
    for job in jobs:
        mine = [unit for unit in units if unit.job_id == job.id and not unit.is_quiz]
        demand(job.seal_opened_at is not None, "an ended job's seal is open", job)
        if job.job_state is JobState.COMPLETED:
            demand(len(mine) == job.workunit_count, "a complete job has all its work units", job)
            _adds_up(store, job, [canonical_text(unit, texts) for unit in mine])
        else:
            demand(job.job_state is JobState.FAILED, "nobody cancelled it", job)
            demand(any(unit.error_mask for unit in mine), "it failed for a reason", job)


def canonical_text(unit: WorkUnit, texts: Mapping[int, str | None]) -> str:
    """A work unit's canonical output: the bytes are kept with one of the results that gave it."""
    chosen = next(one for one in unit.results if one.id == unit.canonical_result_id)
    kept = [texts[one.id] for one in unit.results if one.output_digest == chosen.output_digest]
    found = [text for text in kept if text is not None]
    demand(bool(found), "every canonical output is kept", unit)
    return found[0]


def _adds_up(store: Store, job: Job, texts: Iterable[str]) -> None:
    """The output is the sum of the canonical answers, each counted once."""
    answers = [canonical.loads(text.encode())["answer"] for text in texts]
    with store.read() as connection:
        version = listings.outputs(connection, [job.id])[job.id][0].output_version
        parts = listings.output_parts(connection, job.id, version)
    found = [
        value
        for part in parts
        for value in chunks.decode_batch(store.blobs.get(part.digest)).column("answer").to_pylist()
    ]
    demand(found == [sum(answers)], "every answer is merged, once", job, found, sum(answers))
