"""This file is where a value of the language stands in an output: spelled, read, and as a column.

Whole numbers (decimals as multiples of 10^-scale) are decimal digits, doubles the 16 hex digits of
their bits, texts and booleans themselves, NULL is null.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from grid.chunks import arrow_type
from grid.codegen.cells import Cell, Form
from grid.codegen.types import WHOLE, Kind, Type, limits
from grid.items import Column, Json, LogicalType, PhysicalType

#: Every NaN is this one: engines differ in its bits.
NAN_BITS = "7ff8000000000000"
#: Decimals of more digits take 128 bits.
DIGITS_64 = 18
WRITTEN = {
    Form.NUMBER: "kit.digits({})",
    Form.BIG: "kit.decimal({})",
    Form.DOUBLE: "kit.bits({})",
    Form.FLAG: "({} & 1) === 1",
    Form.TEXT: "{}",
}
LOGICAL = {
    Kind.INTEGER: (LogicalType.INT64, PhysicalType.INT64),
    Kind.DECIMAL: (LogicalType.DECIMAL, PhysicalType.INT64),
    Kind.DOUBLE: (LogicalType.DOUBLE, PhysicalType.DOUBLE),
    Kind.BOOLEAN: (LogicalType.BOOLEAN, PhysicalType.BOOLEAN),
    Kind.TEXT: (LogicalType.TEXT, PhysicalType.UTF8),
    Kind.DATE: (LogicalType.DATE, PhysicalType.INT32),
    Kind.TIMESTAMP: (LogicalType.TIMESTAMP, PhysicalType.INT64),
}
WHOLE_SPELLED = re.compile(r"0|-?[1-9][0-9]{0,38}")
BITS_SPELLED = re.compile(r"[0-9a-f]{16}")


def column(name: str, type: Type, *, nullable: bool = False) -> Column:
    """A column for values of this type: of an output, or made of variables."""
    logical, physical = LOGICAL[type.kind]
    if type.kind is Kind.DECIMAL and type.precision > DIGITS_64:
        physical = PhysicalType.INT128
    return Column(
        name=name,
        type=logical,
        physical=physical,
        nullable=nullable,
        precision=type.precision,
        scale=type.scale,
    )


def written(cell: Cell, text: str = "") -> str:
    """The JavaScript that spells a value of the cell's form: the cell's own, or this text's."""
    return WRITTEN[cell.form].format(text or cell.text)


def spelled(value: Any) -> Json:
    """The same of a value that the reference has."""
    if isinstance(value, float):
        return NAN_BITS if math.isnan(value) else struct.pack(">d", value).hex()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def read(found: Json, type: Type) -> Any:
    """The value of this type that `spelled` made; raises ValueError for anything else."""
    if found is None or isinstance(found, bool):
        if found is None or type.kind is Kind.BOOLEAN:
            return found
    elif isinstance(found, str):
        if type.kind is Kind.TEXT:
            return found
        if type.kind in WHOLE and WHOLE_SPELLED.fullmatch(found):
            low, high = limits(type)
            if low <= int(found) <= high:
                return int(found)
        if type.kind is Kind.DOUBLE and BITS_SPELLED.fullmatch(found):
            (value,) = struct.unpack(">d", bytes.fromhex(found))
            if spelled(value) == found:
                return value
    raise ValueError(f"{found!r} is no {type}")


def batch(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """Rows of an output from its columns' values, as the reference has them."""
    arrays = [
        pa.array(list(each), arrow_type(one)) for one, each in zip(columns, values, strict=True)
    ]
    return pa.record_batch(arrays, names=[one.name for one in columns])
