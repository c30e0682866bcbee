"""This file is where the kernels stand: what is asked, and how a person would write its loop."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from msgspec import Struct

from grid import chunks
from grid.items import Column, LogicalType, PhysicalType

Json = Any

#: Text, dictionary-coded: as many different ones as there are carriers and airports.
CODES = 40
COLUMNS = (
    Column(name="x", type=LogicalType.DOUBLE, physical=PhysicalType.DOUBLE, nullable=False),
    Column(name="n", type=LogicalType.INT64, physical=PhysicalType.INT32, nullable=False),
    Column(name="k", type=LogicalType.INT64, physical=PhysicalType.INT8, nullable=False),
    Column(name="big", type=LogicalType.INT64, physical=PhysicalType.INT64, nullable=False),
    Column(name="y", type=LogicalType.DOUBLE, physical=PhysicalType.DOUBLE, nullable=True),
    Column(name="g", type=LogicalType.TEXT, physical=PhysicalType.DICT8, nullable=False),
    Column(name="t", type=LogicalType.TEXT, physical=PhysicalType.UTF8, nullable=False),
    Column(name="b", type=LogicalType.BOOLEAN, physical=PhysicalType.BOOLEAN, nullable=False),
)
DICTIONARY = [f"carrier {number:02}" for number in range(CODES)]


class Kernel(Struct, frozen=True, kw_only=True):
    """One question, and what it is measured against."""

    job_type: str
    spec: Json
    #: The loop that a person would write: `(inputs, kit) => …`; inputs have the columns it names.
    hand: str = ""
    #: The same without exactness.
    naive: str = ""
    #: What DuckDB is asked, and how fast we are beside it, at least.
    query: str = ""
    beside_duckdb: float | None = None
    beside_hand: float | None = 0.9
    reads: tuple[str, ...] = ()


_LOOP = """(inputs, kit) => {{
  {before}
  for (const chunk of inputs) {{
    const count = chunk.rows;
    {columns}
    {start}
    for (let i = 0; i < count; i++) {{ {row} }}
    {end}
  }}
  return {result};
}}"""


def _loop(
    *names: str, row: str, result: str, before: str = "", start: str = "", end: str = ""
) -> str:
    columns = "".join(
        f"const {name} = chunk.columns[{place}].values;" for place, name in enumerate(names)
    )
    return _LOOP.format(
        columns=columns, row=row, result=result, before=before, start=start, end=end
    )


#: Whole numbers of 32 bits from the two halves of each double, into bins by exponent.
_BINS = """
    const low = words[2 * i], high = words[2 * i + 1];
    const power = (high >>> 20) & 2047;
    const sign = 1 - ((high >>> 31) << 1);
    lows[power] += sign * (low >>> 0);
    highs[power] += sign * (((power > 0) << 20) | (high & 1048575));
"""
KERNELS: Mapping[str, Kernel] = {
    "SUM double": Kernel(
        job_type="SUM",
        spec={"column": "x"},
        reads=("x",),
        hand=_loop(
            "x",
            row=_BINS,
            before="let total = 0n;",
            start="const lows = new Float64Array(2048), highs = new Float64Array(2048);"
            "const words = new Int32Array(x.buffer, x.byteOffset, 2 * count);",
            end="total += kit.exact(lows, highs);",
            result="total",
        ),
        naive=_loop("x", row="total += x[i];", before="let total = 0;", result="total"),
        query="SELECT sum(x) FROM data",
        beside_duckdb=0.5,
    ),
    "SUM integer": Kernel(
        job_type="SUM",
        spec={"column": "n"},
        reads=("n",),
        hand=_loop("n", row="total += n[i];", before="let total = 0;", result="total"),
        query="SELECT sum(n) FROM data",
    ),
    "MIN double": Kernel(
        job_type="MIN",
        spec={"column": "x"},
        reads=("x",),
        hand=_loop(
            "x",
            row="if (x[i] < least || least !== least) least = x[i];",
            before="let least = NaN;",
            result="least",
        ),
        query="SELECT min(x) FROM data",
        beside_duckdb=1.2,
        beside_hand=None,
    ),
    "filter": Kernel(
        job_type="filterBy",
        spec={"where": "x > 0.25 AND k = 3"},
        reads=("x", "k"),
        hand=_loop(
            "x",
            "k",
            row="hits[i] = (x[i] > 0.25) & (k[i] === 3);",
            before="const found = [];",
            start="const hits = new Uint8Array(count);",
            end="found.push(kit.selection(hits));",
            result="found",
        ),
        query="SELECT count(*) FROM data WHERE x > 0.25 AND k = 3",
        beside_duckdb=1.5,
    ),
    "GROUP BY": Kernel(
        job_type="groupBy",
        spec={
            "by": ["g"],
            "aggregates": [{"function": "COUNT"}, {"function": "SUM", "column": "n"}],
        },
        reads=("n", "g"),
        hand=_loop(
            "n",
            "g",
            row="counts[g[i]] += 1; sums[g[i]] += n[i];",
            before="const counts = new Float64Array(128), sums = new Float64Array(128);",
            result="[counts, sums]",
        ),
        query="SELECT g, count(*), sum(n) FROM data GROUP BY g",
        beside_duckdb=2.0,
    ),
    "clean text": Kernel(
        job_type="select",
        spec={"columns": [{"expression": "replace(lower(trim(t)), ' ', '')", "as": "clean"}]},
        reads=("t",),
        hand=_loop(
            "t",
            row="out.push(t[i].trim().toLowerCase().replaceAll(' ', ''));",
            before="const out = [];",
            result="out",
        ),
        query="SELECT sum(length(replace(lower(trim(t)), ' ', ''))) FROM data",
        beside_duckdb=0.6,
        beside_hand=None,
    ),
    "eight columns": Kernel(
        job_type="filterBy",
        spec={"where": "x > 0 OR n > 0 OR k > 0 OR big > 0 OR y > 0 OR g = 'a' OR t = 'a' OR b"},
        reads=tuple(column.name for column in COLUMNS),
        beside_hand=None,
    ),
}


def table(rows: int, seed: int) -> pa.RecordBatch:
    """Rows of every type, in their physical types."""
    chance = random.Random(seed)  # noqa: S311 - the same in each run
    plain: dict[str, Sequence[object]] = {
        "x": [chance.gauss(0, 1) * 10 ** chance.randint(-3, 6) for _ in range(rows)],
        "n": [chance.randint(-(10**6), 10**6) for _ in range(rows)],
        "k": [chance.randrange(8) for _ in range(rows)],
        "big": [chance.randint(-(2**62), 2**62) for _ in range(rows)],
        "y": [None if chance.random() < 0.1 else chance.random() for _ in range(rows)],
        "g": [chance.choice(DICTIONARY) for _ in range(rows)],
        "t": [f" Name {chance.randrange(10**6)} of a Person " for _ in range(rows)],
        "b": [chance.random() < 0.01 for _ in range(rows)],
    }
    words = pa.array(DICTIONARY)
    arrays = [
        chunks.cast(pa.array(plain[column.name], _GIVEN[column.type]), column, words)
        for column in COLUMNS
    ]
    return pa.record_batch(arrays, names=[column.name for column in COLUMNS])


_GIVEN = {
    LogicalType.INT64: pa.int64(),
    LogicalType.DOUBLE: pa.float64(),
    LogicalType.BOOLEAN: pa.bool_(),
    LogicalType.TEXT: pa.utf8(),
}
