"""This file is where it is tested that a computed column has one spelling, also for liars."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grid import canonical, chunks
from grid.codegen import columnar, projection
from grid.codegen.parse import expression, parse
from grid.codegen.projection import Projection
from grid.codegen.types import (
    BOOLEAN,
    DATE,
    DOUBLE,
    INTEGER,
    NULL,
    TEXT,
    TIMESTAMP,
    Type,
    decimal,
    limits,
)
from grid.engines import Computation, ProgramFailed
from grid.engines.deno import DenoEngine
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.loader import OWN_FOLDER, find, load

WHOLE = (INTEGER, DATE, TIMESTAMP, decimal(18, 2), decimal(38, 3))
VALUES = {
    DOUBLE: st.floats(),
    BOOLEAN: st.booleans(),
    TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=9),
    **{kind: st.integers(*limits(kind)) | st.integers(-200, 200) for kind in WHOLE},
}
COLUMNS = st.sampled_from(sorted(VALUES, key=str)).flatmap(
    lambda kind: st.tuples(st.just(kind), st.lists(st.none() | VALUES[kind], max_size=40))
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


@given(COLUMNS)
def test_what_is_spelled_is_read_and_fits_its_type(drawn: tuple[Type, list[Any]]) -> None:
    kind, values = drawn
    read = columnar.read(columnar.spell(values, kind), len(values))
    into = chunks.arrow_type(columnar.column("c", kind))
    found = chunks.to_python(columnar.fit(read, kind, into))
    assert all(map(same, values, found)) and len(values) == len(found)
    zeros = [math.copysign(1, one) for one in found if isinstance(one, float) and one == 0]
    assert -1 not in zeros


@given(COLUMNS, st.data())
def test_no_other_bytes_are_read_as_a_column(
    drawn: tuple[Type, list[Any]], data: st.DataObject
) -> None:
    kind, values = drawn
    spelled = columnar.spell(values, kind)
    field = data.draw(st.sampled_from(sorted(set(spelled) - {"kind"})))
    forged = data.draw(st.binary(max_size=60)) + data.draw(
        st.sampled_from([b"", base64.b64decode(spelled[field])])
    )
    other = {**spelled, field: base64.b64encode(forged).decode()}
    try:
        read = columnar.read(other, len(values))
    except ValueError:
        return
    try:
        array = columnar.fit(read, kind, chunks.arrow_type(columnar.column("c", kind)))
    except ValueError:
        return
    assert columnar.spell(chunks.to_python(array), kind) == other


def b64(*data: int) -> str:
    return base64.b64encode(bytes(data)).decode()


def whole(*data: int, valid: str = "") -> Json:
    return {"kind": "whole", "valid": valid, "values": b64(*data)}


def text(sizes: str, values: str, valid: str = "") -> Json:
    return {"kind": "text", "valid": valid, "sizes": sizes, "values": values}


NAN = (0, 0, 0, 0, 0, 0, 0xF8)
REFUSED = [
    (2, whole(1, 0, 2, 0), "fewer bytes"),
    (2, whole(1, 2, 3), "not so many"),
    (3, whole(*[1] * 9), "not so many"),
    (2, whole(), "not so many"),
    (0, whole(1), "not so many"),
    (2, whole(1, 2, valid=b64(3)), "no bitmap is due"),
    (2, whole(1, 2, valid=b64(1)), "a NULL is spelled as 0"),
    (2, whole(1, 0, valid=b64(5)), "not a bitmap"),
    (2, whole(1, 0, valid=b64(1, 0)), "not a bitmap"),
    (1, {"kind": "flag", "valid": "", "values": b64(2)}, "not a bitmap"),
    (1, {"kind": "double", "valid": "", "values": b64(*NAN, 0xFF)}, "spelled otherwise"),
    (1, {"kind": "double", "valid": "", "values": b64(1, *NAN[1:], 0x7F)}, "spelled otherwise"),
    (1, {"kind": "double", "valid": "", "values": b64(*[0] * 7, 0x80)}, "spelled otherwise"),
    (1, {"kind": "double", "valid": "", "values": b64(0)}, "8 bytes"),
    (1, {"kind": "whole", "valid": "", "values": "AB=="}, "one spelling"),
    (1, {"kind": "whole", "valid": "", "sizes": "", "values": b64(1)}, "sizes are for texts"),
    (1, {"kind": "text", "valid": "", "values": ""}, "sizes are for texts"),
    (1, text(b64(2), b64(65)), "1 bytes of text, not 2"),
    (2, text(b64(0xFF, 2), b64(65)), "below 0"),
    (1, text(b64(1), b64(0xFF)), "not UTF-8"),
    (1, text(b64(3), b64(0xED, 0xA0, 0x80)), "not UTF-8"),
    (2, text(b64(1, 1), b64(0xC3, 0xA9)), "not UTF-8"),
    (1, text(b64(*[0xFF] * 7, 0x7F), ""), "bytes of text"),
]


@pytest.mark.parametrize(("rows", "spelled", "says"), REFUSED)
def test_any_other_spelling_is_refused(rows: int, spelled: Json, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        columnar.read(spelled, rows)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (DATE, 3_000_000),
        (TIMESTAMP, 2**62),
        (decimal(4, 2), 10_000),
        (decimal(38, 0), 10**38),
        (TEXT, 1),
        (BOOLEAN, 1),
        (DOUBLE, 1),
    ],
)
def test_a_value_of_another_type_does_not_fit(kind: Type, value: int) -> None:
    read = columnar.read(columnar.spell([value], INTEGER), 1)
    with pytest.raises(ValueError, match=r"due|does not have"):
        columnar.fit(read, kind, chunks.arrow_type(columnar.column("c", kind)))


def test_what_is_always_null_is_no_column() -> None:
    with pytest.raises(KeyError):
        columnar.column("c", NULL)


SOURCE = {
    "w": (LogicalType.DECIMAL, PhysicalType.INT128, [10**37, None, -(10**37), 7]),
    "b": (LogicalType.INT64, PhysicalType.INT64, [2**62, -(2**62), None, 3]),
    "d": (LogicalType.DOUBLE, PhysicalType.DOUBLE, [-0.0, math.nan, math.inf, None]),
    "t": (LogicalType.TEXT, PhysicalType.UTF8, ["é🚀", "", None, "\uffffz"]),
    "f": (LogicalType.BOOLEAN, PhysicalType.BOOLEAN, [True, None, False, True]),
}
EXPRESSIONS = [
    "w + 1", "b + 1", "b // 1000", "-d", "d * 0", "t || t", "upper(t)", "NOT f", "f AND d > 0",
    "length(t)", "CASE WHEN f THEN 1 ELSE NULL END", "1", "'x'", "1.5", "b + b",
    "TIMESTAMP '2024-01-01 00:00:00'", "TRY_CAST(t AS DATE)",
]  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


def source() -> tuple[list[Column], dict[str, pa.Array]]:
    columns, arrays = [], {}
    for name, (kind, physical, values) in SOURCE.items():
        column = Column(
            name=name,
            type=kind,
            physical=physical,
            nullable=True,
            precision=38 if kind is LogicalType.DECIMAL else 0,
        )
        columns.append(column)
        arrays[name] = pa.array(values, chunks.arrow_type(column))
    return columns, arrays


@pytest.mark.parametrize("where", [None, "f", "b > 0 OR TRUE", "w > 5", "FALSE"])
def test_program_and_reference_project_alike(engine: DenoEngine, where: str | None) -> None:
    columns, arrays = source()
    projected = Projection(
        where=None if where is None else parse(where, columns),
        expressions=tuple(expression(one, columns, "/e") for one in EXPRESSIONS),
    )
    names = projected.reads(columns)
    program = projected.program(columns)
    read = [one for one in columns if one.name in names]
    found = engine.compute(
        Computation(
            program=program.text,
            columns=tuple(read),
            chunks=(tuple(chunks.encode_column(arrays[one.name], one) for one in read),),
            rows=(4,),
            params=program.params,
            time_limit_s=20,
            output_bytes_max=10**6,
        )
    )
    chunk = {name: chunks.to_python(arrays[name]) for name in names}
    expected = projected.reference(columns, [chunk])
    assert found == canonical.dumps(expected)
    output = canonical.loads(found)
    projection.check(output, [4], expressions=len(EXPRESSIONS), where=where is not None)
    failed, kept = projected.parts(output, [4], 0, {"on_error": "null"})
    (one,) = kept
    assert len(one.arrays) == len(EXPRESSIONS)
    assert failed == (0 if output.get("failed") is None else output["failed"]["rows"])


def test_a_column_of_text_that_grows_is_stopped_before_it_fills_the_memory(
    engine: DenoEngine,
) -> None:
    columns, _ = source()
    (column,) = [one for one in columns if one.name == "t"]
    projected = Projection(where=None, expressions=(expression("replace(t, 'a', t)", columns, ""),))
    program, rows = projected.program(columns), 60
    blob = chunks.encode_column(pa.array(["a" * 700] * rows, pa.utf8()), column)
    job = Computation(
        program=program.text, columns=(column,), chunks=((blob,),), rows=(rows,),
        params=program.params, time_limit_s=60, output_bytes_max=1 << 30,
    )  # fmt: skip
    with pytest.raises(ProgramFailed, match="a column of the output is too large"):
        engine.compute(job)


def test_the_schema_of_the_job_type_is_the_projections() -> None:
    schema = load(find(OWN_FOLDER / "select")).output_schema
    assert {key: schema[key] for key in projection.OUTPUT_SCHEMA} == projection.OUTPUT_SCHEMA
