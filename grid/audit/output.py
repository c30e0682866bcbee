"""This file is where the output is made again from the canonical answers, and compared."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from grid import canonical, chunks
from grid.audit import layout
from grid.audit.data import Inputs
from grid.audit.faults import Broken
from grid.audit.jobs import Answer, AuditedJob
from grid.items import Column, Json
from grid.plugins.contract import OutputError, Part

#: Rows compared at a time: as texts they take many times their bytes.
BITE_ROWS = 4096
#: What the manifest says of where the output came from → the job's entry, under the same name.
MADE_FROM = ("job_type", "version", "job_type_digest", "spec_digest", "source_digest", "work_units")


def manifest(job: AuditedJob) -> Mapping[str, Any]:
    """The newest output's manifest, held against the log; raises Broken."""
    if not job.ledger.outputs:
        raise Broken("the log names no output of this job")
    version = max(job.ledger.outputs)
    data = job.bundle.whole(layout.MANIFEST)
    found = canonical.digest(data)
    if found != job.ledger.outputs[version]:
        raise Broken(
            f"the output is not the one logged: version {version} has a manifest of SHA-256 "
            f"{job.ledger.outputs[version]}, and this one has {found}"
        )
    facts: Mapping[str, Any] = canonical.loads(data)
    made_from = facts["made_from"]
    for name in MADE_FROM:
        if made_from[name] != job.submitted[name]:
            raise Broken(f"the manifest says another {name} than the job was submitted with")
    if made_from["program"] != job.ledger.program:
        raise Broken("the manifest names another program than the log")
    return facts


def published(job: AuditedJob, facts: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    """The published rows, each part held against the manifest; raises Broken."""
    for number, one in enumerate(facts["parts"]):
        try:
            batch = chunks.decode_batch(job.part(one["digest"]))
        except (ValueError, pa.ArrowException) as error:
            raise Broken(f"part {number} of the output is no Arrow stream: {error}") from error
        if batch.num_rows != one["rows"]:
            raise Broken(f"part {number} of the output has {batch.num_rows} rows")
        yield batch


def check(job: AuditedJob, inputs: Inputs, facts: Mapping[str, Any]) -> int:
    """Rows that are equal in the published output and in the merge of the canonical answers.

    Raises Broken at the first that is not, or when an answer is missing.
    """
    columns = job.checked.output_columns
    mine = _rows(columns, _merged(job, inputs, facts))
    shown = _rows(columns, published(job, facts))
    rows = 0
    for row, (one, other) in enumerate(itertools.zip_longest(mine, shown)):
        if one != other:
            raise Broken(
                f"row {row + 1} of the output is {_said(other)}, and the canonical answers "
                f"give {_said(one)}"
            )
        rows = row + 1
    if rows != facts["rows"]:
        raise Broken(f"the manifest says {facts['rows']} rows, and there are {rows}")
    return rows


def check_csv(job: AuditedJob, facts: Mapping[str, Any]) -> None:
    """The CSV beside the parts has the same rows; raises Broken."""
    wanted, found = hashlib.sha256(), hashlib.sha256()
    for piece in chunks.write_csv(job.checked.output_columns, published(job, facts)):
        wanted.update(piece)
    for piece in job.bundle.pieces(layout.OUTPUT_CSV):
        found.update(piece)
    if wanted.digest() != found.digest():
        raise Broken(f"{layout.OUTPUT_CSV} has other rows than the parts of the output")


def _merged(job: AuditedJob, inputs: Inputs, facts: Mapping[str, Any]) -> Iterator[pa.RecordBatch]:
    job_type, spec, columns = job.job_type, job.checked.spec, job.columns
    state: Json = job_type.merge_start(spec, columns)
    stopped_by = facts["made_from"]["stopped_by"]
    expected = 0
    for answer in job.answers():
        if answer.ordinal != expected and answer.ordinal != stopped_by:
            raise Broken(f"the answer of work unit {expected} is not in the bundle")
        expected = answer.ordinal + 1
        merged = job_type.merge(spec, columns, state, _part(job, inputs, answer))
        state = canonical.loads(canonical.dumps(merged.state))
        if merged.rows is not None and merged.rows.num_rows:
            yield merged.rows
        if answer.ordinal == stopped_by:
            break
    else:
        if stopped_by is None and expected != job.submitted["work_units"]:
            raise Broken(f"the answer of work unit {expected} is not in the bundle")
    last = job_type.merge_end(spec, columns, state)
    if last.rows is not None and last.rows.num_rows:
        yield last.rows
    if last.failed != facts["failed"]:
        raise Broken(f"{last.failed} rows had no value, and the manifest says {facts['failed']}")


def _part(job: AuditedJob, inputs: Inputs, answer: Answer) -> Part:
    given = job.inputs(answer.ordinal)
    try:
        job.job_type.check_output(job.checked.spec, given.rows, answer.output)
    except OutputError as error:
        said = f"no honest program gives the answer of work unit {answer.ordinal}: {error}"
        raise Broken(said) from error

    def source(names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        return inputs.batches(given.chunks, names)

    return Part(
        ordinal=answer.ordinal,
        first_chunk=job.ledger.units[answer.ordinal].first,
        rows=given.rows,
        first_rows=given.first_rows,
        output=answer.output,
        source=source,
    )


def _rows(columns: Sequence[Column], batches: Iterable[pa.RecordBatch]) -> Iterator[Json]:
    """The rows as JSON shows them, a few thousand in memory at a time."""
    for batch in batches:
        for start in range(0, batch.num_rows, BITE_ROWS):
            pieces = chunks.write_json(columns, [batch.slice(start, BITE_ROWS)])
            yield from json.loads(b"".join(pieces))["rows"]


def _said(row: Json) -> str:
    return "missing" if row is None else json.dumps(row, ensure_ascii=False)[:200]
