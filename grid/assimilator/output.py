"""This file is where an output gets its manifest: what it is made of, and where it came from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from grid import canonical
from grid.items import Column, DataSet, Job


class OutputPart(Struct, frozen=True, kw_only=True):
    """Some rows of an output, stored as one blob: an Arrow IPC stream of one batch."""

    ordinal: int
    digest: str
    rows: int


def manifest(
    job: Job,
    public_id: str,
    version: int,
    dataset: DataSet,
    columns: Sequence[Column],
    parts: Sequence[OutputPart],
    weakest_votes: int,
) -> bytes:
    """Canonical JSON that names every byte of one version of an output.

    `weakest_votes` is how many principals stand behind the least supported work unit; 0 when
    there was none to compute.
    """
    facts = {
        "job": public_id,
        "output_version": version,
        "columns": msgspec.to_builtins(columns),
        "parts": [{"digest": part.digest, "rows": part.rows} for part in parts],
        "rows": sum(part.rows for part in parts),
        "made_from": {
            "job_type": job.job_type,
            "version": job.version,
            "job_type_digest": job.job_type_digest,
            "program": job.program_digest,
            "spec_digest": canonical.digest(canonical.dumps(job.spec)),
            "source_digest": dataset.source_digest,
            "work_units": job.workunit_count,
            "weakest_votes": weakest_votes,
            "policy": msgspec.to_builtins(job.policy),
        },
    }
    return canonical.dumps(facts)
