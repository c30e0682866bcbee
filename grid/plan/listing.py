"""This file is where a query without groups is planned: filter and project, a row for a row.

Hosts answer which rows are selected, as filterBy does, and the values of columns that are computed;
what stands in the data set already is read from there when merging.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
from msgspec import Struct

from grid.chunks import arrow_type, select_rows
from grid.codegen import failures, selection
from grid.codegen.failing import Site, failing, sites
from grid.codegen.failures import RowsFailed
from grid.codegen.frame import Frame
from grid.codegen.javascript import Rows
from grid.codegen.program import Program, assemble
from grid.codegen.reference import Chunk, Faults, evaluated, selected
from grid.codegen.tree import ColumnRef, Expr, reads
from grid.items import Column, Json
from grid.plan.grouping import SPELLED
from grid.plan.program import sized
from grid.plan.query import Output, stored
from grid.plan.spelling import spelled, value_of, weight
from grid.plugins.contract import Merged, Part

#: Bytes of JSON that computed values of a work unit may take; which rows it selects comes beside.
VALUES_WEIGHT_MAX = 40_000


class Listing(Struct, frozen=True, kw_only=True):
    """The stages, in order: scan, filter, project, and then how many rows are wanted."""

    columns: tuple[Column, ...]
    where: Expr | None
    outputs: tuple[Output, ...]
    offset: int = 0
    limit: int | None = None

    @property
    def computed(self) -> tuple[Expr, ...]:
        """The expressions that hosts compute."""
        return tuple(one.expr for one in self.outputs if not isinstance(one.expr, ColumnRef))

    @property
    def expressions(self) -> tuple[Expr | None, ...]:
        """All that is computed of a row, in the order in which its failures count."""
        return (self.where, *self.computed)

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns its hosts need; the first one when they need none, to know the rows."""
        return reads(self.columns, *self.expressions) or (self.columns[0].name,)

    @property
    def sites(self) -> tuple[Site, ...]:
        """Where a row can fail."""
        return sites(*self.expressions)

    @property
    def output_columns(self) -> tuple[Column, ...]:
        """The columns of the output; those of the data set as they are in it, but for the name."""
        return tuple(
            _renamed(one.expr.column, one.name)
            if isinstance(one.expr, ColumnRef)
            else stored(one.name, one.expr.type)
            for one in self.outputs
        )


def program(listing: Listing) -> Program:
    """The program of a listing; raises SpecError where it would be too long."""
    names = listing.reads
    frame = Frame([one for one in listing.columns if one.name in names], *listing.expressions)
    rows = Rows(frame)
    keep = rows.keep(listing.where)
    lists, pushed = [], []
    for expr in listing.computed:
        cell = rows.cell(expr)
        fault, _ = rows.fault((expr, "1"))
        known = [*cell.valid, *([] if fault == "0" else [f"!{fault}"])]
        name, shown = frame.name("z"), SPELLED[cell.form].format(cell.text)
        lists.append(name)
        made = f"{' & '.join(known)} ? {shown} : null" if known else shown
        pushed.append(f"kit.push({name}, {made});")
    if pushed and keep != "1":
        pushed = [f"if ({keep}) {{", *pushed, "}"]
    failed = failures.counting(
        rows, (listing.where, "1"), *((expr, keep) for expr in listing.computed)
    )
    made_program = assemble(
        frame,
        before=[
            "const answers = kit.list();",
            *(f"const {name} = kit.list();" for name in lists),
            *failed.before,
        ],
        start=["const hits = kit.bytes(count);"],
        rows=[*rows.lines, *failed.rows, f"hits[i] = {keep};", *pushed],
        end=["kit.push(answers, kit.selection(hits));"],
        after=[
            "const values = kit.list();",
            *(f"kit.push(values, {name});" for name in lists),
            f"const refused = kit.weight(values) > {VALUES_WEIGHT_MAX} ? 2 : 0;",
        ],
        result=f"{{{failed.pair}full: refused, chunks: refused === 0 ? answers : kit.list(), "
        "values: refused === 0 ? values : kit.list()}",
    )
    return sized(made_program)


