"""This file is where a program sees a column as the contract says, whatever its values."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Sequence

import pytest
from engine_jobs import blob, body, column
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grid import canonical
from grid.engines import Computation, EngineError, ProgramFailed
from grid.engines.asking import ChildEngine
from grid.items import PhysicalType

#: Values as text: bits for doubles, decimal digits for integers, null where the bitmap says so.
READ = body("""
  const bits = new DataView(new ArrayBuffer(8));
  return inputs.map(({ rows, columns }) => columns.map(({ values, validity, dictionary }) => {
    const out = [];
    const halves = values instanceof BigInt64Array && values.length === 2 * rows;
    for (let i = 0; i < rows; i++) {
      if (validity !== null && !((validity[i >> 3] >> (i & 7)) & 1)) { out.push(null); continue; }
      let value = dictionary === null ? values[i] : dictionary[values[i]];
      if (halves) value = kit.long(values[2 * i], values[2 * i + 1]);
      if (values instanceof Float64Array) {
        bits.setFloat64(0, value);
        value = bits.getBigUint64(0);
      }
      out.push(String(value));
    }
    const kind = Array.isArray(values) ? "strings" : Object.prototype.toString.call(values);
    const length = halves ? rows : values.length;
    return { kind, length, always: validity !== null, out };
  }));
