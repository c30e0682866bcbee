"""This file is where Arrow bytes go in and out: a column narrowed, encoded, decoded, written out.

One column of one chunk is an Arrow IPC stream of one record batch with one field named "c"
(https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
from msgspec import Struct

from grid.items import Column, LogicalType, PhysicalType
from grid.values import spell_date, spell_decimal, spell_timestamp

#: The only field of a column's blob.
FIELD = "c"
#: Most distinct texts of a dictionary: a program decides a predicate once for each of them.
DICTIONARY_CODES_MAX = 4096
#: Most UTF-8 bytes of a dictionary, since it travels with every chunk of its column.
DICTIONARY_BYTES_MAX = 64_000
#: Most distinct texts that are coded in one byte; codes are signed.
DICT8_CODES_MAX = 127
#: Whole numbers up to here are exact in every JSON reader (RFC 8259, section 6).
SAFE_INTEGER_MAX = 2**53 - 1

_DICTIONARIES = {
    PhysicalType.DICT8: pa.dictionary(pa.int8(), pa.utf8()),
    PhysicalType.DICT16: pa.dictionary(pa.int16(), pa.utf8()),
}
_INTEGERS = {
    PhysicalType.INT8: pa.int8(),
    PhysicalType.INT16: pa.int16(),
    PhysicalType.INT32: pa.int32(),
    PhysicalType.INT53: pa.int64(),
    PhysicalType.INT64: pa.int64(),
    PhysicalType.INT128: pa.decimal128(38, 0),
}
#: Whole numbers of a physical type lie from -low to high.
_BOUNDS = {
    PhysicalType.INT8: (2**7, 2**7 - 1),
    PhysicalType.INT16: (2**15, 2**15 - 1),
    PhysicalType.INT32: (2**31, 2**31 - 1),
    PhysicalType.INT53: (2**53, 2**53),
    PhysicalType.INT64: (2**63, 2**63 - 1),
    PhysicalType.INT128: (10**38 - 1, 10**38 - 1),
}
#: Types whose values lie in memory as whole numbers.
_WHOLE = frozenset(
    {LogicalType.INT64, LogicalType.DECIMAL, LogicalType.DATE, LogicalType.TIMESTAMP}
)
_TYPES = {
    **_INTEGERS,
    **_DICTIONARIES,
    PhysicalType.DOUBLE: pa.float64(),
    PhysicalType.BOOLEAN: pa.bool_(),
    PhysicalType.UTF8: pa.utf8(),
}
_NEEDS_QUOTES = re.compile(r'[",\r\n]|^\s|\s$|^$')
#: Rows spelled at a time: as Python values they take many times their bytes.
WRITTEN_ROWS = 4_096


class Facts(Struct, frozen=True, kw_only=True):
    """What must be known of a column's whole data set before its bytes can be laid out."""

    #: Whether any value is NULL.
    nullable: bool
    #: Smallest and largest whole number in memory; None for other types, and without any value.
    low: int | None = None
    high: int | None = None
    #: Every distinct text; None for other types, and where they are too many for a dictionary.
    distinct: frozenset[str] | None = None


def narrow(
    name: str, type: LogicalType, facts: Facts, *, precision: int = 0, scale: int = 0
) -> Column:
    """The column with the narrowest physical type that holds every value of the data set.

    Decimals have `precision` digits, `scale` of them behind the point. Raises ValueError for whole
    numbers beyond 64 bits, or 38 digits of a decimal.
    """
    if type in _WHOLE:
        physical = _narrowest(facts.low or 0, facts.high or 0)
        if physical is PhysicalType.INT128 and type != LogicalType.DECIMAL:
            raise ValueError(f"{facts.low}…{facts.high} is beyond 64 bits")
    elif type == LogicalType.TEXT:
        physical = _coded(facts.distinct)
    else:
        physical = PhysicalType(type)
    return Column(
        name=name,
        type=type,
        physical=physical,
        nullable=facts.nullable,
        precision=precision,
        scale=scale,
    )


def dictionary_fits(distinct: Iterable[str]) -> bool:
    """Whether these distinct texts are few and short enough to be a dictionary."""
    texts = list(distinct)
    size = sum(len(text.encode()) for text in texts)
    return len(texts) <= DICTIONARY_CODES_MAX and size <= DICTIONARY_BYTES_MAX


def dictionary(distinct: Iterable[str]) -> pa.StringArray:
    """The texts as the one dictionary of a data set: sorted by their UTF-8 bytes."""
    return pa.array(sorted(distinct, key=str.encode), pa.utf8())


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of the column's arrays."""
    return _TYPES[column.physical]


