"""This file is where it is checked what every job type must keep to; shipped for plugin authors.

`check_job_type(folder, engine)` goes through a folder's manifest, schemas, examples and program,
then computes tables that Hypothesis makes, by the reference and (with an engine) by the program.
It raises Faulty at the first fault, and an author's own test is one call of it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, SchemaError
from msgspec import Struct

from grid import canonical, chunks, jobspec
from grid.engines import Computation, Engine
from grid.items import Column, Json, LogicalType
from grid.plugins.contract import OutputError, Part
from grid.plugins.loader import Loaded, find, load

#: A program over these tables takes milliseconds; this is for a machine that is busy elsewhere.
TIME_LIMIT_S = 60.0
INT64_MAX = 2**63 - 1


class Faulty(AssertionError):
    """A job type that does not keep to the contract; says where and how."""


class Table(Struct, frozen=True, kw_only=True):
    """A small table in Python values."""

    names: tuple[str, ...]
    types: tuple[LogicalType, ...]
    #: Column by column: int, float, bool, str and None.
    values: tuple[tuple[Any, ...], ...]

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return len(self.values[0])


class Cut(Struct, frozen=True, kw_only=True):
    """A table as a data set: narrowed, encoded, cut into chunks."""

    columns: tuple[Column, ...]
    chunks: tuple[pa.RecordBatch, ...]

    def python(self, names: Sequence[str]) -> list[dict[str, list[Any]]]:
        """The named columns of each chunk, as the reference gets them."""
        return [
            {name: chunks.to_python(batch.column(name)) for name in names} for batch in self.chunks
        ]


def check_job_type(
    folder: Path | Loaded, engine: Engine | None = None, *, tables: int = 20, rows: int = 40
) -> None:
    """Raise Faulty unless the job type keeps to the contract.

    `tables` random tables of up to `rows` rows are tried for each example. The folder is imported,
    as if an admin had enabled it.
    """
    loaded = folder if isinstance(folder, Loaded) else load(find(folder))
    check_schemas(loaded)
    if not loaded.examples:
        raise Faulty("examples/ has no example")
    for example in loaded.examples:
        check_example(loaded, example, engine)
        check_tables(loaded, example, engine, tables=tables, rows=rows)


def check_schemas(loaded: Loaded) -> None:
    """Both schemas are JSON Schema 2020-12, and the spec's refuses unknown keys by name."""
    for name, schema in (("spec", loaded.spec_schema), ("output", loaded.output_schema)):
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            raise Faulty(f"{name}.schema.json: {error.message}") from error
    stranger = {"an_unknown_key": 1}
    pointers = {error.pointer for error in jobspec.faults(stranger, loaded.spec_schema)}
    if "/an_unknown_key" not in pointers:
        raise Faulty("spec.schema.json: an unknown key is not refused by name")


def check_example(loaded: Loaded, example: Mapping[str, Json], engine: Engine | None) -> None:
    """The example gives the output it states, for any cut; its program passes the checker."""
    table, spec = table_of(example["table"]), example["spec"]
    sizes = sorted({1, 2, example["chunk_rows"], max(table.rows, 1)})
    for chunk_rows, wide in itertools.product(sizes, (False, True)):
        cut = cut_up(table, chunk_rows, wide=wide)
        checked = _checked(loaded, spec, cut)
        if checked.program != _checked(loaded, spec, cut).program:
            raise Faulty("the program is another one each time it is made")
        output = computed(loaded, spec, cut, engine)
        check_liars(loaded, spec, [batch.num_rows for batch in cut.chunks], output)
        for unit_chunks in () if wide else (1, len(cut.chunks)):
            found = merged(loaded, spec, cut, unit_chunks)
            if found != example["output"]:
                raise Faulty(f"the example's output is {example['output']}, not {found}")


