"""This file is where computed columns travel: rows kept by a condition, expressions over each.

How to use it, from a job type:

    projection = Projection(where, expressions)
    reads     →  projection.reads(columns)
    program   →  projection.program(columns): a `Program` with its text and params
    reference →  projection.reference(columns, chunks)
    check_output   →  check(output, rows, expressions=n, where=True): what needs no types, bounded
    merge     →  projection.parts(output, rows, first_chunk, spec), chunk by chunk: the rows kept,
                 and an Arrow array for each expression

The output is `{"chunks": [{"rows": selection, "columns": [column, …]}, …]}`, with `failed` where a
row can fail (`grid.codegen.failures`), without `rows` where there is no condition. Columns are
spelled as `grid.codegen.columnar` says; `OUTPUT_SCHEMA` is the JSON Schema of all that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from msgspec import Struct

from grid.chunks import arrow_type
from grid.codegen import columnar, failures, selection
from grid.codegen.cells import Form
from grid.codegen.failing import failing, sites
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.codegen.reference import evaluated
from grid.codegen.tree import Expr, reads
from grid.codegen.types import Kind
from grid.items import Column, Json

#: Kind of an expression → what spells it in the kit; whole numbers are all others.
_SPELLERS = {Kind.DOUBLE: "doubles", Kind.BOOLEAN: "flags", Kind.TEXT: "utf8"}
#: What an output takes beside its columns: keys, quotes and selections of a chunk, and of all.
CHUNK_BYTES, OUTPUT_BYTES, COLUMN_BYTES = 64, 200, 80

Chunk = Mapping[str, Sequence[object]]


class Kept(Struct, frozen=True, kw_only=True):
    """One chunk's part of an output."""

    #: The rows kept, as `chunks.select_rows` takes them; None for all.
    rows: bytes | list[int] | None
    #: The expressions' values in those rows.
    arrays: tuple[pa.Array, ...]


