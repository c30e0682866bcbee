"""This file is where tests compute assignments of a live server, by reference or by program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from grid import chunks
from grid.engines import Computation
from grid.engines.deno import DenoEngine
from grid.items import Column, PointRange
from grid.plugins.contract import JobType
from grid.plugins.inputs import with_points

if TYPE_CHECKING:
    from live import LiveServer

View = dict[str, Any]
#: What is known of a job: its type, its spec, and its data set's columns.
Facts = tuple[JobType, Any, tuple[Column, ...]]


def reference(server: LiveServer, assignment: View) -> Any:
    """What the job type's Python reference answers over the fetched inputs."""
    job_type, spec, columns = _facts(server, assignment["job"]["id"])
    tables: dict[int, dict[str, Any]] = {}
    for one in assignment["inputs"]:
        array = chunks.decode_column(server.blob(one["url"], one["digest"]))
        tables.setdefault(one["chunk"], {})[one["column"]] = chunks.to_python(array)
    firsts = {one["chunk"]: one.get("first_row", 0) for one in assignment["inputs"]}
    given = with_points(_points(assignment), list(firsts.values()), list(tables.values()))
    return job_type.reference(spec, columns, given)


def computed(server: LiveServer, engine: DenoEngine, assignment: View) -> Any:
    """What the very program of the job answers in an engine."""
    program, inputs = assignment["program"], assignment["inputs"]
    width = max(len(assignment["columns"]), 1)
    blobs = [server.blob(one["url"], one["digest"]) for one in inputs]
    output = engine.compute(
        Computation(
            program=server.blob(program["url"], program["digest"]).decode(),
            columns=msgspec.convert(assignment["columns"], tuple[Column, ...]),
            chunks=tuple(tuple(blobs[at : at + width]) for at in range(0, len(blobs), width)),
            rows=tuple(one["rows"] for one in inputs[::width]),
            points=_points(assignment),
            first_rows=tuple(one.get("first_row", 0) for one in inputs[::width]),
            params=assignment["params"],
            time_limit_s=assignment["limits"]["time_limit_s"],
        )
    )
    return json.loads(output)


def _facts(server: LiveServer, job_id: str) -> Facts:
    if job_id not in server.facts:
        job = server.view(job_id)
        over = job["dataset"]
        columns = server.get(f"/datasets/{over}")["columns"] if over else []
        server.job_types.find(job["job_type"])
        loaded = server.job_types.loaded(job["job_type_digest"])
        typed = msgspec.convert(columns, tuple[Column, ...], strict=False)
        server.facts[job_id] = loaded.job_type, job["spec"], typed
    return server.facts[job_id]


def _points(assignment: View) -> PointRange | None:
    """What it counts, if anything."""
    return msgspec.convert(assignment.get("points"), PointRange | None)
