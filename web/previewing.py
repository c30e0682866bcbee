"""This file is where it is shown what a spec would become, before there is a job. Blocks."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from grid import canonical
from grid.db.inputs import chunk_blobs
from grid.items import Json, Mode, Policy
from web.callers import Caller
from web.estimate import estimate, results_per_unit
from web.messages import JobBody
from web.public_view import View
from web.server import Server
from web.sizing import work_units
from web.submission import check_spec, enabled, posted_dataset, sized, usual_mode


def look(
    server: Server,
    caller: Caller,
    name: str,
    spec: Json,
    dataset_id: str | UnsetType,
    policy: Policy | None = None,
) -> View:
    """Program, output columns, cost and estimate of a spec; creates nothing. Raises Problem."""
    _, loaded = enabled(server, name, "/name")
    dataset = posted_dataset(server, caller, loaded, dataset_id)
    checked = check_spec(spec, loaded, dataset)
    reads = [column.name for column in checked.reads]
    everything = range(0 if dataset is None else dataset.chunk_count)
    with server.store.read() as connection:
        chunks = chunk_blobs(connection, dataset, everything, reads)
    cut = sized(server, JobBody(job_type=name, spec=spec), loaded, checked, dataset)
    program = checked.program.encode("ascii")
    units, size = work_units(cut, dataset), sum(one.bytes for one in chunks)
    mode = usual_mode(server, loaded) if policy is None else policy.mode
    quorum = Policy().min_quorum if policy is None else policy.min_quorum
    guess = estimate(
        bytes_per_copy=size,
        work_units=units,
        unit_ms=cut.unit_ms,
        results=results_per_unit(Mode(mode), quorum),
        hosts_online=server.presence.live(server.store.now()).hosts_online,
    )
    return {
        "job_type": name,
        "program": checked.program,
        "program_digest": canonical.digest(program),
        "params": checked.params,
        "reads": reads,
        "output_columns": msgspec.to_builtins(checked.output_columns),
        "cost": {
            "work_units": units,
            "rows": None if dataset is None else dataset.row_count,
            "points": cut.point_count,
            "workunit_ms": cut.unit_ms,
            "program_bytes": len(program),
            "bytes_per_copy": size,
        },
        "estimate": msgspec.to_builtins(guess),
    }


def given(text: str) -> str | UnsetType:
    """What a form's field says; what is left empty is left out."""
    return text or UNSET