def check_tables(
    loaded: Loaded, example: Mapping[str, Json], engine: Engine | None, *, tables: int, rows: int
) -> None:
    """Program and reference agree to the byte, and merging does not depend on the cut."""
    base = table_of(example["table"])

    @settings(
        max_examples=tables,
        deadline=None,
        database=None,
        # Making a failing table smaller takes minutes; forty rows can be read.
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(random_tables(base.names, base.types, rows), st.integers(1, rows), st.booleans())
    def holds(table: Table, chunk_rows: int, wide: bool) -> None:
        cut = cut_up(table, chunk_rows, wide=wide)
        computed(loaded, example["spec"], cut, engine)
        whole = cut_up(table, max(table.rows, 1), wide=wide)
        if merged(loaded, example["spec"], cut, 1) != merged(loaded, example["spec"], whole, 1):
            raise Faulty(f"cut into chunks of {chunk_rows} rows, the output is another one")

    holds()


def check_liars(loaded: Loaded, spec: Json, rows: Sequence[int], output: Json) -> None:
    """What a liar may send is refused as such; nothing else escapes the check."""
    for forged in forgeries(output):
        if jobspec.output_fault(forged, loaded.output_schema) is not None:
            continue
        try:
            loaded.job_type.check_output(spec, rows, forged)
        except OutputError:
            continue
        except Exception as error:
            raise Faulty(f"check_output raised {error!r} for {forged!r}") from error


def forgeries(value: Json) -> Iterator[Json]:
    """The value with one thing changed, in every place."""
    yield from (None, {}, [], "", -1)
    if isinstance(value, dict):
        for key, item in value.items():
            yield {name: other for name, other in value.items() if name != key}
            yield from ({**value, key: forged} for forged in forgeries(item))
    elif isinstance(value, list):
        yield value[1:]
        yield [*value, *value[-1:]]
        for number, item in enumerate(value):
            yield from (
                [*value[:number], forged, *value[number + 1 :]] for forged in forgeries(item)
            )
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from (value + 1, value - 1, value + 2**40)
    elif isinstance(value, str):
        yield from (value[1:], value + "A", value[::-1], "9" * 600, "\u2028", "//8=")


def computed(loaded: Loaded, spec: Json, cut: Cut, engine: Engine | None) -> Json:
    """The reference's output for the whole table as one work unit, checked in every way."""
    if not cut.chunks:
        return None
    checked = _checked(loaded, spec, cut)
    names = [column.name for column in checked.reads]
    output = loaded.job_type.reference(spec, cut.columns, cut.python(names))
    _acceptable(loaded, spec, [batch.num_rows for batch in cut.chunks], output)
    if engine is not None:
        job = Computation(
            program=checked.program,
            columns=checked.reads,
            chunks=tuple(
                tuple(
                    chunks.encode_column(batch.column(column.name), column)
                    for column in checked.reads
                )
                for batch in cut.chunks
            ),
            rows=tuple(batch.num_rows for batch in cut.chunks),
            params=checked.params,
            time_limit_s=TIME_LIMIT_S,
        )
        answer = engine.compute(job)
        if answer != canonical.dumps(output):
            raise Faulty(f"program and reference disagree on {spec}: {answer!r} {output!r}")
    return output


def merged(loaded: Loaded, spec: Json, cut: Cut, unit_chunks: int) -> list[list[Json]]:
    """The rows of the assembled output, from work units of so many chunks, as in JSON."""
    job_type, columns = loaded.job_type, cut.columns
    names = job_type.reads(spec, columns)
    state = job_type.merge_start(spec, columns)
    batches: list[pa.RecordBatch] = []
    for ordinal, first in enumerate(range(0, len(cut.chunks), unit_chunks)):
        unit = Cut(columns=columns, chunks=cut.chunks[first : first + unit_chunks])
        part = Part(
            ordinal=ordinal,
            first_chunk=first,
            rows=tuple(batch.num_rows for batch in unit.chunks),
            output=job_type.reference(spec, columns, unit.python(names)),
            source=_source(unit),
        )
        step = job_type.merge(spec, columns, state, part)
        state = canonical.loads(canonical.dumps(step.state))
        batches += [] if step.rows is None else [step.rows]
    last = job_type.merge_end(spec, columns, state)
    batches += [] if last.rows is None else [last.rows]
    wanted = job_type.output_columns(spec, columns)
    rows: list[list[Json]] = []
    for batch in batches:
        types = [chunks.arrow_type(column) for column in wanted]
        if batch.schema.names != [column.name for column in wanted] or batch.schema.types != types:
            raise Faulty(f"merged rows are {batch.schema}, not the output's columns")
        values = [chunks.to_python(column) for column in batch.columns]
        rows += [[_plain(value) for value in row] for row in zip(*values, strict=True)]
    return rows


def table_of(example: Mapping[str, Json]) -> Table:
    """An example's table; big integers may be strings of digits, NaN and infinities are strings."""
    types = tuple(LogicalType(column["type"]) for column in example["columns"])
    read: dict[LogicalType, Callable[[Any], Any]] = {
        LogicalType.INT64: int,
        LogicalType.DOUBLE: float,
        LogicalType.BOOLEAN: bool,
        LogicalType.TEXT: str,
    }
    return Table(
        names=tuple(column["name"] for column in example["columns"]),
        types=types,
        values=tuple(
            tuple(None if row[at] is None else read[kind](row[at]) for row in example["rows"])
            for at, kind in enumerate(types)
        ),
    )


def cut_up(table: Table, chunk_rows: int, *, wide: bool = False) -> Cut:
    """The table as ingest lays it out: narrowest types, one dictionary, chunks of so many rows.

    If `wide`, as it is laid out in a large data set: integers in 64 bits, text without dictionary.
    """
    columns: list[Column] = []
    arrays: list[pa.Array] = []
    for name, kind, values in zip(table.names, table.types, table.values, strict=True):
        known = [value for value in values if value is not None]
        numbers = known if kind is LogicalType.INT64 else []
        texts = frozenset(known) if kind is LogicalType.TEXT else None
        facts = chunks.Facts(
            nullable=wide or len(known) < len(values),
            low=-INT64_MAX if wide else min(numbers, default=None),
            high=max(numbers, default=None),
            distinct=None if wide else texts,
        )
        column = chunks.narrow(name, kind, facts)
        dictionary = chunks.dictionary(texts) if texts is not None else None
        columns.append(column)
        arrays.append(chunks.cast(pa.array(values, ARROW[kind]), column, dictionary))
    batch = pa.record_batch(arrays, names=list(table.names))
    starts = range(0, table.rows, chunk_rows)
    return Cut(
        columns=tuple(columns), chunks=tuple(batch.slice(start, chunk_rows) for start in starts)
    )


ARROW = {
    LogicalType.INT64: pa.int64(),
    LogicalType.DOUBLE: pa.float64(),
    LogicalType.BOOLEAN: pa.bool_(),
    LogicalType.TEXT: pa.utf8(),
}
#: Values at which programs have gone wrong before.
NOTABLE: Mapping[LogicalType, Sequence[Any]] = {
    LogicalType.INT64: (0, 1, -1, 3, 127, 128, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, INT64_MAX),
    LogicalType.DOUBLE: (
        0.0,
        0.1,
        3.0,
        math.nan,
        math.inf,
        -math.inf,
        5e-324,
        1.7976931348623157e308,
        -1.7976931348623157e308,
        2.0**53,
        2.0**53 + 2,
    ),
    LogicalType.BOOLEAN: (True, False),
    LogicalType.TEXT: ("", "a", "O'Brien", "\\", "\u2028", "\ufffd", "\U0001f600", "<!--", "%_"),
}


def random_tables(
    names: Sequence[str], types: Sequence[LogicalType], rows: int
) -> st.SearchStrategy[Table]:
    """Tables of these columns with 0 to `rows` rows; any value may be NULL or a notable one."""
    free: dict[LogicalType, st.SearchStrategy[Any]] = {
        LogicalType.INT64: st.integers(-100, 100) | st.integers(-(2**63), INT64_MAX),
        LogicalType.DOUBLE: st.floats(),
        LogicalType.BOOLEAN: st.booleans(),
        LogicalType.TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    }

    def columns(count: int) -> st.SearchStrategy[Table]:
        def column(kind: LogicalType) -> st.SearchStrategy[tuple[Any, ...]]:
            value = st.sampled_from(NOTABLE[kind]) | free[kind]
            small = st.integers(-5, 5) if kind is LogicalType.INT64 else value
            kinds = [value, st.none() | value, st.none() | small]
            lists = [st.lists(each, min_size=count, max_size=count) for each in kinds]
            return st.one_of(lists).map(tuple)

        return st.tuples(*map(column, types)).map(
            lambda values: Table(names=tuple(names), types=tuple(types), values=values)
        )

    return st.integers(0, rows).flatmap(columns)


def _checked(loaded: Loaded, spec: Json, cut: Cut) -> jobspec.CheckedSpec:
    return jobspec.check(spec, loaded.spec_schema, loaded.job_type, cut.columns)


def _acceptable(loaded: Loaded, spec: Json, rows: Sequence[int], output: Json) -> None:
    """An honest output is canonical, of the schema, and passes the job type's own check."""
    fault = jobspec.output_fault(canonical.loads(canonical.dumps(output)), loaded.output_schema)
    if fault is not None:
        raise Faulty(f"output.schema.json refuses an honest output: {fault}")
    try:
        loaded.job_type.check_output(spec, rows, output)
    except OutputError as error:
        raise Faulty(f"check_output refuses an honest output: {error}") from error


def _source(unit: Cut) -> Callable[[Sequence[str]], Iterator[pa.RecordBatch]]:
    return lambda names: (batch.select(list(names)) for batch in unit.chunks)


def _plain(value: Any) -> Json:
    """A value as the output in JSON has it."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, int) and abs(value) > chunks.SAFE_INTEGER_MAX:
        return str(value)
    return value