def cast(array: pa.Array, column: Column, dictionary: pa.StringArray | None = None) -> pa.Array:
    """`array` in the column's physical type.

    It holds int64, float64, bool or utf8 by the logical type; decimals, dates and timestamps are
    the whole numbers that stand for them, as int64 or decimal128.

    Dictionary types need the data set's dictionary. Doubles come out with one zero and one NaN.
    Raises ValueError for a value that does not fit.
    """
    target = arrow_type(column)
    if column.physical in _DICTIONARIES:
        codes = pc.index_in(array, value_set=dictionary)
        if codes.null_count != array.null_count:
            raise ValueError(f"{column.name}: a text that its dictionary lacks")
        return pa.DictionaryArray.from_arrays(codes.cast(target.index_type), dictionary)
    try:
        values = array.cast(target)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{column.name}: {error}") from error
    return canonical_doubles(values) if column.physical == PhysicalType.DOUBLE else values


def canonical_doubles(array: pa.DoubleArray) -> pa.DoubleArray:
    """The same doubles with −0.0 as 0.0 and every NaN as the quiet one without payload."""
    nan = pa.scalar(float("nan"), pa.float64())
    return pc.if_else(pc.is_nan(array), nan, pc.add(array, pa.scalar(0.0)))


def encode_column(array: pa.Array, column: Column) -> bytes:
    """The blob of one column of one chunk; equal values always give equal bytes.

    Raises ValueError when the array is not of the column's physical type, or has a NULL where
    the column has none.
    """
    if array.type != arrow_type(column):
        raise ValueError(f"{column.name}: {array.type} is not {column.physical.value}")
    if array.null_count and not column.nullable:
        raise ValueError(f"{column.name}: NULL in a column without")
    schema = pa.schema([pa.field(FIELD, array.type, nullable=column.nullable)])
    return encode_batch(pa.record_batch([_settled(array)], schema=schema))


def decode_column(data: bytes) -> pa.Array:
    """The array of one column's blob; raises ValueError unless it is exactly such a blob."""
    batch = decode_batch(data)
    if batch.schema.names != [FIELD]:
        raise ValueError(f'a column has one field "{FIELD}", not {batch.schema.names}')
    array = batch.column(0)
    if array.type not in _TYPES.values():
        raise ValueError(f"{array.type} is no physical type of a column")
    return array


