"""This file is where plans are compared with DuckDB and with exact fractions, and with themselves.

Aggregates come from their table, what they are of and what rows are grouped by from the grammar.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from evaluating import alike, arrow_of, plain
from grammatical import KINDS, MACROS, NAMES, TYPES, Sql, expressions
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from grid import canonical, chunks
from grid.codegen.build import Place
from grid.codegen.checker import check
from grid.codegen.errors import SpecError
from grid.codegen.parse import expression, parse
from grid.codegen.rule import MOMENT
from grid.codegen.types import NUMBERS, Kind
from grid.conformance import NOTABLE, Cut, Table, cut_up, random_tables
from grid.engines import Computation
from grid.engines.deno import DenoEngine
from grid.items import Json
from grid.plan import final, merging, reference
from grid.plan.aggregates import TABLE, Aggregate
from grid.plan.program import program
from grid.plan.query import Final, Order, Output, Planner, Query

ROWS = 12
HERE = Place("/x")
TABLES = random_tables(NAMES, TYPES, ROWS)
MANY = settings(
    max_examples=max(40, settings().max_examples // 2),
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
#: What is compared with exact fractions: DuckDB rounds on the way.
ROUNDED = ("MEAN", "STDDEV_SAMP", "STDDEV_POP", "VAR_SAMP", "VAR_POP")


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        for macro in MACROS:
            connection.execute(macro)
        yield connection


def settled(table: Table) -> Table:
    """The table with one zero and one NaN, as it is stored."""
    cut = cut_up(table, max(table.rows, 1)).python(NAMES)
    values = tuple(tuple(cut[0][name]) for name in NAMES) if cut else table.values
    return Table(names=NAMES, types=TYPES, values=values)


def planned(
    cut: Cut, where: Sql | None, keys: Sequence[Sql], measures: Sequence[tuple[Aggregate, Sql]]
) -> Query:
    columns = cut.columns
    planner = Planner(columns, None if where is None else parse(where.grid, columns))
    by = [planner.key(expression(key.grid, columns, "/by"), HERE) for key in keys]
    of = [planner.measure(one, expression(sql.grid, columns, "/of"), HERE) for one, sql in measures]
    outputs = [Output(name=f"o{at}", expr=expr) for at, expr in enumerate([*by, *of])]
    order = tuple(Order(expr=expr) for expr in by)
    return planner.query(Final(outputs=tuple(outputs), order=order), 100)


def by_program(query: Query, cut: Cut, engine: DenoEngine) -> Json:
    """What the program answers for the whole table, once it has passed the checker."""
    made = program(query)
    check(made.text)
    columns = tuple(one for one in query.columns if one.name in query.reads)
    job = Computation(
        program=made.text,
        columns=columns,
        chunks=tuple(
            tuple(chunks.encode_column(batch.column(one.name), one) for one in columns)
            for batch in cut.chunks
        ),
        rows=cut.rows,
        params=made.params,
        time_limit_s=60.0,
    )
    return canonical.loads(engine.compute(job))


def rows_of(query: Query, units: Sequence[Json]) -> list[list[Any]]:
    """The final rows of these answers, folded in this order."""
    state = merging.start(query)
    for unit in units:
        state = canonical.loads(canonical.dumps(merging.merge(query, state, unit, 0, {})))
    batch = final.rows(query, state, forgiving=False)
    values = [chunks.to_python(column) for column in batch.columns]
    return [list(row) for row in zip(*values, strict=True)]


def in_duckdb(
    query: Query,
    table: Table,
    where: Sql | None,
    keys: Sequence[Sql],
    measures: Sequence[tuple[Aggregate, Sql]],
    database: duckdb.DuckDBPyConnection,
) -> list[list[Any]] | None:
    """The same rows as DuckDB has them; exact where it would round. None where a row fails."""
    database.register("given", arrow_of(table))
    asked = [key.duckdb for key in keys]
    asked += [_asked(one, sql, query) for one, sql in measures]
    places = ", ".join(str(at + 1) for at in range(len(keys)))
    text = f"SELECT {', '.join(asked)} FROM given"
    text += "" if where is None else f" WHERE {where.duckdb}"
    text += f" GROUP BY {places} ORDER BY {places}" if keys else ""
    try:
        rows = database.execute(text).fetchall()
    except (duckdb.OutOfRangeException, duckdb.ConversionException, duckdb.InvalidInputException):
        return None
    found = []
    for row in rows:
        outputs = query.final.outputs
        of = [
            plain(value, out.expr.type)
            for value, out in zip(row, outputs[: len(keys)], strict=False)
        ]
        for (one, sql), value, output in zip(
            measures, row[len(keys) :], outputs[len(keys) :], strict=True
        ):
            if not _fractions(one, sql, query):
                of.append(plain(value, output.expr.type))
            elif _kind(sql, query) in MOMENT:
                of.append(_middle(value))
            else:
                of.append(_exactly(one, value))
        found.append(of)
    return found


def _asked(one: Aggregate, sql: Sql, query: Query) -> str:
    if not _fractions(one, sql, query):
        return f"{one.names[0]}({sql.duckdb})"
    moments = _kind(sql, query) in MOMENT
    return f"list(epoch_us(CAST({sql.duckdb} AS TIMESTAMP)))" if moments else f"list({sql.duckdb})"


def _kind(sql: Sql, query: Query) -> Kind:
    return expression(sql.grid, query.columns, "/of").kind


def _fractions(one: Aggregate, sql: Sql, query: Query) -> bool:
    kind = _kind(sql, query)
    rounded = one.name in ROUNDED and kind in NUMBERS | MOMENT
    return rounded or (one.name == "SUM" and kind is Kind.DOUBLE)


def _middle(values: Sequence[int | None] | None) -> int | None:
    """The mean of moments: the nearest microsecond, halves towards 1970."""
    known = [value for value in values or () if value is not None]
    if not known:
        return None
    mean = Fraction(sum(known), len(known))
    size = math.ceil(abs(mean) - Fraction(1, 2))
    return size if mean > 0 else -size


def _exactly(one: Aggregate, values: Sequence[Any] | None) -> float | None:
    """The aggregate of Python's values as fractions, rounded once."""
    known = [value for value in values or () if value is not None]
    if not known or (one.name.endswith("SAMP") and len(known) < 2):
        return None
    odd = [value for value in known if isinstance(value, float) and not math.isfinite(value)]
    if odd:
        return sum(odd) if one.name in ("SUM", "MEAN") else math.nan
    exact = [Fraction(value) for value in known]
    match one.name:
        case "SUM":
            found = sum(exact, Fraction(0))
        case "MEAN":
            found = sum(exact, Fraction(0)) / len(exact)
        case "VAR_SAMP" | "STDDEV_SAMP":
            found = statistics.variance(exact)
        case _:
            found = statistics.pvariance(exact)
    if one.name.startswith("STDDEV"):
        return _root(found)
    try:
        return found.numerator / found.denominator
    except OverflowError:
        return math.inf if found > 0 else -math.inf


