"""This package is where filterBy stands: the rows of a data set that satisfy a condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pluggy
import pyarrow as pa

from grid.chunks import select_rows
from grid.codegen import failures, selection
from grid.codegen.build import Place
from grid.codegen.build import column as find
from grid.codegen.condition import condition
from grid.codegen.failing import sites
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.codegen.reference import selected
from grid.codegen.tree import reads
from grid.items import Column, Json
from grid.plugins.contract import Chunk, JobType, Merged, OutputError, Part


class FilterBy(JobType):
    """Hosts answer which rows match; the rows themselves are read from the source when merging."""

    def reads(self, spec: Json, columns: Sequence[Column]) -> tuple[str, ...]:
        self.output_columns(spec, columns)
        return _reads(spec, columns)

    def output_columns(self, spec: Json, columns: Sequence[Column]) -> tuple[Column, ...]:
        """The chosen columns as they are in the data set, physical types included."""
        if "columns" not in spec:
            return tuple(columns)
        chosen = [
            find(name, columns, Place(f"/columns/{number}")).column
            for number, name in enumerate(spec["columns"])
        ]
        for number, column in enumerate(chosen):
            if column in chosen[:number]:
                raise Place(f"/columns/{number}").refuse(f"{column.name!r} is chosen twice")
        return tuple(chosen)

    def program(self, spec: Json, columns: Sequence[Column]) -> str:
        return _program(spec, columns).text

    def params(self, spec: Json, columns: Sequence[Column]) -> Json:
        return _program(spec, columns).params

    def reference(self, spec: Json, columns: Sequence[Column], chunks: Sequence[Chunk]) -> Json:
        where = condition(spec, columns)
        found = [selected(where, chunk, _rows(chunk)) for chunk in chunks]
        output = {"chunks": [selection.spell(hits) for hits, _ in found]}
        if sites(where):
            output[failures.FIELD] = failures.counted([faults for _, faults in found])
        return output

    def check_output(self, spec: Json, rows: Sequence[int], output: Json) -> None:
        if len(output["chunks"]) != len(rows):
            raise OutputError(f"{len(output['chunks'])} selections for {len(rows)} chunks")
        for number, (part, count) in enumerate(zip(output["chunks"], rows, strict=True)):
            try:
                selection.read(part, count)
            except ValueError as error:
                raise OutputError(f"/chunks/{number}: {error}") from error
        try:
            failures.check(output, rows)
        except ValueError as error:
            raise OutputError(str(error)) from error

    def merge_start(self, spec: Json, columns: Sequence[Column]) -> Json:
        return {"rows": 0, "failed": 0}

    def merge(self, spec: Json, columns: Sequence[Column], state: Json, part: Part) -> Merged:
        """The part's selected rows, which are final; the state counts them, and what failed."""
        names = [column.name for column in self.output_columns(spec, columns)]
        failed = failures.forgiven(
            part.output, sites(condition(spec, columns)), part.first_chunk, spec
        )
        batches = list(_selected(part, names))
        found = sum(batch.num_rows for batch in batches)
        rows = pa.concat_batches(batches) if batches else None
        state = {"rows": state["rows"] + found, "failed": state["failed"] + failed}
        return Merged(state=state, rows=rows)

    def merge_end(self, spec: Json, columns: Sequence[Column], state: Json) -> Merged:
        return Merged(state=state, failed=state["failed"])


def _reads(spec: Mapping[str, Json], columns: Sequence[Column]) -> tuple[str, ...]:
    """The columns of the condition; the first one when it names none, to know the rows."""
    return reads(columns, condition(spec, columns)) or (columns[0].name,)


def _program(spec: Mapping[str, Json], columns: Sequence[Column]) -> Program:
    names, where = _reads(spec, columns), condition(spec, columns)
    frame = Frame([column for column in columns if column.name in names], where)
    rows = Rows(frame)
    keep = rows.keep(where)
    failed = failures.counting(rows, (where, "1"))
    return assemble(
        frame,
        before=["const answers = kit.list();", *failed.before],
        start=["const hits = kit.bytes(count);"],
        rows=[*rows.lines, *failed.rows, f"hits[i] = {keep};"],
        end=["kit.push(answers, kit.selection(hits));"],
        result=f"{{{failed.pair}chunks: answers}}",
    )


def _rows(chunk: Chunk) -> int:
    return len(next(iter(chunk.values())))


def _selected(part: Part, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The selected rows of each chunk that has any."""
    picks = part.output["chunks"]
    if not any(pick["count"] for pick in picks):
        return
    for pick, rows, batch in zip(picks, part.rows, part.source(names), strict=True):
        if pick["count"]:
            yield select_rows(batch, selection.read(pick, rows))


@pluggy.HookimplMarker("grid")
def grid_job_type() -> JobType:
    """filterBy."""
    return FilterBy()
