"""This file is where a computed column of an output is spelled: compact, and in one way only.

`{"kind": k, "valid": base64, "values": base64}`, and `"sizes": base64` where the kind is `text`.
`valid` is a bitmap, low bit first, with a 1 where there is a value; "" where every row has one.
`values` are, one for each row:

    whole    integers, decimals times 10^scale, days, microseconds: little-endian, in the fewest
             bytes of 1, 2, 4, 8, 16 in which all of them fit
    double   IEEE 754 binary64, little-endian, without −0 and with one NaN
    flag     a bitmap, low bit first
    text     their UTF-8 behind one another; `sizes` are bytes of each, spelled like `whole`

NULL is 0, or no bytes, there. A program spells with the kit (`columns.ts`), a reference with
`spell`, and `read` takes what strangers sent.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from grid.codegen.selection import decoded
from grid.codegen.types import WHOLE, Kind, Type, limits
from grid.items import Column, Json, LogicalType, PhysicalType

WIDTHS = (1, 2, 4, 8, 16)
_INTEGERS = {1: pa.int8(), 2: pa.int16(), 4: pa.int32(), 8: pa.int64(), 16: pa.decimal128(38)}
_NAN = struct.unpack("<q", struct.pack("<Q", 0x7FF8000000000000))[0]
#: Digits of a decimal that 64 bits hold.
_DIGITS_64 = 18
_KINDS = {Kind.DOUBLE: "double", Kind.BOOLEAN: "flag", Kind.TEXT: "text"}
_LOGICAL = {Kind.INTEGER: LogicalType.INT64}
_PHYSICAL = {
    Kind.DOUBLE: PhysicalType.DOUBLE,
    Kind.BOOLEAN: PhysicalType.BOOLEAN,
    Kind.TEXT: PhysicalType.UTF8,
}
#: Bytes of a text, as a rule: what it has nobody knows before it is computed.
TEXT_BYTES = 32


def column(name: str, type: Type) -> Column:
    """The output's column for values of a type; raises KeyError for one that no column has."""
    big = type.kind is Kind.DECIMAL and type.precision > _DIGITS_64
    whole = PhysicalType.INT128 if big else PhysicalType.INT64
    if type.kind not in WHOLE and type.kind not in _PHYSICAL:
        raise KeyError(type.kind)
    return Column(
        name=name,
        type=_LOGICAL.get(type.kind) or LogicalType(str(type.kind)),
        physical=_PHYSICAL.get(type.kind, whole),
        nullable=True,
        precision=type.precision,
        scale=type.scale,
    )


def size(type: Type) -> int:
    """Bytes that a value of this type takes in an output, at most, or of a text as a rule."""
    if type.kind is Kind.TEXT:
        return (TEXT_BYTES + 4) * 4 // 3 + 1
    big = type.kind is Kind.DECIMAL and type.precision > _DIGITS_64
    return 1 if type.kind is Kind.BOOLEAN else 23 if big else 12


def spell(values: Sequence[Any], type: Type) -> Json:
    """The values as the reference holds them, spelled."""
    kind = _KINDS.get(type.kind, "whole")
    valid = "" if None not in values else _text(_bits([value is not None for value in values]))
    out = {"kind": kind, "valid": valid}
    if kind == "text":
        texts = [(value or "").encode() for value in values]
        return out | {"sizes": _text(_wholes([*map(len, texts)])), "values": _text(b"".join(texts))}
    if kind == "flag":
        return out | {"values": _text(_bits([value is True for value in values]))}
    if kind == "double":
        return out | {"values": _text(b"".join(map(_double, values)))}
    return out | {"values": _text(_wholes([value or 0 for value in values]))}


def read(spelled: Mapping[str, Json], rows: int) -> pa.Array:
    """The values; raises ValueError for any spelling but the one of `spell` for so many rows.

    It takes time and memory as `spelled` is long. Whether they are values of the right type, `fit`
    tells.
    """
    kind = spelled["kind"]
    if ("sizes" in spelled) is not (kind == "text"):
        raise ValueError("sizes are for texts")
    valid, raw = _valid(spelled["valid"], rows), decoded(spelled["values"])
    if kind == "text":
        return _texts(decoded(spelled["sizes"]), raw, valid, rows)
    if kind == "flag":
        _check_bits(raw, rows)
        return _settled(pa.bool_(), raw, valid, rows)
    if kind == "double":
        if len(raw) != 8 * rows:
            raise ValueError("not 8 bytes for each row")
        bits = _settled(pa.int64(), raw, valid, rows)
        array = pa.Array.from_buffers(pa.float64(), rows, bits.buffers())
        odd = pc.and_(pc.is_nan(array), pc.not_equal(bits, _NAN))
        if pc.any(odd).as_py() or pc.any(pc.equal(bits, -(2**63))).as_py():
            raise ValueError("a double that is spelled otherwise")
        return array
    return _whole(raw, valid, rows)


