"""This file is where a query without groups is planned: filter and project, a row for a row.

Hosts answer as `codegen.projection` says: which rows are selected, and the columns that are
computed; what stands in the data set already is read from there when merging. Rows come in the
order of the data set and are final at once; where the query orders them, the first `rows_max` of
those merged so far are the state, spelled as in `spelling`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cmp_to_key

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct
from msgspec.structs import replace

from grid.chunks import arrow_type, select_rows, to_python
from grid.codegen.columnar import column as stored
from grid.codegen.failures import RowsFailed
from grid.codegen.projection import Projection
from grid.codegen.tree import ColumnRef, Expr
from grid.items import Column, Json
from grid.plan.final import compared
from grid.plan.program import sized
from grid.plan.query import Order, Output
from grid.plan.spelling import spelled, value_of, weight
from grid.plugins.contract import Merged, Part

#: Rows that are kept until the last work unit is merged, and bytes of JSON that they may take.
ROWS_MAX, ROWS_WEIGHT_MAX = 10_000, 8_000_000


class Listing(Struct, frozen=True, kw_only=True):
    """The stages, in order: scan, filter, project, sort, and then how many rows are wanted."""

    columns: tuple[Column, ...]
    where: Expr | None
    outputs: tuple[Output, ...]
    #: Over the data set's columns; rows that it leaves equal stay as they are in the data set.
    order: tuple[Order, ...] = ()
    offset: int = 0
    #: At most ROWS_MAX with `offset` where there is an order.
    limit: int | None = None

    @property
    def cells(self) -> tuple[Expr, ...]:
        """What is known of a row when merging, each once: outputs, and what they are ordered by."""
        chosen = [one.expr for one in self.outputs]
        return tuple(dict.fromkeys([*chosen, *(one.expr for one in self.order)]))

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that are read from the data set when merging."""
        return tuple(one.column.name for one in self.cells if isinstance(one, ColumnRef))

    @property
    def projection(self) -> Projection:
        """What hosts compute."""
        computed = tuple(one for one in self.cells if not isinstance(one, ColumnRef))
        return Projection(where=self.where, expressions=computed)

    @property
    def rows_max(self) -> int | None:
        """How many rows have to be known before the first of them is left out."""
        return None if self.limit is None else self.offset + self.limit

    @property
    def output_columns(self) -> tuple[Column, ...]:
        """The columns of the output; those of the data set as they are in it, but for the name,
        unless rows are sorted.
        """
        return tuple(
            replace(one.expr.column, name=one.name)
            if isinstance(one.expr, ColumnRef) and not self.order
            else stored(one.name, one.expr.type)
            for one in self.outputs
        )

    def program(self) -> str:
        """The program's text; raises SpecError where it would be too long."""
        return sized(self.projection.program(self.columns)).text

    def params(self) -> Json:
        """What the program gets as data."""
        return self.projection.program(self.columns).params

    def start(self) -> Json:
        """The state before the first part."""
        kept: Json = {"kept": []} if self.order else {}
        return {"rows": 0, "failed": 0, **kept}

    def merge(self, state: Json, part: Part, spec: Json) -> Merged:
        """The part's selected rows; the state counts them, and what failed.

        Raises RowsFailed where the job cannot go on, ValueError for no answer to the plan.
        """
        failed, batches = self._selected(part, spec)
        table = pa.Table.from_batches(batches, self._schema)
        counted = {
            "rows": state["rows"] + table.num_rows,
            "failed": state["failed"] + failed,
        }
        if self.order:
            return Merged(state={**counted, "kept": self._sorted(state["kept"], table)})
        first, last = max(0, self.offset - state["rows"]), table.num_rows
        if self.rows_max is not None:
            last = min(last, max(0, self.rows_max - state["rows"]))
        wanted = table.slice(first, max(0, last - first)).combine_chunks()
        rows = self._named([wanted.column(str(place)) for place in self._places()])
        return Merged(state=counted, rows=rows if rows.num_rows else None)

    def end(self, state: Json) -> Merged:
        """The rows that are known only at the end: all, where they are sorted."""
        if not self.order:
            return Merged(state=state, failed=state["failed"])
        rows = state["kept"][self.offset :]
        arrays = [
            pa.array([value_of(row[place], one.expr.type) for row in rows], arrow_type(column))
            for place, one, column in zip(
                self._places(), self.outputs, self.output_columns, strict=True
            )
        ]
        return Merged(state=state, rows=self._named(arrays), failed=state["failed"])

    def _places(self) -> list[int]:
        """Where among the cells each output is."""
        return [self.cells.index(one.expr) for one in self.outputs]

    @property
    def _schema(self) -> pa.Schema:
        columns = [
            one.column if isinstance(one, ColumnRef) else stored("", one.type) for one in self.cells
        ]
        return pa.schema([(str(n), arrow_type(one)) for n, one in enumerate(columns)])

    def _named(self, arrays: Sequence[pa.Array | pa.ChunkedArray]) -> pa.RecordBatch:
        names = [one.name for one in self.outputs]
        whole = [
            one.combine_chunks() if isinstance(one, pa.ChunkedArray) else one for one in arrays
        ]
        return pa.RecordBatch.from_arrays(whole, names=names)

    def _selected(self, part: Part, spec: Json) -> tuple[int, Iterator[pa.RecordBatch]]:
        """How many rows failed, and the cells of each chunk's selected rows."""
        failed, kept = self.projection.parts(part.output, part.rows, part.first_chunk, spec)
        names = list(dict.fromkeys(self.sources))
        some = any("rows" not in one or one["rows"]["count"] for one in part.output["chunks"])
        read = part.source(names) if names and some else iter([None] * len(part.rows))

        def batches() -> Iterator[pa.RecordBatch]:
            for one, source in zip(kept, read, strict=True):
                if names and source is None:
                    continue
                if source is not None and one.rows is not None:
                    source = select_rows(source, one.rows)
                computed = iter(one.arrays)
                arrays = [
                    source.column(cell.column.name)
                    if isinstance(cell, ColumnRef)
                    else next(computed)
                    for cell in self.cells
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=self._schema)

        return failed, batches()

    def _sorted(self, kept: Sequence[Json], table: pa.Table) -> list[Json]:
        """The first of the kept rows and of those of the table."""
        most = self.rows_max or 0
        places = [self.cells.index(one.expr) for one in self.order]
        if most and table.num_rows > most:
            table = table.filter(_foremost(table.column(str(places[0])), self.order[0], most))
        lists = [to_python(table.column(str(n)).combine_chunks()) for n in range(len(self.cells))]
        arrived = [[spelled(value) for value in row] for row in zip(*lists, strict=True)]
        rows = [*kept, *arrived]
        values = [
            [value_of(row[place], self.cells[place].type) for row in rows] for place in places
        ]

        def compare(left: int, right: int) -> int:
            for one, known in zip(self.order, values, strict=True):
                found = compared(one, known[left], known[right])
                if found:
                    return found
            return 0

        chosen = sorted(range(len(rows)), key=cmp_to_key(compare))[:most]
        first = [rows[row] for row in chosen]
        if weight(first) > ROWS_WEIGHT_MAX:
            raise RowsFailed(
                f"the first {len(first)} rows take more than {ROWS_WEIGHT_MAX} bytes until all are "
                "sorted; say a smaller LIMIT, or ask for fewer columns"
            )
        return first


def _foremost(values: pa.ChunkedArray, by: Order, most: int) -> pa.Array:
    """Which rows are not behind `most` others by this key alone."""
    array = values.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.int8())
    if pa.types.is_floating(array.type):
        array = pc.if_else(pc.is_nan(array), float("inf"), array)
    way = "descending" if by.descending else "ascending"
    nulls = "at_start" if by.nulls_first else "at_end"
    return pc.less_equal(pc.rank(array, sort_keys=[("", way, nulls)], tiebreaker="min"), most)