def _root(exact: Fraction) -> float:
    """The nearest double to its square root, by way of more digits than any double has."""
    with localcontext(Context(prec=1_200)):
        return float((Decimal(exact.numerator) / Decimal(exact.denominator)).sqrt())


def same(ours: Any, theirs: Any) -> bool:
    """Alike, where 0 and −0 are one."""
    one, two = (x + 0.0 if isinstance(x, float) else x for x in (ours, theirs))
    return alike(one, two)


@MANY
@given(data=st.data(), table=TABLES, chunk_rows=st.integers(1, ROWS), wide=st.booleans())
def test_a_plan_means_what_it_means_in_duckdb(
    engine: DenoEngine,
    database: duckdb.DuckDBPyConnection,
    data: st.DataObject,
    table: Table,
    chunk_rows: int,
    wide: bool,
) -> None:
    """For any aggregates, of anything, by anything, whatever the cut and the order of arrival."""
    table = settled(table)
    assume(table.rows)
    depth = st.sampled_from((0, 0, 1))
    keys = [
        data.draw(expressions(data.draw(st.sampled_from(KINDS)), data.draw(depth)))
        for _ in range(data.draw(st.integers(0, 2)))
    ]
    where = data.draw(st.none() | expressions(Kind.BOOLEAN, 1))
    measures = []
    for one in data.draw(st.lists(st.sampled_from(TABLE), min_size=1, max_size=4)):
        kind = data.draw(st.sampled_from([kind for kind in KINDS if kind in one.takes]))
        measures.append((one, data.draw(expressions(kind, data.draw(depth)))))
    cut = cut_up(table, chunk_rows, wide=wide)
    try:
        query = planned(cut, where, keys, measures)
    except SpecError:
        assume(False)  # a constant part that fails
    answer = reference.partial(query, cut.python(query.reads))
    assert by_program(query, cut, engine) == answer
    merging.check(canonical.loads(canonical.dumps(answer)), cut.rows, len(keys), 100)
    assume(not answer.get("failed"))
    units = [reference.partial(query, [chunk]) for chunk in cut.python(query.reads)]
    ours = rows_of(query, [answer])
    arrived = rows_of(query, data.draw(st.permutations(units)))
    assert all(alike(*pair) for one, two in zip(ours, arrived, strict=True)
               for pair in zip(one, two, strict=True))  # fmt: skip
    theirs = in_duckdb(query, table, where, keys, measures, database)
    if theirs is not None:
        assert len(ours) == len(theirs), (ours, theirs)
        for row, other in zip(ours, theirs, strict=True):
            assert all(map(same, row, other)), (where, keys, measures, row, other)


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("by", [(), ("t",), ("f", "t"), ("x",), ("a", "d")])
def test_every_aggregate_takes_every_type_that_it_says(
    engine: DenoEngine, by: tuple[str, ...], wide: bool
) -> None:
    """All in one program: columns, and expressions that no dictionary or type proves small."""
    columns = dict(zip(KINDS, ("a", "p", "x", "f", "t", "d", "m"), strict=True))
    made = {
        Kind.INTEGER: "a // 3",
        Kind.DECIMAL: "p * p",
        Kind.DOUBLE: "x * 2",
        Kind.TEXT: "t || u",
    }
    values = tuple(
        tuple(None if row % 5 == at % 5 else chosen[(row + at) % len(chosen)] for row in range(23))
        for at, chosen in enumerate(_notable())
    )
    cut = cut_up(settled(Table(names=NAMES, types=TYPES, values=values)), 7, wide=wide)
    measures = [
        (one, Sql(text, text))
        for one in TABLE
        for texts in (columns, made)
        for kind, text in texts.items()
        if kind in one.takes
    ]
    query = planned(cut, None, [Sql(key, key) for key in by], measures)
    answer = reference.partial(query, cut.python(query.reads))
    assert by_program(query, cut, engine) == answer
    assert not answer["full"]


def _notable() -> list[Sequence[Any]]:
    small = {"int64": (0, 1, -1, 3, 2**40, -(2**53)), "double": NOTABLE[TYPES[2]]}
    return [small.get(kind.value, NOTABLE[kind]) for kind in TYPES]
