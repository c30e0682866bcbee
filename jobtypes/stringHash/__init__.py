"""This package is where stringHash stands: the hash h = 31 h + unit of texts, and of hashes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import cast

import pyarrow as pa

from grid.codegen.build import Place
from grid.codegen.condition import named_column
from grid.codegen.program import indented
from grid.items import Column, Json, LogicalType, PhysicalType
from grid.plugins.contract import (
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    Points,
    hookimpl,
)

#: Rows of a work unit: their hashes, twelve digits each, are an answer of 60 kB at most.
ROWS_PER_WORKUNIT_MAX = 4_000
#: What a round over a short text takes a browser of 2024.
ROUND_NS = 150
#: The columns whose values are codes into a dictionary.
CODED = frozenset({PhysicalType.DICT8, PhysicalType.DICT16})


class StringHash(JobType):
    """A point is a row; a work unit's answer is the list of its rows' hashes."""

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return (_column(spec, columns).name,)

    def points(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> Points:
        return Points(
            count=sum(rows),
            point_ns=_rounds(spec) * ROUND_NS,
            per_workunit_max=ROWS_PER_WORKUNIT_MAX,
        )

    def chunks_needed(
        self, spec: Json, columns: Sequence[Column], rows: Sequence[int], first: int, count: int
    ) -> Sequence[int]:
        """Those that hold the rows."""
        ends = list(accumulate(rows))
        return [
            chunk
            for chunk, end in enumerate(ends)
            if first < end and end - rows[chunk] < first + count
        ]

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """`text` and its `hash`."""
        text, whole = LogicalType.TEXT, LogicalType.INT64
        return (
            Column(name="text", type=text, physical=PhysicalType.UTF8, nullable=True),
            Column(name="hash", type=whole, physical=PhysicalType.INT64, nullable=True),
        )

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(_column(spec, columns))

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"literals": [str(_rounds(spec) - 1), ""]}

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        name, (points, *tables) = _column(spec, columns).name, chunks
        texts: dict[int, object] = {}
        for first, table in zip(points["first_rows"], tables, strict=True):
            texts.update(enumerate(table[name], cast("int", first)))
        return {
            "hashes": [_hash(texts[cast("int", row)], _rounds(spec)) for row in points["index"]]
        }

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if len(output["hashes"]) != rows[0]:
            raise OutputError("/hashes: one for each row")
        for number, text in enumerate(output["hashes"]):
            if text and not -(2**31) <= int(text) < 2**31:
                raise OutputError(f"/hashes/{number}: more than 32 bits")

    def cost(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        """Rounds over rows."""
        return max(1, rows[0] * _rounds(spec))

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return None

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        name = _column(spec, columns).name
        texts = [batch.column(name).cast(pa.utf8()) for batch in part.source([name])]
        passed = part.first_chunk - part.first_rows[0]
        text = pa.concat_arrays(texts).slice(passed, part.rows[0])
        hashes = [int(one) if one else None for one in part.output["hashes"]]
        rows = pa.record_batch([text, pa.array(hashes, pa.int64())], names=["text", "hash"])
        return Merged(state=state, rows=rows)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        return Merged(state=state)


def _column(spec: Mapping[str, Json], columns: Sequence[Column]) -> Column:
    column = named_column(spec, "column", columns)
    if column.type is not LogicalType.TEXT:
        raise Place("/column").refuse(f"{column.name!r} holds {column.type}, not text")
    return column


def _rounds(spec: Mapping[str, Json]) -> int:
    return int(spec.get("rounds", 1))


def _hash(value: object, rounds: int) -> str:
    """After so many rounds, as decimal digits; none for NULL."""
    if value is None:
        return ""
    text = str(value)
    for _ in range(rounds):
        total = 0
        spelled = text.encode("utf-16-le")
        for low, high in zip(spelled[::2], spelled[1::2], strict=True):
            total = (31 * total + low + 256 * high) % 2**32
        text = str((total + 2**31) % 2**32 - 2**31)
    return text


def _program(column: Column) -> str:
    value = "values[i]"
    if column.physical in CODED:
        value = "words[values[i] & 65535]"
    known = "(validity[i >> 3] >> (i & 7)) & 1" if column.nullable else "1"
    lines = [
        "(function (inputs, params, kit) {",
        '"use strict";',
        "const literals = params.literals;",
        "const further = kit.times(literals[0]);",
        "const nothing = kit.text(literals[1]);",
        "const points = inputs[0];",
        "const first = points.first;",
        "const end = first + points.rows;",
        "const chunks = inputs.length;",
        "const hashes = kit.list();",
        "for (let j = 0; j < chunks; j++) {",
        "if (j > 0) {",
        "const chunk = inputs[j];",
        "const count = chunk.rows;",
        "const start = chunk.first;",
        "const columns = chunk.columns;",
        "const column = columns[0];",
        "const values = column.values;",
        *(["const words = kit.strings(column.dictionary);"] if column.physical in CODED else []),
        *(["const validity = column.validity;"] if column.nullable else []),
        "for (let i = 0; i < count; i++) {",
        "if ((start + i >= first) & (start + i < end)) {",
        "let spelled = nothing;",
        f"if ({known}) {{",
        f"const text = {value};",
        "const size = text.length;",
        "let hash = 0;",
        "for (let k = 0; k < size; k++) {",
        "hash = ((hash << 5) - hash + kit.unit(text, k)) | 0;",
        "}",
        "spelled = kit.decimal(kit.widen(hash));",
        "for (let n = 0; n < further; n++) {",
        "const digits = kit.text(spelled);",
        "const width = digits.length;",
        "let again = 0;",
        "for (let m = 0; m < width; m++) {",
        "again = ((again << 5) - again + kit.unit(digits, m)) | 0;",
        "}",
        "spelled = kit.decimal(kit.widen(again));",
        "}",
        "}",
        "kit.push(hashes, spelled);",
        "}",
        "}",
        "}",
        "}",
        "return {hashes: hashes};",
        "})",
    ]
    return indented(lines)


@hookimpl
def grid_job_type() -> JobType:
    """stringHash."""
    return StringHash()
