"""This file is where a job type computes a table: by its reference, and by its program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import pyarrow as pa

from grid import canonical, chunks, jobspec
from grid.comparators import Answer
from grid.conformance.tables import Cut, plain
from grid.engines import OUTPUT_BYTES_MAX, Computation, Engine
from grid.items import Column, Json
from grid.jobspec import CheckedSpec
from grid.plugins.contract import OutputError, Part
from grid.plugins.loader import Loaded
from grid.secrets import with_literals

#: A program over these tables takes milliseconds; this is for a machine that is busy elsewhere.
TIME_LIMIT_S = 60.0


class Faulty(AssertionError):
    """A job type that does not keep to the contract; says where and how."""


def computed(
    loaded: Loaded,
    spec: Json,
    cut: Cut,
    engine: Engine | None,
    checked: CheckedSpec | None = None,
) -> Json:
    """The reference's output for the whole table as one work unit, checked in every way.

    `checked` is what the spec comes to, where that is known already.
    """
    if not cut.rows:
        return None
    checked = checked or checked_spec(loaded, spec, cut)
    names = [column.name for column in checked.reads]
    output = loaded.job_type.reference(spec, cut.columns, cut.python(names))
    check_acceptable(loaded, spec, cut.rows, output)
    if engine is not None:
        check_program(loaded, checked, blobs_of(checked, cut), cut, output, engine)
    return output


def blobs_of(checked: CheckedSpec, cut: Cut) -> tuple[tuple[bytes, ...], ...]:
    """The Arrow bytes that the program reads, `[chunk][column]`."""
    return tuple(
        tuple(chunks.encode_column(batch.column(one.name), one) for one in checked.reads)
        for batch in cut.chunks
    )


def computation(
    checked: CheckedSpec,
    blobs: tuple[tuple[bytes, ...], ...],
    cut: Cut,
    output_bytes_max: int = OUTPUT_BYTES_MAX,
) -> Computation:
    """What an engine is asked for these chunks of the work unit."""
    return Computation(
        program=checked.program,
        columns=checked.reads,
        chunks=blobs,
        rows=tuple(batch.num_rows for batch in cut.chunks),
        points=cut.points,
        first_rows=cut.first_rows,
        params=with_literals(checked.params, checked.secrets),
        output_bytes_max=output_bytes_max,
        time_limit_s=TIME_LIMIT_S,
    )


def check_program(
    loaded: Loaded,
    checked: CheckedSpec,
    blobs: tuple[tuple[bytes, ...], ...],
    cut: Cut,
    output: Json,
    engine: Engine,
) -> None:
    """The program's answer for these chunks is `output`, as the job type compares answers."""
    asked = computation(checked, blobs, cut, loaded.job_type.output_bytes_max)
    answer, expected = engine.compute(asked).decode(), canonical.dumps(output).decode()
    if not loaded.job_type.compare.agrees(answered(0, answer), answered(1, expected)):
        raise Faulty(f"program and reference disagree on {checked.spec}: {answer} {expected}")


def answered(number: int, output: str) -> Answer:
    """An output as comparators get it."""
    return Answer(id=number, digest=canonical.digest(output.encode()), output=output)


def merged(loaded: Loaded, spec: Json, cut: Cut, unit_chunks: int) -> list[list[Json]]:
    """The rows of the assembled output, from work units of so many chunks, as in JSON."""
    first_rows = range(0, len(cut.chunks), unit_chunks)
    return folded(
        loaded,
        spec,
        cut.columns,
        (
            (first, Cut(columns=cut.columns, chunks=cut.chunks[first : first + unit_chunks]))
            for first in first_rows
        ),
    )


def folded(
    loaded: Loaded, spec: Json, columns: tuple[Column, ...], units: Iterable[tuple[int, Cut]]
) -> list[list[Json]]:
    """The rows of the output that these work units make, each with its first chunk or point."""
    job_type = loaded.job_type
    names = job_type.reads(spec, columns)
    state = job_type.merge_start(spec, columns)
    batches: list[pa.RecordBatch] = []
    for ordinal, (first, unit) in enumerate(units):
        part = Part(
            ordinal=ordinal,
            first_chunk=first,
            rows=unit.rows,
            first_rows=unit.first_rows,
            output=job_type.reference(spec, columns, unit.python(names)),
            source=_source(unit),
        )
        step = job_type.merge(spec, columns, state, part)
        state = canonical.loads(canonical.dumps(step.state))
        batches += [] if step.rows is None else [step.rows]
    last = job_type.merge_end(spec, columns, state)
    batches += [] if last.rows is None else [last.rows]
    return _in_json(batches, job_type.output_columns(spec, columns))


def _in_json(batches: Sequence[pa.RecordBatch], wanted: Sequence[Column]) -> list[list[Json]]:
    rows: list[list[Json]] = []
    for batch in batches:
        types = [chunks.arrow_type(column) for column in wanted]
        if batch.schema.names != [column.name for column in wanted] or batch.schema.types != types:
            raise Faulty(f"merged rows are {batch.schema}, not the output's columns")
        values = [chunks.to_python(column) for column in batch.columns]
        rows += [[plain(value) for value in row] for row in zip(*values, strict=True)]
    return rows


def checked_spec(loaded: Loaded, spec: Json, cut: Cut) -> CheckedSpec:
    rows = [batch.num_rows for batch in cut.chunks]
    return jobspec.check(spec, loaded.spec_schema, loaded.job_type, cut.columns, rows)


def check_acceptable(loaded: Loaded, spec: Json, rows: Sequence[int], output: Json) -> None:
    """An honest output is canonical, of the schema, and passes the job type's own check."""
    fault = jobspec.output_fault(canonical.loads(canonical.dumps(output)), loaded.output_schema)
    if fault is not None:
        raise Faulty(f"output.schema.json refuses an honest output: {fault}")
    try:
        loaded.job_type.check_output(spec, rows, output)
    except OutputError as error:
        raise Faulty(f"check_output refuses an honest output: {error}") from error


def _source(unit: Cut) -> Callable[[Sequence[str]], Iterator[pa.RecordBatch]]:
    return lambda names: (batch.select(list(names)) for batch in unit.chunks)