def encode_batch(batch: pa.RecordBatch) -> bytes:
    """An Arrow IPC stream of this one batch, uncompressed."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue())


def decode_batch(data: bytes) -> pa.RecordBatch:
    """The batch of an Arrow IPC stream; raises ValueError unless there is one valid batch."""
    try:
        with pa.ipc.open_stream(data) as reader:
            batches = list(reader)
        if len(batches) != 1:
            raise ValueError(f"an Arrow stream of {len(batches)} batches, not one")
        batches[0].validate(full=True)
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"not an Arrow stream: {error}") from error
    return batches[0]


def select_rows(batch: pa.RecordBatch, selection: bytes | Sequence[int]) -> pa.RecordBatch:
    """The chosen rows: a bitmap (least significant bit first) or row numbers from 0, in order.

    Raises ValueError when the selection does not belong to a batch of so many rows.
    """
    if not isinstance(selection, bytes):
        if any(not 0 <= row < batch.num_rows for row in selection):
            raise ValueError(f"a row outside 0…{batch.num_rows - 1}")
        return batch.take(pa.array(selection, pa.int64()))
    used_bits = batch.num_rows % 8
    if len(selection) != -(-batch.num_rows // 8) or (used_bits and selection[-1] >> used_bits):
        raise ValueError(f"not a bitmap of {batch.num_rows} rows")
    mask = pa.Array.from_buffers(pa.bool_(), batch.num_rows, [None, pa.py_buffer(selection)])
    return batch.filter(mask)


def to_python(array: pa.Array) -> list[Any]:
    """The values as int, float, bool, str and None.

    Decimals, dates and timestamps are the whole numbers that stand for them.
    """
    plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    values: list[Any] = plain.to_pylist()
    if pa.types.is_decimal(array.type):
        return [None if value is None else int(value) for value in values]
    return values


def write_csv(columns: Sequence[Column], batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """CSV (RFC 4180) with a header, in pieces of some rows; parses back to the same rows.

    NULL is an empty field, the empty text is `""`; doubles have the fewest digits that read back
    to the same double. (A NULL in a table of one column is an empty line.)
    """
    yield _csv_line(_csv_text(column.name) for column in columns)
    for batch in _pieces(batches):
        yield b"".join(map(_csv_line, zip(*_spelled(batch, columns, _CSV, ""), strict=True)))


def write_json(
    columns: Sequence[Column], batches: Iterable[pa.RecordBatch], *, objects: bool = False
) -> Iterator[bytes]:
    """One JSON document, `{"columns": [name, …], "rows": [row, …]}`, in pieces of some rows.

    A row is an array in the order of the columns, or an object by name. Whole numbers beyond
    ±(2⁵³ − 1) are strings of their digits; NaN and the infinities are the strings "NaN",
    "Infinity" and "-Infinity"; doubles have the fewest digits that read back to the same double.
    Decimals, dates and timestamps are strings.
    """
    names = [_json_text(column.name) for column in columns]
    labels = [name + ":" if objects else "" for name in names]
    opening, closing = "{}" if objects else "[]"
    yield f'{{"columns":[{",".join(names)}],"rows":['.encode()
    comma = ""
    for batch in _pieces(batches):
        rows = [
            opening + ",".join(map(str.__add__, labels, row)) + closing
            for row in zip(*_spelled(batch, columns, _JSON, "null"), strict=True)
        ]
        if rows:
            yield (comma + ",\n".join(rows)).encode()
            comma = ",\n"
    yield b"]}\n"


def _pieces(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, WRITTEN_ROWS):
            yield batch.slice(start, WRITTEN_ROWS)


def _narrowest(low: int, high: int) -> PhysicalType:
    for physical, (least, most) in _BOUNDS.items():
        if -least <= low and high <= most:
            return physical
    raise ValueError(f"{low}…{high} has more than 38 digits")


def _coded(distinct: frozenset[str] | None) -> PhysicalType:
    """The type of a text column; one without any text has no dictionary to code into."""
    if not distinct or not dictionary_fits(distinct):
        return PhysicalType.UTF8
    return PhysicalType.DICT8 if len(distinct) <= DICT8_CODES_MAX else PhysicalType.DICT16


def _settled(array: pa.Array) -> pa.Array:
    """The same values in buffers of just their size, with zeros where no value decides."""
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(_settled(array.indices), array.dictionary)
    rows = len(array)
    if not rows:
        return pa.array([], array.type)
    valid = None
    if array.null_count:
        valid = _bits(pc.is_valid(array))
        array = pc.fill_null(array, _zero(array.type))
    if pa.types.is_boolean(array.type):
        return pa.Array.from_buffers(array.type, rows, [valid, _bits(array)])
    buffers, first = array.buffers(), array.offset
    if pa.types.is_string(array.type):
        ends = pa.Array.from_buffers(pa.int32(), rows + 1, [None, buffers[1]], offset=first)
        begin, end = ends[0].as_py(), ends[-1].as_py()
        offsets = pc.subtract(ends, ends[0]).buffers()[1].slice(0, 4 * (rows + 1))
        texts = (buffers[2] or pa.py_buffer(b"")).slice(begin, end - begin)
        return pa.Array.from_buffers(array.type, rows, [valid, offsets, texts])
    width = array.type.bit_width // 8
    values = buffers[1].slice(first * width, rows * width)
    return pa.Array.from_buffers(array.type, rows, [valid, values])


def _zero(type: pa.DataType) -> pa.Scalar:
    return pa.scalar("") if pa.types.is_string(type) else pa.scalar(0).cast(type)


def _bits(mask: pa.BooleanArray) -> pa.Buffer:
    """The mask's bitmap from bit 0, with zeros behind its last bit."""
    rows = len(mask)
    data = bytearray(pc.invert(pc.invert(mask)).buffers()[1].to_pybytes()[: -(-rows // 8)])
    if rows % 8:
        data[-1] &= (1 << rows % 8) - 1
    return pa.py_buffer(bytes(data))


_Spellings = dict[LogicalType, Callable[[Any], str]]


def _spelled(
    batch: pa.RecordBatch, columns: Sequence[Column], spellings: _Spellings, null: str
) -> Iterator[list[str]]:
    """The values of each column as text."""
    for array, column in zip(batch.columns, columns, strict=True):
        spell = spellings.get(column.type) or _quoted(column, null == "null")
        yield [null if value is None else spell(value) for value in to_python(array)]


def _quoted(column: Column, quotes: bool) -> Callable[[Any], str]:
    """Spells decimals, dates and timestamps; in quotes or not."""
    mark = '"' if quotes else ""
    match column.type:
        case LogicalType.DATE:
            return lambda value: f"{mark}{spell_date(value)}{mark}"
        case LogicalType.TIMESTAMP:
            return lambda value: f"{mark}{spell_timestamp(value)}{mark}"
    size = (column.precision, column.scale)
    return lambda value: f"{mark}{spell_decimal(value, *size)}{mark}"


def _csv_line(fields: Iterable[str]) -> bytes:
    return (",".join(fields) + "\r\n").encode()


def _csv_text(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _NEEDS_QUOTES.search(text) else text


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _json_integer(value: int) -> str:
    return str(value) if abs(value) <= SAFE_INTEGER_MAX else f'"{value}"'


def _json_double(value: float) -> str:
    if value != value:
        return '"NaN"'
    return {float("inf"): '"Infinity"', float("-inf"): '"-Infinity"'}.get(value) or repr(value)


def _lower(value: bool) -> str:
    return "true" if value else "false"


_CSV: _Spellings = {
    LogicalType.INT64: str,
    LogicalType.DOUBLE: repr,
    LogicalType.BOOLEAN: _lower,
    LogicalType.TEXT: _csv_text,
}
_JSON: _Spellings = {
    LogicalType.INT64: _json_integer,
    LogicalType.DOUBLE: _json_double,
    LogicalType.BOOLEAN: _lower,
    LogicalType.TEXT: _json_text,
}