""")

KIND = {
    PhysicalType.INT8: "[object Int8Array]",
    PhysicalType.INT16: "[object Int16Array]",
    PhysicalType.INT32: "[object Int32Array]",
    PhysicalType.INT53: "[object BigInt64Array]",
    PhysicalType.INT64: "[object BigInt64Array]",
    PhysicalType.INT128: "[object BigInt64Array]",
    PhysicalType.DOUBLE: "[object Float64Array]",
    PhysicalType.BOOLEAN: "[object Uint8Array]",
    PhysicalType.UTF8: "strings",
    PhysicalType.DICT8: "[object Int8Array]",
    PhysicalType.DICT16: "[object Int16Array]",
}

WORDS = st.text(max_size=8) | st.sampled_from(["\ufeffmark", "\u2028", "😀", "", "O'Brien\\", "\0"])

VALUES = {
    PhysicalType.INT8: st.integers(-(2**7), 2**7 - 1),
    PhysicalType.INT16: st.integers(-(2**15), 2**15 - 1),
    PhysicalType.INT32: st.integers(-(2**31), 2**31 - 1),
    PhysicalType.INT53: st.integers(-(2**53), 2**53),
    PhysicalType.INT64: st.integers(-(2**63), 2**63 - 1),
    PhysicalType.INT128: st.integers(-(10**38) + 1, 10**38 - 1),
    PhysicalType.DOUBLE: st.floats(allow_nan=False) | st.just(math.nan),
    PhysicalType.BOOLEAN: st.booleans(),
    PhysicalType.UTF8: WORDS,
    PhysicalType.DICT8: WORDS,
    PhysicalType.DICT16: WORDS,
}


def spelled(value: object) -> str | None:
    """How READ shows a value."""
    if value is None:
        return None
    if isinstance(value, float):
        return str(struct.unpack("<Q", struct.pack("<d", value))[0])
    return str(int(value)) if isinstance(value, bool) else str(value)


def read(
    engine: ChildEngine,
    physical: PhysicalType,
    chunks: Sequence[Sequence[object]],
    nullable: bool = True,
) -> list[list[dict[str, object]]]:
    """What the program saw."""
    job = Computation(
        program=READ,
        columns=(column(physical, nullable),),
        chunks=tuple((blob(values, physical),) for values in chunks),
        rows=tuple(len(values) for values in chunks),
        params=None,
        time_limit_s=20,
    )
    seen: list[list[dict[str, object]]] = canonical.loads(engine.compute(job))
    return seen


@pytest.mark.parametrize("physical", list(PhysicalType))
@given(data=st.data())
@settings(max_examples=settings().max_examples // 2)
def test_a_column_arrives_as_it_was(
    engine: ChildEngine, physical: PhysicalType, data: st.DataObject
) -> None:
    values = st.lists(st.none() | VALUES[physical], min_size=1, max_size=40)
    chunks = data.draw(st.lists(values, min_size=1, max_size=3))
    for (seen,), given_values in zip(read(engine, physical, chunks), chunks, strict=True):
        assert seen == {
            "kind": KIND[physical],
            "length": len(given_values),
            "always": True,
            "out": [spelled(value) for value in given_values],
        }


@pytest.mark.parametrize("physical", list(PhysicalType))
def test_a_column_that_is_never_null_has_no_bitmap(
    engine: ChildEngine, physical: PhysicalType
) -> None:
    value = {"double": 1.5, "boolean": True}.get(physical, 7)
    if physical in (PhysicalType.UTF8, PhysicalType.DICT8, PhysicalType.DICT16):
        value = "x"
    ((seen,),) = read(engine, physical, [[value] * 9], nullable=False)
    assert seen["always"] is False
    assert seen["out"] == [spelled(value)] * 9


def test_the_text_of_a_null_is_empty(engine: ChildEngine) -> None:
    job = Computation(
        program=body("return inputs[0].columns[0].values;"),
        columns=(column(PhysicalType.UTF8),),
        chunks=((blob(["a", None, "é"], PhysicalType.UTF8),),),
        rows=(3,),
        params=None,
        time_limit_s=20,
    )
    assert canonical.loads(engine.compute(job)) == ["a", "", "é"]


@given(junk=st.binary(max_size=200), cut=st.integers(0, 400), at=st.integers(0, 400))
@example(junk=b"", cut=0, at=0)
@example(junk=b"\x00\x00\x00\x01\x1a", cut=0, at=52)
@settings(max_examples=settings().max_examples // 2)
def test_bytes_that_are_no_column_hurt_nobody_else(
    engine: ChildEngine, junk: bytes, cut: int, at: int
) -> None:
    whole = blob([1, 2, None], PhysicalType.INT32)
    job = Computation(
        program=READ,
        columns=(column(PhysicalType.INT32),),
        chunks=((whole[:at] + junk + whole[at + cut :],),),
        rows=(3,),
        params=None,
        time_limit_s=1,
    )
    # The decoder may take a wild length at its word; then the time limit ends it.
    with contextlib.suppress(EngineError):
        canonical.loads(engine.compute(job))
    assert read(engine, PhysicalType.INT8, [[7]])[0][0]["out"] == ["7"]


@pytest.mark.parametrize(
    ("stored", "told", "rows"),
    [
        (PhysicalType.INT32, PhysicalType.INT8, 3),
        (PhysicalType.INT32, PhysicalType.DOUBLE, 3),
        (PhysicalType.INT8, PhysicalType.DICT8, 3),
        (PhysicalType.DICT8, PhysicalType.INT8, 3),
        (PhysicalType.DICT8, PhysicalType.DICT16, 3),
        (PhysicalType.INT8, PhysicalType.BOOLEAN, 3),
        (PhysicalType.UTF8, PhysicalType.DICT8, 3),
        (PhysicalType.INT32, PhysicalType.INT32, 4),
        (PhysicalType.INT32, PhysicalType.INT32, 2),
    ],
)
def test_a_column_of_another_type_or_length_is_refused(
    engine: ChildEngine, stored: PhysicalType, told: PhysicalType, rows: int
) -> None:
    text = stored in (PhysicalType.UTF8, PhysicalType.DICT8)
    job = Computation(
        program=READ,
        columns=(column(told),),
        chunks=((blob(["a", "b", "c"] if text else [1, 2, 3], stored),),),
        rows=(rows,),
        params=None,
        time_limit_s=20,
    )
    with pytest.raises(ProgramFailed, match="an input is not"):
        engine.compute(job)
