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


class Backing(Struct, frozen=True, kw_only=True):
    """What an output's work units rest on, counted."""

    #: Volunteers agreed, as far as the job's mode asks.
    agreed: int = 0
    #: The server, or a trusted host, gave the same answer.
    trusted: int = 0
    #: Volunteers agreed, short of the target error: the server's budget was spent.
    below_target: int = 0
    #: Principals behind the weakest work unit that rests on volunteers; 0 without any.
    weakest_votes: int = 0
    #: The server against all volunteers who answered, two or more.
    contested: int = 0


def manifest(
    job: Job,
    public_id: str,
    version: int,
    dataset: DataSet | None,
    columns: Sequence[Column],
    parts: Sequence[OutputPart],
    backing: Backing,
    stopped_by: int | None = None,
    failed: int = 0,
) -> bytes:
    """Canonical JSON that names every byte of one version of an output, and what it rests on.

    `stopped_by` is the work unit whose answer was enough, if the job ended so; `failed` how many
    rows had no value.
    """
    facts = {
        "job": public_id,
        "output_version": version,
        "columns": msgspec.to_builtins(columns),
        "parts": [{"digest": part.digest, "rows": part.rows} for part in parts],
        "rows": sum(part.rows for part in parts),
        "failed": failed,
        "made_from": {
            "job_type": job.job_type,
            "version": job.version,
            "job_type_digest": job.job_type_digest,
            "program": job.program_digest,
            "spec_digest": canonical.digest(canonical.dumps(job.spec)),
            "source_digest": None if dataset is None else dataset.source_digest,
            "work_units": job.workunit_count,
            "stopped_by": stopped_by,
            "support": {
                "agreed": backing.agreed,
                "trusted": backing.trusted,
                "below_target": backing.below_target,
            },
            "weakest_votes": backing.weakest_votes,
            "contested": backing.contested,
            "policy": msgspec.to_builtins(job.policy),
        },
    }
    return canonical.dumps(facts)