class Projection(Struct, frozen=True, kw_only=True):
    """Rows that satisfy a condition, and what expressions give for them."""

    where: Expr | None
    #: Each of a type that a column can have (`columnar.column`).
    expressions: tuple[Expr, ...]

    def reads(self, columns: Sequence[Column]) -> tuple[str, ...]:
        """The columns that the program needs; the first one where it needs none."""
        return reads(columns, self.where, *self.expressions) or (columns[0].name,)

    def program(self, columns: Sequence[Column]) -> Program:
        """The program over these columns of the data set."""
        names = self.reads(columns)
        frame = Frame([one for one in columns if one.name in names], self.where, *self.expressions)
        rows = Rows(frame)
        keep = rows.keep(self.where)
        guarded = [(expr, keep) for expr in self.expressions]
        failed = failures.counting(rows, (self.where, "1"), *guarded)
        adding = [self._adding(rows, place) for place in range(len(self.expressions))]
        lines = [*rows.lines, *failed.rows]
        if self.where is None:
            lines += adding
        else:
            lines += [f"hits[i] = {keep};", f"if ({keep}) {{", *adding, "}"]
        start, end = ["const outs = kit.list();"], []
        for place, expr in enumerate(self.expressions):
            made = "textcolumn" if expr.kind is Kind.TEXT else "column"
            start.append(f"const out{place} = kit.{made}();")
            end.append(f"kit.push(outs, kit.{_SPELLERS.get(expr.kind, 'wholes')}(out{place}));")
        hits = "" if self.where is None else "rows: kit.selection(hits), "
        start += [] if self.where is None else ["const hits = kit.bytes(count);"]
        return assemble(
            frame,
            before=["const answers = kit.list();", *failed.before],
            start=start,
            rows=lines,
            end=[*end, f"kit.push(answers, {{{hits}columns: outs}});"],
            result=f"{{{failed.pair}chunks: answers}}",
        )

    def _adding(self, rows: Rows, place: int) -> str:
        expr = self.expressions[place]
        cell = rows.cell(expr)
        flag, _ = rows.fault((expr, "1"))
        asked = [*cell.valid, *([] if flag == "0" else [f"!{flag}"])]
        function = "puttext" if cell.form is Form.TEXT else "put"
        known = " & ".join(asked) or "1"
        return f"kit.{function}(out{place}, {cell.text}, {known});"

    def reference(self, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        """The program's answer, by other code."""
        numbers = failing(self.where, *self.expressions)
        answers, counted = [], []
        for chunk in chunks:
            count = len(next(iter(chunk.values())))
            hits, faults = [True] * count, dict[int, int]()
            if self.where is not None:
                values, faults = evaluated(self.where, chunk, count, numbers)
                hits = [one is True and row not in faults for row, one in enumerate(values)]
            spelled = []
            for expr in self.expressions:
                values, failed = evaluated(expr, chunk, count, numbers)
                for row, number in failed.items():
                    if hits[row]:
                        faults[row] = min(number, faults.get(row, number))
                kept = [
                    None if row in failed else value
                    for row, value in enumerate(values)
                    if hits[row]
                ]
                spelled.append(columnar.spell(kept, expr.type))
            answer = {} if self.where is None else {"rows": selection.spell(hits)}
            answers.append(answer | {"columns": spelled})
            counted.append(faults)
        output = {"chunks": answers}
        if numbers:
            output[failures.FIELD] = failures.counted(counted)
        return output

    def parts(
        self, output: Json, rows: Sequence[int], first_chunk: int, spec: Json
    ) -> tuple[int, Iterator[Kept]]:
        """How many rows failed, and what each chunk gave.

        Raises RowsFailed unless the spec forgives failures, and ValueError for an answer whose
        columns are not of the expressions' types.
        """
        places = sites(self.where, *self.expressions)
        failed = failures.forgiven(output, places, first_chunk, spec)
        wanted = [arrow_type(columnar.column("", expr.type)) for expr in self.expressions]

        def kept() -> Iterator[Kept]:
            for one, count in zip(output["chunks"], rows, strict=True):
                picked, left = _rows(one, count)
                arrays = tuple(
                    columnar.fit(columnar.read(column, left), expr.type, into)
                    for column, expr, into in zip(
                        one["columns"], self.expressions, wanted, strict=True
                    )
                )
                yield Kept(rows=picked, arrays=arrays)

        return failed, kept()

    def bytes(self, rows: Sequence[int]) -> int:
        """How large an output for chunks of so many rows is, if every row is kept."""
        each = sum(columnar.size(expr.type) for expr in self.expressions)
        chunk = CHUNK_BYTES + COLUMN_BYTES * len(self.expressions)
        kept = 0 if self.where is None else sum(rows) // 6
        return OUTPUT_BYTES + chunk * len(rows) + each * sum(rows) + kept


def check(output: Json, rows: Sequence[int], *, expressions: int, where: bool) -> None:
    """Raise ValueError unless an output could be for chunks of so many rows; bounded by its size.

    It has passed OUTPUT_SCHEMA. Types are looked at when it is merged.
    """
    if len(output["chunks"]) != len(rows):
        raise ValueError(f"{len(output['chunks'])} answers for {len(rows)} chunks")
    for number, (one, count) in enumerate(zip(output["chunks"], rows, strict=True)):
        try:
            if ("rows" in one) is not where or len(one["columns"]) != expressions:
                raise ValueError("not the parts that are due")
            _, left = _rows(one, count)
            for column in one["columns"]:
                columnar.read(column, left)
        except (ValueError, pa.ArrowException) as error:
            raise ValueError(f"/chunks/{number}: {error}") from error
    failures.check(output, rows)


def _rows(one: Json, count: int) -> tuple[bytes | list[int] | None, int]:
    if "rows" not in one:
        return None, count
    return selection.read(one["rows"], count), one["rows"]["count"]


_BASE64 = {"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$"}
_COUNT = {"type": "integer", "minimum": 0}


def _object(required: Sequence[str], **properties: Json) -> Json:
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": properties,
    }


_SELECTION = {
    **_object(["count"], count=_COUNT, deltas=_BASE64, bitmap=_BASE64),
    "oneOf": [{"required": ["deltas"]}, {"required": ["bitmap"]}],
}
_COLUMN = _object(
    ["kind", "valid", "values"],
    kind={"enum": ["whole", "double", "flag", "text"]},
    valid=_BASE64,
    sizes=_BASE64,
    values=_BASE64,
)
_FAILED = {
    **_object(["rows", "chunk", "row", "site"], rows={"type": "integer", "minimum": 1},
              chunk=_COUNT, row=_COUNT, site={"type": "integer", "minimum": 1}),
    "type": ["object", "null"],
}  # fmt: skip
#: What an output looks like; a job type's `output.schema.json` holds it.
OUTPUT_SCHEMA: Json = _object(
    ["chunks"],
    chunks={
        "type": "array",
        "items": _object(["columns"], rows=_SELECTION, columns={"type": "array", "items": _COLUMN}),
    },
    failed=_FAILED,
)