def fit(array: pa.Array, type: Type, into: pa.DataType) -> pa.Array:
    """What was read, as an output column's Arrow type; raises ValueError where it is another's."""
    found = array.type
    plain = {Kind.DOUBLE: pa.types.is_floating, Kind.BOOLEAN: pa.types.is_boolean}
    plain |= {Kind.TEXT: pa.types.is_string}
    is_right: Callable[[pa.DataType], bool] = plain.get(
        type.kind, lambda one: pa.types.is_integer(one) or pa.types.is_decimal(one)
    )
    if not is_right(found):
        raise ValueError(f"{found} where {type} is due")
    if type.kind in WHOLE and len(array) > array.null_count:
        least, most = limits(type)
        ends = pc.min_max(array)
        if int(ends["min"].as_py()) < least or int(ends["max"].as_py()) > most:
            raise ValueError(f"a value that {type} does not have")
    try:
        return array.cast(into)
    except pa.ArrowInvalid as error:
        raise ValueError(str(error)) from error


def _whole(raw: bytes, valid: bytes | None, rows: int) -> pa.Array:
    width = len(raw) // rows if rows else 0
    if len(raw) != width * rows or (rows and width not in WIDTHS):
        raise ValueError("not so many whole numbers")
    array = _settled(_INTEGERS[width or 1], raw, valid, rows)
    if width > 1:
        half = 8 * WIDTHS[WIDTHS.index(width) - 1] - 1
        ends = pc.min_max(array)
        low, high = (int(ends[name].as_py() or 0) for name in ("min", "max"))
        if -(1 << half) <= low and high < 1 << half:
            raise ValueError("fewer bytes would do")
    return array


def _texts(sizes: bytes, raw: bytes, valid: bytes | None, rows: int) -> pa.Array:
    lengths = _whole(sizes, valid, rows).cast(pa.int64())
    if pc.any(pc.less(lengths, 0)).as_py():
        raise ValueError("a size below 0")
    known = pc.fill_null(lengths, 0)
    total = pc.sum(known).as_py() or 0
    if total != len(raw):
        raise ValueError(f"{len(raw)} bytes of text, not {total}")
    ends = pa.concat_arrays([pa.array([0], pa.int64()), pc.cumulative_sum(known)])
    offsets = ends.cast(pa.int32()).buffers()[1]
    array = pa.Array.from_buffers(pa.utf8(), rows, [_buffer(valid), offsets, pa.py_buffer(raw)])
    try:
        array.validate(full=True)
    except pa.ArrowInvalid as error:
        raise ValueError(f"not UTF-8: {error}") from error
    return array


def _settled(type: pa.DataType, raw: bytes, valid: bytes | None, rows: int) -> pa.Array:
    """The array; raises ValueError where a NULL is anything but 0."""
    values = pa.Array.from_buffers(type, rows, [None, pa.py_buffer(raw)])
    if valid is None:
        return values
    mask = pa.Array.from_buffers(pa.bool_(), rows, [None, pa.py_buffer(valid)])
    zero = pa.scalar(0).cast(type)
    if pc.any(pc.not_equal(values.filter(pc.invert(mask)), zero)).as_py():
        raise ValueError("a NULL is spelled as 0")
    return pa.Array.from_buffers(type, rows, [pa.py_buffer(valid), pa.py_buffer(raw)])


def _valid(spelled: str, rows: int) -> bytes | None:
    if not spelled:
        return None
    raw = decoded(spelled)
    _check_bits(raw, rows)
    if int.from_bytes(raw).bit_count() == rows:
        raise ValueError("no bitmap is due where every row has a value")
    return raw


def _check_bits(raw: bytes, rows: int) -> None:
    if len(raw) != (rows + 7) // 8 or (rows % 8 and raw[-1] >> rows % 8):
        raise ValueError("not a bitmap of so many rows")


def _buffer(raw: bytes | None) -> pa.Buffer | None:
    return None if raw is None else pa.py_buffer(raw)


def _wholes(values: Sequence[int]) -> bytes:
    ends = (min(values), max(values)) if values else (0, 0)
    width = next(
        w for w in WIDTHS if all((end if end >= 0 else ~end) >> 8 * w - 1 == 0 for end in ends)
    )
    return b"".join(value.to_bytes(width, "little", signed=True) for value in values)


def _double(value: float | None) -> bytes:
    if value is not None and math.isnan(value):
        return struct.pack("<q", _NAN)
    return struct.pack("<d", (value or 0.0) + 0.0)


def _bits(truths: Sequence[bool]) -> bytes:
    packed = bytearray((len(truths) + 7) // 8)
    for row, truth in enumerate(truths):
        packed[row >> 3] |= truth << (row & 7)
    return bytes(packed)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
