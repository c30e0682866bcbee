"""This file is where tests of engines make columns and computations."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from grid.engines import Computation
from grid.items import Column, Json, LogicalType, PhysicalType

ARROW = {
    PhysicalType.INT8: pa.int8(),
    PhysicalType.INT16: pa.int16(),
    PhysicalType.INT32: pa.int32(),
    PhysicalType.INT53: pa.int64(),
    PhysicalType.INT64: pa.int64(),
    PhysicalType.INT128: pa.decimal128(38, 0),
    PhysicalType.DOUBLE: pa.float64(),
    PhysicalType.BOOLEAN: pa.bool_(),
    PhysicalType.UTF8: pa.utf8(),
    PhysicalType.DICT8: pa.dictionary(pa.int8(), pa.utf8()),
    PhysicalType.DICT16: pa.dictionary(pa.int16(), pa.utf8()),
}

LOGICAL = {
    PhysicalType.DOUBLE: LogicalType.DOUBLE,
    PhysicalType.BOOLEAN: LogicalType.BOOLEAN,
    PhysicalType.UTF8: LogicalType.TEXT,
    PhysicalType.DICT8: LogicalType.TEXT,
    PhysicalType.DICT16: LogicalType.TEXT,
}


def column(physical: PhysicalType, nullable: bool = True) -> Column:
    """A column of that physical type."""
    logical = LOGICAL.get(physical, LogicalType.INT64)
    return Column(name="c", type=logical, physical=physical, nullable=nullable)


def blob(values: Sequence[object], physical: PhysicalType) -> bytes:
    """Arrow bytes of one column of one chunk."""
    if physical in (PhysicalType.DICT8, PhysicalType.DICT16):
        words = sorted({str(value) for value in values if value is not None}, key=str.encode)
        codes = pa.array(
            [None if value is None else words.index(str(value)) for value in values],
            ARROW[physical].index_type,
        )
        array: pa.Array = pa.DictionaryArray.from_arrays(codes, pa.array(words, pa.utf8()))
    else:
        array = pa.array(values, ARROW[physical])
    batch = pa.record_batch([array], names=["c"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def computation(program: str, params: Json = None, time_limit_s: float = 20) -> Computation:
    """A computation without inputs."""
    return Computation(
        program=program, columns=(), chunks=(), rows=(), params=params, time_limit_s=time_limit_s
    )


def body(statements: str) -> str:
    """A program of these statements."""
    return f'(function (inputs, params, kit) {{ "use strict"; {statements} }})'
