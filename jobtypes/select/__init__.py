"""This package is where select stands: chosen and computed columns of the rows of a data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from grid.chunks import select_rows
from grid.codegen import columnar, projection
from grid.codegen.build import Place
from grid.codegen.build import column as find
from grid.codegen.condition import condition
from grid.codegen.parse import expression
from grid.codegen.projection import Projection
from grid.codegen.tree import ColumnRef, Expr
from grid.items import Column, Json
from grid.plugins.contract import (
    OUTPUT_BYTES_LIMIT,
    Chunk,
    JobType,
    Merged,
    OutputError,
    Part,
    hookimpl,
)


class Chosen(Struct, frozen=True, kw_only=True):
    """One column of the output."""

    column: Column
    #: Name of the source's column that it is; None for a computed one.
    source: str | None = None
    expression: Expr | None = None


class Select(JobType):
    """Hosts compute; columns that pass through unchanged are read from the source when merging."""

    output_bytes_max = OUTPUT_BYTES_LIMIT

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        return _projection(spec, columns).reads(columns)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        return tuple(one.column for one in _chosen(spec, columns))

    def output_bytes(self, spec: Json, columns: Sequence[Column], rows: Sequence[int]) -> int:
        return _projection(spec, columns).bytes(rows)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _projection(spec, columns).program(columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _projection(spec, columns).program(columns).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        return _projection(spec, columns).reference(columns, chunks)

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        wanted = {"where", "criterias"} & spec.keys()
        computed = {len(one["columns"]) for one in output["chunks"]}
        most = sum(isinstance(one, dict) and "expression" in one for one in spec["columns"])
        if len(computed) > 1 or max(computed, default=0) > most:
            raise OutputError("more columns than expressions, or not the same for all chunks")
        try:
            projection.check(output, rows, expressions=max(computed, default=0), where=bool(wanted))
        except ValueError as error:
            raise OutputError(str(error)) from error

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"rows": 0, "failed": 0}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        """The part's rows, which are final; the state counts them, and what failed."""
        chosen = _chosen(spec, columns)
        failed, kept = _projection(spec, columns).parts(
            part.output, part.rows, part.first_chunk, spec
        )
        batches = [batch for batch in _rows(chosen, part, kept) if batch.num_rows]
        rows = pa.concat_batches(batches) if batches else None
        found = 0 if rows is None else rows.num_rows
        state = {"rows": state["rows"] + found, "failed": state["failed"] + failed}
        return Merged(state=state, rows=rows)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        return Merged(state=state, failed=state["failed"])


def _chosen(spec: Mapping[str, Json], columns: Sequence[Column]) -> list[Chosen]:
    found: list[Chosen] = []
    for number, one in enumerate(spec["columns"]):
        pointer = f"/columns/{number}"
        said = {"column": one} if isinstance(one, str) else one
        made = _computed(said, columns, pointer) if "expression" in said else None
        if made is None or isinstance(made, ColumnRef):
            at = pointer if isinstance(one, str) else f"{pointer}/column"
            source = (
                find(said["column"], columns, Place(at)).column if made is None else made.column
            )
            column = replace(source, name=said.get("as", source.name))
            found.append(Chosen(column=column, source=source.name))
        else:
            try:
                column = columnar.column(said["as"], made.type)
            except KeyError:
                place = Place(f"{pointer}/expression")
                raise place.refuse(f"a column cannot be of type {made.type}: CAST it") from None
            found.append(Chosen(column=column, expression=made))
        if found[-1].column.name in [before.column.name for before in found[:-1]]:
            raise Place(pointer).refuse(f"{found[-1].column.name!r} is chosen twice: name it by as")
    return found


def _computed(said: Mapping[str, Json], columns: Sequence[Column], pointer: str) -> Expr:
    return expression(said["expression"], columns, f"{pointer}/expression")


def _projection(spec: Mapping[str, Json], columns: Sequence[Column]) -> Projection:
    made = [one.expression for one in _chosen(spec, columns)]
    return Projection(
        where=condition(spec, columns), expressions=tuple(one for one in made if one is not None)
    )


def _rows(
    chosen: Sequence[Chosen], part: Part, kept: Iterator[projection.Kept]
) -> Iterator[pa.RecordBatch]:
    """The output's rows of each chunk."""
    sources = list(dict.fromkeys(one.source for one in chosen if one.source is not None))
    batches = part.source(sources) if sources else iter([None] * len(part.rows))
    names = [one.column.name for one in chosen]
    for one, batch in zip(kept, batches, strict=True):
        if batch is not None and one.rows is not None:
            batch = select_rows(batch, one.rows)
        computed = iter(one.arrays)
        arrays = [
            next(computed) if each.source is None else batch.column(each.source) for each in chosen
        ]
        yield pa.RecordBatch.from_arrays(arrays, names=names)


@hookimpl
def grid_job_type() -> JobType:
    """select."""
    return Select()