def reference(listing: Listing, chunks: Sequence[Chunk]) -> Json:
    """What a host answers for these chunks, computed in Python."""
    numbers = failing(*listing.expressions)
    answers: list[Json] = []
    values: list[list[Json]] = [[] for _ in listing.computed]
    faults: list[Faults] = []
    for chunk in chunks:
        rows = len(next(iter(chunk.values())))
        hits, failed = selected(listing.where, chunk, rows)
        answers.append(selection.spell(hits))
        keep = [row for row, hit in enumerate(hits) if hit]
        for expr, into in zip(listing.computed, values, strict=True):
            found, wrong = evaluated(expr, chunk, rows, numbers)
            into += [None if row in wrong else spelled(found[row]) for row in keep]
            for row in set(keep) & set(wrong):
                failed[row] = min(wrong[row], failed.get(row, wrong[row]))
        faults.append(failed)
    full = 2 if weight(values) > VALUES_WEIGHT_MAX else 0
    output: Json = {"full": full, "chunks": answers, "values": values}
    if full:
        output |= {"chunks": [], "values": []}
    if listing.sites:
        output[failures.FIELD] = failures.counted(faults)
    return output


def check(output: Json, rows: Sequence[int]) -> None:
    """Raise ValueError unless an honest program could answer so, as `merging.check`."""
    if output["full"]:
        if output["chunks"] or output["values"]:
            raise ValueError("/full: and still there are rows")
    elif len(output["chunks"]) != len(rows):
        raise ValueError(f"{len(output['chunks'])} selections for {len(rows)} chunks")
    else:
        for part, count in zip(output["chunks"], rows, strict=True):
            selection.read(part, count)
        found = sum(part["count"] for part in output["chunks"])
        for values in output["values"]:
            kinds = {type(value) for value in values}
            if len(values) != found or not kinds <= {str, bool, type(None)}:
                raise ValueError("/values: a value for each row is needed")
    failures.check(output, rows)


def merge(listing: Listing, state: Json, part: Part, spec: Json) -> Merged:
    """The part's selected rows, which are final; the state counts them, and what failed."""
    failed = failures.forgiven(part.output, listing.sites, part.first_chunk, spec)
    if part.output["full"]:
        raise RowsFailed(
            f"the computed columns of the work unit at chunk {part.first_chunk} take more than "
            f"{VALUES_WEIGHT_MAX} bytes; select fewer rows, compute less, or upload the data set "
            "in smaller chunks"
        )
    batch = _rows(listing, part)
    first = max(0, listing.offset - state["rows"])
    last = batch.num_rows
    if listing.limit is not None:
        last = min(last, max(0, listing.offset + listing.limit - state["rows"]))
    wanted = batch.slice(first, max(0, last - first))
    state = {"rows": state["rows"] + batch.num_rows, "failed": state["failed"] + failed}
    return Merged(state=state, rows=wanted if wanted.num_rows else None)


def _rows(listing: Listing, part: Part) -> pa.RecordBatch:
    """All that the part selected."""
    picks = part.output["chunks"]
    plain = [one.expr.column.name for one in listing.outputs if isinstance(one.expr, ColumnRef)]
    kept: dict[str, list[pa.Array]] = {name: [] for name in plain}
    if plain and any(pick["count"] for pick in picks):
        names = list(dict.fromkeys(plain))
        for pick, rows, batch in zip(picks, part.rows, part.source(names), strict=True):
            chosen = select_rows(batch, selection.read(pick, rows))
            for name in names:
                kept[name].append(chosen.column(name))
    columns = listing.output_columns
    values = iter(part.output["values"])
    arrays = []
    for one, column in zip(listing.outputs, columns, strict=True):
        kind = arrow_type(column)
        if isinstance(one.expr, ColumnRef):
            pieces = kept[one.expr.column.name]
            arrays.append(pa.concat_arrays(pieces) if pieces else pa.array([], kind))
        else:
            known = [value_of(value, one.expr.type) for value in next(values)]
            arrays.append(pa.array(known, kind))
    return pa.record_batch(arrays, names=[column.name for column in columns])


def _renamed(column: Column, name: str) -> Column:
    return Column(
        name=name,
        type=column.type,
        physical=column.physical,
        nullable=column.nullable,
        precision=column.precision,
        scale=column.scale,
    )
