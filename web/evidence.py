"""This file is where a browser is given what it checks by itself: leaves with their proofs, the
program, and a work unit's inputs, each with its path to the data set's root."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import msgspec

from grid.auditlog import merkle
from grid.auditlog.merkle import leaf_hash
from grid.db import folds, listings, queries
from grid.db.checks import Counted
from grid.db.inputs import chunk_blobs
from grid.db.rows import JobFacts
from grid.identifiers import Kind
from grid.items import ChunkColumn, DataSet, Json
from grid.plugins.inputs import Inputs, inputs_of
from web import blob_links, proving
from web.proving import Told
from web.public_view import API, View, link
from web.server import Server

#: Columns of chunks up to which paths to a data set's root are made: half a second's hashing.
PROVEN_MAX = 200_000


def of_checks(counted: Counted) -> View:
    """What readers found who computed part of an output again."""
    return {"checked": {"same": counted.same, "different": counted.different}}


def of_job(server: Server, facts: JobFacts, told: Told, counted: Counted) -> View:
    """What shows a whole job: its submission, its program and its outputs, as leaves of the log."""
    job = facts.job
    name = server.names.of(Kind.JOB, job.id)
    with server.store.read() as connection:
        counts = listings.counts(connection, [job.id])[job.id]
    return {
        "job": name,
        "state": str(job.job_state),
        "work_units": job.workunit_count,
        "output_version": counts.output_version,
        "retracted": counts.retracted,
        **of_checks(counted),
        **_proven(told),
        "_links": {
            "self": link(f"{API}/jobs/{name}/evidence"),
            "job": link(f"{API}/jobs/{name}"),
            "page": link(f"/jobs/{name}"),
            "bundle": link(f"{API}/jobs/{name}/bundle"),
        },
    }


def of_unit(server: Server, facts: JobFacts, ordinal: int) -> View | None:
    """What shows one decided work unit; None when it has no answer."""
    job = facts.job
    name = server.names.of(Kind.JOB, job.id)
    with server.store.read() as connection:
        found = folds.canonical(connection, job.id, ordinal, 1)
        dataset = queries.dataset(connection, job.dataset_id)
    if not found or found[0].output_digest is None:
        return None
    unit = found[0]
    told = proving.of_unit(server, name, ordinal)
    job_type = server.store.job_types.loaded(job.job_type_digest).job_type
    inputs = inputs_of(job, job_type, dataset, unit.first_chunk, unit.chunk_count)
    by_name = {} if dataset is None else {column.name: column for column in dataset.columns}
    public_id = server.names.of(Kind.WORKUNIT, unit.workunit_id)
    return {
        "job": name,
        "work_unit": ordinal,
        "id": public_id,
        "answer": unit.output_digest,
        "program": {
            "digest": job.program_digest,
            "url": blob_links.public_link(job.program_digest),
        },
        "columns": msgspec.to_builtins([by_name[one] for one in facts.reads]),
        "rows": list(inputs.chunk_rows),
        "points": msgspec.to_builtins(inputs.points),
        "first_rows": list(inputs.first_rows),
        "inputs": _inputs(server, facts, dataset, inputs),
        "params": facts.params,
        "limits": {
            "time_limit_s": server.settings.compute_time_limit_s,
            "output_bytes_max": job_type.output_bytes_max,
        },
        **_proven(told),
        "_links": {
            "self": link(f"{API}/jobs/{name}/evidence/{ordinal}"),
            "work_unit": link(f"{API}/workunits/{public_id}"),
            "page": link(f"/audit/workunits/{public_id}"),
        },
    }


def _proven(told: Told) -> dict[str, Json]:
    leaves = []
    for number in told.leaves:
        leaf, path = told.proven(number)
        leaves.append({"index": number, "leaf": leaf.decode("ascii"), "proof": _spelled(path)})
    return {"checkpoint": told.note, "keys": told.keys.split(), "leaves": leaves}


def _spelled(path: Sequence[bytes]) -> list[Json]:
    return [base64.b64encode(one).decode() for one in path]


def _inputs(server: Server, facts: JobFacts, dataset: DataSet | None, inputs: Inputs) -> list[Json]:
    if dataset is None:
        return []
    with server.store.read() as connection:
        blobs = chunk_blobs(connection, dataset, inputs.chunks, facts.reads)
        width = len(dataset.columns)
        total = width * dataset.chunk_count
        hashes: list[bytes] = []
        if total <= PROVEN_MAX:
            names = [column.name for column in dataset.columns]
            every = queries.chunk_columns(connection, dataset, 0, dataset.chunk_count, names)
            hashes = [leaf_hash(bytes.fromhex(one.digest)) for one in every]
    places = {column.name: place for place, column in enumerate(dataset.columns)}
    subtrees = merkle.in_memory(hashes)

    def shown(one: ChunkColumn) -> Any:
        place = one.chunk * width + places[one.column]
        path = merkle.inclusion_proof(place, total, subtrees) if hashes else None
        return {
            "chunk": one.chunk,
            "column": one.column,
            "digest": one.digest,
            "bytes": one.bytes,
            "url": blob_links.public_link(one.digest),
            "place": place,
            "of": total,
            "proof": None if path is None else _spelled(path),
        }

    return [shown(one) for one in blobs]
