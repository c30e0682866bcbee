"""Columns survive their way through Arrow, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
import struct

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid import chunks
from grid.chunks import Facts
from grid.items import Column, LogicalType, PhysicalType
from grid.values import DAY_MAX, DAY_MIN, TIMESTAMP_MAX, TIMESTAMP_MIN

ARROW = {
    LogicalType.INT64: pa.int64(),
    LogicalType.DOUBLE: pa.float64(),
    LogicalType.BOOLEAN: pa.bool_(),
    LogicalType.TEXT: pa.utf8(),
    LogicalType.DECIMAL: pa.decimal128(38, 0),
    LogicalType.DATE: pa.int64(),
    LogicalType.TIMESTAMP: pa.int64(),
}
SIZES = {LogicalType.DECIMAL: {"precision": 38, "scale": 10}}
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)
VALUES = {
    LogicalType.INT64: st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 200),
    LogicalType.DOUBLE: st.floats(),
    LogicalType.BOOLEAN: st.booleans(),
    LogicalType.TEXT: TEXTS,
    LogicalType.DECIMAL: st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-200, 200),
    LogicalType.DATE: st.integers(DAY_MIN, DAY_MAX),
    LogicalType.TIMESTAMP: st.integers(TIMESTAMP_MIN, TIMESTAMP_MAX),
}


def facts_of(type_: LogicalType, values: list[object]) -> Facts:
    known = [value for value in values if value is not None]
    whole = known and isinstance(known[0], int) and type_ != LogicalType.BOOLEAN
    return Facts(
        nullable=len(known) < len(values),
        low=min(known) if whole else None,
        high=max(known) if whole else None,
        distinct=frozenset(known) if type_ == LogicalType.TEXT else None,
    )


def column_of(type_: LogicalType, values: list[object]) -> tuple[Column, pa.Array]:
    """The column as ingest would lay it out, and its physical array."""
    facts = facts_of(type_, values)
    column = chunks.narrow("x", type_, facts, **SIZES.get(type_, {}))
    dictionary = chunks.dictionary(facts.distinct) if facts.distinct else None
    return column, chunks.cast(pa.array(values, ARROW[type_]), column, dictionary)


@st.composite
def typed_values(draw: st.DrawFn) -> tuple[LogicalType, list[object]]:
    type_ = draw(st.sampled_from(list(LogicalType)))
    return type_, draw(st.lists(st.none() | VALUES[type_], max_size=30))


def bits(values: list[object]) -> list[object]:
    """Doubles as their bytes, so that NaN equals itself and zeros keep their sign."""
    return [struct.pack("<d", v) if isinstance(v, float) else v for v in values]


def canonical(values: list[object]) -> list[object]:
    return [(math.nan if math.isnan(v) else v + 0.0) if isinstance(v, float) else v for v in values]


@given(typed_values())
def test_what_is_encoded_is_decoded(case: tuple[LogicalType, list[object]]) -> None:
    column, array = column_of(*case)
    decoded = chunks.decode_column(chunks.encode_column(array, column))
    assert decoded.type == chunks.arrow_type(column)
    assert bits(chunks.to_python(decoded)) == bits(canonical(case[1]))


@given(typed_values(), st.data())
def test_equal_values_give_equal_bytes_wherever_they_lay(
    case: tuple[LogicalType, list[object]], data: st.DataObject
) -> None:
    column, whole = column_of(*case)
    start = data.draw(st.integers(0, len(whole)))
    piece = whole.slice(start, data.draw(st.integers(0, len(whole) - start)))
    dictionary = whole.dictionary if pa.types.is_dictionary(whole.type) else None
    again = chunks.cast(pa.array(chunks.to_python(piece), ARROW[column.type]), column, dictionary)
    assert chunks.encode_column(piece, column) == chunks.encode_column(again, column)


@pytest.mark.parametrize(
    ("type_", "values", "physical"),
    [
        (LogicalType.INT64, [-128, 127], PhysicalType.INT8),
        (LogicalType.INT64, [-129], PhysicalType.INT16),
        (LogicalType.INT64, [32768], PhysicalType.INT32),
        (LogicalType.INT64, [2**31 - 1, -(2**31)], PhysicalType.INT32),
        (LogicalType.INT64, [2**31], PhysicalType.INT53),
        (LogicalType.INT64, [2**53, -(2**53)], PhysicalType.INT53),
        (LogicalType.INT64, [2**53 + 1], PhysicalType.INT64),
        (LogicalType.INT64, [-(2**53) - 1], PhysicalType.INT64),
        (LogicalType.DECIMAL, [2**63 - 1], PhysicalType.INT64),
        (LogicalType.DECIMAL, [2**63, None], PhysicalType.INT128),
        (LogicalType.DECIMAL, [-(10**38) + 1], PhysicalType.INT128),
        (LogicalType.DATE, [DAY_MIN, DAY_MAX], PhysicalType.INT32),
        (LogicalType.DATE, [19_000], PhysicalType.INT16),
        (LogicalType.TIMESTAMP, [1_356_998_400_000_000], PhysicalType.INT53),
        (LogicalType.INT64, [None], PhysicalType.INT8),
        (LogicalType.DOUBLE, [1.0], PhysicalType.DOUBLE),
        (LogicalType.BOOLEAN, [True], PhysicalType.BOOLEAN),
        (LogicalType.TEXT, ["a", None], PhysicalType.DICT8),
        (LogicalType.TEXT, [str(n) for n in range(127)], PhysicalType.DICT8),
        (LogicalType.TEXT, [str(n) for n in range(128)], PhysicalType.DICT16),
        (LogicalType.TEXT, [str(n) for n in range(4096)], PhysicalType.DICT16),
        (LogicalType.TEXT, [str(n) for n in range(4097)], PhysicalType.UTF8),
        (LogicalType.TEXT, ["x" * 64_000], PhysicalType.DICT8),
        (LogicalType.TEXT, ["é" * 32_001], PhysicalType.UTF8),
        (LogicalType.TEXT, [None, None], PhysicalType.UTF8),
        (LogicalType.TEXT, [], PhysicalType.UTF8),
    ],
)
def test_a_column_gets_the_narrowest_type_that_holds_it(
    type_: LogicalType, values: list[object], physical: PhysicalType
) -> None:
    column, array = column_of(type_, values)
    assert column.physical == physical
    assert chunks.to_python(array) == values


def test_a_dictionary_is_sorted_by_utf8_bytes_not_by_utf16() -> None:
    assert chunks.dictionary({"\U0001f600", "\uffee", "z"}).to_pylist() == [
        "z", "\uffee", "\U0001f600",
    ]  # fmt: skip


def test_a_text_outside_the_dictionary_is_refused() -> None:
    column = chunks.narrow("x", LogicalType.TEXT, Facts(nullable=True, distinct=frozenset("a")))
    with pytest.raises(ValueError, match="dictionary lacks"):
        chunks.cast(pa.array(["b", None]), column, chunks.dictionary("a"))


def test_a_number_that_does_not_fit_is_refused() -> None:
    column = chunks.narrow("x", LogicalType.INT64, Facts(nullable=False, low=0, high=1))
    with pytest.raises(ValueError, match="x: "):
        chunks.cast(pa.array([300]), column)


def stream(*batches: pa.RecordBatch) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return bytes(sink.getvalue())


ONE = pa.record_batch({"c": pa.array([1, 2], pa.int8())})
BAD_TEXT = pa.Array.from_buffers(
    pa.utf8(), 1, [None, pa.py_buffer(struct.pack("<ii", 0, 1)), pa.py_buffer(b"\xff")]
)
BAD_CODE = pa.DictionaryArray.from_arrays(pa.array([5], pa.int8()), pa.array(["a"]), safe=False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        stream(ONE)[:-20],
        stream(ONE, ONE),
        stream(pa.record_batch({"d": pa.array([1], pa.int8())})),
        stream(pa.record_batch({"c": pa.array([1]), "d": pa.array([1])})),
        stream(pa.record_batch({"c": pa.array([1], pa.uint8())})),
        stream(pa.record_batch({"c": pa.array(["a"], pa.large_utf8())})),
        stream(pa.record_batch({"c": BAD_TEXT})),
        stream(pa.record_batch({"c": BAD_CODE})),
    ],
    ids=lambda data: str(len(data)),
)
def test_anything_but_a_columns_blob_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        chunks.decode_column(data)


def test_a_null_or_another_type_is_not_encoded_into_a_column_without() -> None:
    column = chunks.narrow("x", LogicalType.INT64, Facts(nullable=False, low=0, high=1))
    with pytest.raises(ValueError, match="NULL"):
        chunks.encode_column(pa.array([1, None], pa.int8()), column)
    with pytest.raises(ValueError, match="int16"):
        chunks.encode_column(pa.array([1], pa.int16()), column)


@given(st.lists(st.booleans(), max_size=40))
def test_a_bitmap_and_row_numbers_select_the_same_rows(chosen: list[bool]) -> None:
    batch = pa.record_batch({"n": pa.array(range(len(chosen)), pa.int64())})
    bitmap = bytearray(-(-len(chosen) // 8))
    rows = [row for row, take in enumerate(chosen) if take]
    for row in rows:
        bitmap[row // 8] |= 1 << row % 8
    assert chunks.select_rows(batch, bytes(bitmap)).column(0).to_pylist() == rows
    assert chunks.select_rows(batch, rows).column(0).to_pylist() == rows


@pytest.mark.parametrize("selection", [b"", b"\x08", b"\x01\x00", [3], [-1]])
def test_a_selection_of_other_rows_is_refused(selection: bytes | list[int]) -> None:
    with pytest.raises(ValueError):
        chunks.select_rows(pa.record_batch({"n": [1, 2, 3]}), selection)


NAMES = ["a", 'wei"rd, name', "\u2028", "b"]
TABLE = pa.record_batch(
    [
        pa.array([1, None, 2**53, -(2**63)], pa.int64()),
        pa.array([0.1, None, math.inf, math.nan]),
        pa.array(
            ["", None, 'O\'Brien "x",\r\n\\', "\u2028\U0001f600\U000e0001"]
        ).dictionary_encode(),
        pa.array([True, None, False, True]),
    ],
    names=NAMES,
)
COLUMNS = [
    Column(name=name, type=type_, physical=PhysicalType.UTF8, nullable=True)
    for name, type_ in zip(
        NAMES,
        (LogicalType.INT64, LogicalType.DOUBLE, LogicalType.TEXT, LogicalType.BOOLEAN),
        strict=True,
    )
]


def of_type(name: str, type_: LogicalType, precision: int = 0, scale: int = 0) -> Column:
    return Column(
        name=name, type=type_, physical=PhysicalType.INT64, nullable=True, precision=precision,
        scale=scale,
    )  # fmt: skip


def test_decimals_dates_and_timestamps_are_written_as_people_write_them() -> None:
    columns = [
        of_type("p", LogicalType.DECIMAL, 9, 2),
        of_type("d", LogicalType.DATE),
        of_type("m", LogicalType.TIMESTAMP),
    ]
    batch = pa.record_batch([pa.array([-5, None]), pa.array([59, None]), pa.array([-1, 0])],
                            names=["p", "d", "m"])  # fmt: skip
    assert b"".join(chunks.write_csv(columns, [batch])).decode() == (
        "p,d,m\r\n-0.05,1970-03-01,1969-12-31 23:59:59.999999\r\n,,1970-01-01 00:00:00\r\n"
    )
    assert json.loads(b"".join(chunks.write_json(columns, [batch])))["rows"] == [
        ["-0.05", "1970-03-01", "1969-12-31 23:59:59.999999"],
        [None, None, "1970-01-01 00:00:00"],
    ]


def test_csv_parses_back_to_the_same_rows() -> None:
    text = b"".join(chunks.write_csv(COLUMNS, [TABLE, TABLE.slice(0, 0), TABLE])).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert rows[0] == NAMES
    assert (
        rows[1:5]
        == rows[5:]
        == [
            ["1", "0.1", "", "true"],
            ["", "", "", ""],
            ["9007199254740992", "inf", 'O\'Brien "x",\r\n\\', "false"],
            ["-9223372036854775808", "nan", "\u2028\U0001f600\U000e0001", "true"],
        ]
    )
    assert '1,0.1,"",true\r\n,,,\r\n' in text


@pytest.mark.parametrize("objects", [False, True])
def test_json_holds_the_same_rows_with_what_json_lacks_as_text(objects: bool) -> None:
    pieces = chunks.write_json(COLUMNS, [TABLE, TABLE.slice(0, 0), TABLE], objects=objects)
    document = json.loads(b"".join(pieces))
    rows = [
        [1, 0.1, "", True],
        [None, None, None, None],
        ["9007199254740992", "Infinity", 'O\'Brien "x",\r\n\\', False],
        ["-9223372036854775808", "NaN", "\u2028\U0001f600\U000e0001", True],
    ]
    expected = [dict(zip(NAMES, row, strict=True)) for row in rows] if objects else rows
    assert document == {"columns": NAMES, "rows": expected * 2}


def test_no_rows_are_a_header_or_an_empty_list() -> None:
    assert b"".join(chunks.write_csv(COLUMNS[:1], [])) == b"a\r\n"
    assert json.loads(b"".join(chunks.write_json(COLUMNS[:1], []))) == {
        "columns": ["a"],
        "rows": [],
    }


@given(st.floats(allow_nan=False))
def test_a_double_reads_back_from_both_spellings(value: float) -> None:
    batch = pa.record_batch({"x": pa.array([value])})
    columns = [of_type("x", LogicalType.DOUBLE)]
    from_csv = float(b"".join(chunks.write_csv(columns, [batch])).split()[1])
    from_json = float(json.loads(b"".join(chunks.write_json(columns, [batch])))["rows"][0][0])
    assert bits([from_csv]) == bits([from_json]) == bits([value])
