"""This file is where work units are computed again, drawn by a checkpoint and not by the server.

A checkpoint's root hash cannot be known before everything under it was written, so nobody could
see to it that just the chosen work units are right.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from heapq import nsmallest

from msgspec import Struct

from grid import canonical
from grid.audit.data import Inputs
from grid.audit.faults import Broken, Unchecked
from grid.audit.jobs import Answer, AuditedJob
from grid.comparators import Answer as Compared
from grid.engines import Computation, Engine, EngineError

#: An auditor has time: five times what volunteers get.
TIME_LIMIT_S = 300.0


class Redone(Struct, frozen=True, kw_only=True):
    """What computing again took."""

    work_units: int
    of: int
    bytes: int
    seconds: float


def lot(root: bytes, job: str, ordinal: int) -> bytes:
    """Where a work unit stands in the draw: SHA-256 of `root hash ‖ "JOB:ORDINAL"` (ASCII)."""
    return hashlib.sha256(root + f"{job}:{ordinal}".encode("ascii")).digest()


def chosen(root: bytes, job: str, ordinals: Iterable[int], count: int) -> list[int]:
    """The `count` work units with the lowest lots, in order."""
    return sorted(nsmallest(count, ordinals, key=lambda one: lot(root, job, one)))


def share_of(total: int, share: float) -> int:
    """How many of `total` work units are a share of them: rounded up, so never none of some."""
    return min(total, -(-round(total * share * 1_000_000) // 1_000_000))


def redo(
    job: AuditedJob,
    inputs: Inputs,
    wanted: Iterable[int],
    engine: Engine,
    told: Callable[[int], None] = lambda _: None,
) -> Redone:
    """Computes these work units again by the published program; raises Broken at the first whose
    answer is another than the one its quorum chose, Unchecked where nobody can compute it."""
    if job.checked.secrets or job.hidden:
        raise Unchecked("its spec holds a secret, so nobody else can compute it again")
    started, left, size = time.monotonic(), set(wanted), 0
    total = len(left)
    program = job.checked.program
    for answer in job.answers():
        if answer.ordinal not in left:
            continue
        size += _again(job, inputs, answer, program, engine)
        left.discard(answer.ordinal)
        told(total - len(left))
    if left:
        raise Broken(f"the answer of work unit {min(left)} is not in the bundle")
    return Redone(
        work_units=total,
        of=len(job.ledger.units),
        bytes=size,
        seconds=time.monotonic() - started,
    )


def _again(job: AuditedJob, inputs: Inputs, answer: Answer, program: str, engine: Engine) -> int:
    checked, given = job.checked, job.inputs(answer.ordinal)
    blobs = inputs.of(given.chunks, [column.name for column in checked.reads])
    again = Computation(
        program=program,
        columns=checked.reads,
        chunks=blobs,
        rows=given.chunk_rows,
        points=given.points,
        first_rows=given.first_rows,
        params=checked.params,
        time_limit_s=TIME_LIMIT_S,
        output_bytes_max=job.job_type.output_bytes_max,
    )
    try:
        output = engine.compute(again)
    except EngineError as error:
        raise Broken(
            f"work unit {answer.ordinal} ({answer.public_id}) cannot be computed again: {error}"
        ) from error
    if not job.job_type.compare.agrees(_compared(0, answer.data), _compared(1, output)):
        raise Broken(
            f"work unit {answer.ordinal} ({answer.public_id}) computed again gives "
            f"{canonical.digest(output)}, and its verdict says {canonical.digest(answer.data)}"
        )
    return sum(len(blob) for row in blobs for blob in row)


def _compared(number: int, output: bytes) -> Compared:
    return Compared(id=number, digest=canonical.digest(output), output=output.decode())
