"""This file is where whole queries are compared with DuckDB, and what is no query is refused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import duckdb
import pytest
from asking import Query, grouped, large_tables, ordered
from evaluating import alike, arrow_of
from grammatical import MACROS, NAMES, TYPES
from hypothesis import HealthCheck, Phase, assume, given, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import UnsatisfiedAssumption

from grid.codegen.checker import check
from grid.codegen.errors import SpecError
from grid.codegen.failures import RowsFailed
from grid.codegen.types import Kind
from grid.conformance import Cut, Table, computed, cut_up, merged, random_tables
from grid.engines.deno import DenoEngine
from grid.items import Json, LogicalType
from grid.jobspec import SpecRefused
from grid.plugins.contract import OutputError
from grid.plugins.loader import OWN_FOLDER, find, load

SQL = load(find(OWN_FOLDER / "sql"))
PEOPLE = Table(
    names=("id", "name", "points", "share"),
    types=(LogicalType.INT64, LogicalType.TEXT, LogicalType.INT64, LogicalType.DOUBLE),
    values=(
        (1, 1, 1, 9, 1, 1, 1, None, 9, 3),
        ("Bimal", "Utkarsh", "Bimal", None, "Bimal", "Suyash", None, "Bimal", "Suyash", "Utkarsh"),
        (7, 6, 3, 5, 7, None, 3, 3, 9, 1),
        (0.5, 0.25, None, 1.5, float("nan"), -2.0, 8.0, 0.5, 0.125, 1.0),
    ),
)
GENERATED = settings(
    max_examples=max(60, settings().max_examples // 2),
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
THOROUGH = settings().max_examples > 200
#: Tables of the largest kind, rows that they have at most, and queries over each.
MANY, MANY_ROWS, QUERIES = (60, 100_000, 4) if THOROUGH else (3, 2_000, 4)


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


def answer(engine: DenoEngine | None, query: str, table: Table, chunk_rows: int) -> list[Json]:
    cut = cut_up(table, chunk_rows)
    computed(SQL, {"query": query}, cut, engine)
    return merged(SQL, {"query": query}, cut, 2)


def shown(value: Any) -> Json:
    """DuckDB's value as outputs have it in JSON."""
    if isinstance(value, float) and value != value:
        return "NaN"
    return str(value) if isinstance(value, int) and abs(value) > 2**53 else value


@pytest.mark.parametrize("chunk_rows", [3, 10])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM data",
        'SELECT name AS "the name", points * 2 AS twice FROM data WHERE share < 1 OR share IS NULL',
        "select upper(name) || '!' loud, id from DATA where points > 2 limit 3 offset 2;",
        "SELECT points FROM data LIMIT 0",
        "SELECT name, points FROM data ORDER BY points DESC, name, id LIMIT 4 OFFSET 1",
        "SELECT id, name FROM data ORDER BY share, id LIMIT 100",
        "SELECT share, id % 3 AS id FROM data ORDER BY id DESC, 1 NULLS FIRST LIMIT 5",
        "SELECT name, points > 3 AS b FROM data ORDER BY b DESC, lower(name), id, points LIMIT 5",
        "SELECT * FROM data WHERE id IS NOT NULL ORDER BY 2 NULLS FIRST, 1, 3, 4 LIMIT 3 OFFSET 2",
        "SELECT id FROM data ORDER BY id LIMIT 0",
        "SELECT count(*), count(name), count(1) FROM data",
        "SELECT sum(points), min(name), max(share), avg(points), bool_or(id = 9) FROM data",
        "SELECT sum(points) * 2 + count(*) AS both FROM data WHERE id = 1",
        "SELECT count(*) FROM data WHERE id = 77",
        "SELECT sum(points) FROM data WHERE id = 77",
        "SELECT name, count(*) AS n FROM data GROUP BY name ORDER BY n DESC, name",
        "SELECT name, id FROM data GROUP BY name, id ORDER BY name DESC NULLS FIRST, 2",
        "SELECT id % 2 AS odd, sum(points) p FROM data GROUP BY odd ORDER BY odd",
        "SELECT id % 2 + 1 AS o FROM data GROUP BY id % 2 HAVING o > 1 OR id % 2 > 3 ORDER BY o",
        "SELECT name FROM data GROUP BY 1 HAVING sum(points) > 9 ORDER BY sum(points) DESC",
        "SELECT name, max(points) - min(id) FROM data GROUP BY ALL ORDER BY 2, 1 LIMIT 2 OFFSET 1",
        "SELECT DISTINCT name, id FROM data ORDER BY id, name",
        "SELECT coalesce(name, '?') AS w, stddev(points) IS NULL FROM data GROUP BY w ORDER BY 1",
        ("SELECT CASE WHEN id > 1 THEN 'many' ELSE 'one' END AS k, count(*) FROM data GROUP BY k"
        " ORDER BY CASE WHEN count(*) > 5 THEN 1 ELSE 2 END"),
        "SELECT share FROM data GROUP BY share HAVING share > 0.2 ORDER BY share",
        ("SELECT extract(year FROM DATE '2020-02-01' + CAST(id AS INTEGER)) AS y, count(*)"
        " FROM data WHERE id IS NOT NULL GROUP BY ALL"),
        "SELECT count(*) FROM data GROUP BY name HAVING name LIKE '%a%' ORDER BY name",
    ],
)  # fmt: skip
def test_a_query_gives_what_duckdb_gives(
    engine: DenoEngine, database: duckdb.DuckDBPyConnection, query: str, chunk_rows: int
) -> None:
    database.register("data", arrow_of(PEOPLE))
    theirs = [[shown(value) for value in row] for row in database.execute(query).fetchall()]
    assert answer(engine, query, PEOPLE, chunk_rows) == theirs


def both(
    engine: DenoEngine,
    database: duckdb.DuckDBPyConnection,
    query: Query,
    cut: Cut,
    unit_chunks: int,
) -> tuple[list[Json], list[tuple[Any, ...]]]:
    """Our rows and DuckDB's; no case where either says that a row has no value."""
    try:
        theirs = database.execute(query.duckdb).fetchall()
        computed(SQL, {"query": query.grid}, cut, engine)
        return merged(SQL, {"query": query.grid}, cut, unit_chunks), theirs
    except (duckdb.OutOfRangeException, duckdb.ConversionException, duckdb.InvalidInputException,
            RowsFailed, SpecRefused):  # fmt: skip
        reject()


def assert_alike(query: Query, ours: list[Json], theirs: list[tuple[Any, ...]]) -> None:
    """Every column of a kind that is spelled alike; integers may come as text."""
    assert len(ours) == len(theirs), query
    for row, their in zip(ours, theirs, strict=True):
        for kind, one, two in zip(query.kinds, row, their, strict=True):
            if kind is Kind.INTEGER:
                assert (one if one is None else int(one)) == two, (query, ours, theirs)
            elif kind in (Kind.TEXT, Kind.BOOLEAN):
                assert alike(one, two), (query, ours, theirs)


@GENERATED
@given(
    query=grouped() | ordered(),
    table=random_tables(NAMES, TYPES, 10),
    chunk_rows=st.integers(1, 10),
)
def test_a_generated_query_gives_what_duckdb_gives(
    engine: DenoEngine,
    database: duckdb.DuckDBPyConnection,
    query: Query,
    table: Table,
    chunk_rows: int,
) -> None:
    assume(table.rows)
    database.register("data", arrow_of(table))
    assert_alike(query, *both(engine, database, query, cut_up(table, chunk_rows), 2))


@settings(max_examples=MANY, parent=GENERATED)
@given(
    table=large_tables(MANY_ROWS),
    pieces=st.integers(1, 20),
    wide=st.booleans(),
    asked=st.lists(
        st.tuples(grouped() | ordered(), st.integers(1, 5)), min_size=QUERIES, max_size=QUERIES
    ),
)
def test_generated_queries_over_many_rows_give_what_duckdb_gives(
    engine: DenoEngine,
    database: duckdb.DuckDBPyConnection,
    table: Table,
    pieces: int,
    wide: bool,
    asked: list[tuple[Query, int]],
) -> None:
    """In chunks and work units of any size.

    Whether DuckDB meets the one value that a cast fails at is up to the order in which it has found
    conditions to be quick, so a query without an answer ends itself only.
    """
    database.register("data", arrow_of(table))
    cut = cut_up(table, table.rows // pieces + 1, wide=wide)
    for query, units in asked:
        with suppress(UnsatisfiedAssumption):
            assert_alike(query, *both(engine, database, query, cut, units))


@pytest.mark.parametrize(
    ("query", "position", "says"),
    [
        ("SELECT", 6, "SELECT needs something"),
        ("SELECT 1", 8, "FROM data is missing"),
        ("EXPLAIN SELECT 1", None, "a query is SELECT"),
        ("SELECT nme FROM data", 7, "did you mean 'name'"),
        ("SELECT id FROM other", 15, "called data"),
        ("SELECT id FROM data, data", 19, "JOIN"),
        ("SELECT id FROM data LEFT JOIN data ON TRUE", 20, "JOIN"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", 0, "WITH"),
        ("SELECT id FROM (SELECT * FROM data)", 16, "a query within a query"),
        ("SELECT (SELECT 1) FROM data", 8, "a query within a query"),
        ("SELECT id FROM data WHERE id IN (SELECT 1)", 33, "a query within a query"),
        ("SELECT id FROM data UNION SELECT id FROM data", 20, "UNION"),
        ("SELECT row_number() OVER () FROM data", 20, "a window function"),
        ("SELECT sum(id) FILTER (WHERE TRUE) FROM data", 15, "FILTER"),
        ("SELECT count(DISTINCT id) FROM data", 7, "DISTINCT"),
        ("SELECT DISTINCT ON (id) id FROM data", 7, "DISTINCT ON"),
        ("SELECT sum(max(id)) FROM data", 7, "an aggregate of an aggregate"),
        ("SELECT sum(id, id) FROM data", 7, "one operand"),
        ("SELECT sum(name) FROM data", 7, "SUM does not take text"),
        ("SELECT median(id) FROM data", 7, "there is no function 'median'"),
        ("SELECT id, count(*) FROM data", 7, "neither grouped by nor aggregated"),
        ("SELECT count(*) FROM data HAVING id > 1", 33, "neither grouped by nor aggregated"),
        ("SELECT * FROM data GROUP BY id", 7, "queries without groups"),
        ("SELECT id FROM data WHERE count(*) > 1", 26, "HAVING has"),
        ("SELECT id FROM data WHERE id", 26, "needs a condition"),
        ("SELECT * EXCLUDE (id) FROM data", 7, "* with EXCLUDE"),
        ("SELECT * REPLACE (id + 1 AS id) FROM data", 7, "* with REPLACE"),
        ("SELECT * RENAME (id AS x) FROM data", 7, "* with RENAME"),
        ("SELECT count(* EXCLUDE (id)) FROM data", 7, "* with EXCLUDE"),
        ("SELECT id FROM data ORDER BY id", 29, "needs a LIMIT"),
        ("SELECT id FROM data ORDER BY id LIMIT 9999 OFFSET 2", 29, "10000 with OFFSET at most"),
        ("SELECT id FROM data ORDER BY NULL LIMIT 2", 29, "orders nothing"),
        ("SELECT id FROM data ORDER BY nme LIMIT 2", 29, "did you mean 'name'"),
        ("SELECT id FROM data ORDER BY 2 LIMIT 2", 29, "items 1 to 1"),
        ("SELECT id FROM data ORDER BY ALL LIMIT 2", 29, "ORDER BY ALL"),
        ("SELECT id FROM data GROUP BY id WHERE id > 1", 32, "cannot stand here"),
        ("SELECT id FROM data GROUP BY 2", 29, "items 1 to 1"),
        ("SELECT id FROM data LIMIT id", 26, "a number of rows"),
        ("SELECT id,, id FROM data", 10, "something is missing"),
        ("SELECT id AS x, id AS x FROM data", None, "two columns 'x'"),
        ("SELECT id FROM data; SELECT 1", 19, "a second statement"),
        ("SELECT id FROM data WHERE name = 'x", 35, "not closed"),
        ("SELECT id + FROM data", 10, "cannot be read"),
        ("SELECT " + "(" * 40 + "id" + ")" * 40 + " FROM data", 31, "nested too deeply"),
        ("SELECT id FROM data GROUP BY x.y", 29, "a.b names no column"),
        ("SELECT points / 0 FROM data", 7, "division by zero"),
        ("SELECT count(*) / 0 FROM data", 7, "division by zero"),
        ("SELECT " + ", ".join(f"id AS c{n}" for n in range(60)) + " FROM data", 525, "48 columns"),
    ],
)
def test_what_is_no_query_is_refused_where_it_stands(
    query: str, position: int | None, says: str
) -> None:
    with pytest.raises(SpecRefused) as caught:
        answer(None, query, PEOPLE, 3)
    (error,) = caught.value.errors
    assert says in error.message, error
    assert (error.pointer, error.position) == ("/query", position), error


WORDS = """SELECT FROM data WHERE GROUP BY HAVING ORDER LIMIT OFFSET DISTINCT ALL AS , , ( ) * + -
    = . name points share id 1 2 'a' "id" count sum avg NULL NOT IN CASE WHEN THEN END OVER JOIN ;
    count(*) sum(points) GROUP ORDER BY 'x extract( :: [ DATE INTERVAL UNION WITH ON USING --"""
SOUP = st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join)


@given(SOUP | SOUP.map(lambda soup: f"SELECT name FROM data {soup}") | st.text())
def test_any_text_is_a_query_or_refused(text: str) -> None:
    columns, job_type = cut_up(PEOPLE, 3).columns, SQL.job_type
    refused = None
    try:
        check(job_type.program({"query": text}, columns))
        job_type.output_columns({"query": text}, columns)
    except SpecError as error:
        refused = error
    if refused is not None:
        assert refused.pointer in ("/query", "/max_groups", "")
        assert refused.position is None or 0 <= refused.position <= len(text)


def test_rows_and_groups_are_not_taken_for_one_another() -> None:
    groups = {"full": 0, "keys": [], "states": [[3]]}
    rows = {"chunks": [{"columns": []}]}
    check = SQL.job_type.check_output
    check({"query": "SELECT count(*) FROM data"}, [3], groups)
    check({"query": "SELECT id FROM data"}, [3], rows)
    for query, output in (("SELECT count(*) FROM data", rows), ("SELECT id FROM data", groups)):
        with pytest.raises(OutputError):
            check({"query": query}, [3], output)


ONE = {"kind": "whole", "valid": "", "values": "AQ=="}
SOME: Json = {"rows": {"count": 1, "bitmap": "AQ=="}, "columns": [ONE]}


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [SOME, SOME],
        [{**SOME, "columns": [{**ONE, "values": "AQID"}]}],
        [{**SOME, "columns": [{**ONE, "values": ""}]}],
        [{**SOME, "columns": [ONE] * 97}],
        [{**SOME, "rows": {"count": 3, "bitmap": "AQ=="}}],
        [{"rows": {"count": 2, "bitmap": "Aw=="}, "columns": [ONE]}],
    ],
)
def test_values_belong_to_the_rows_that_are_selected(chunks: Json) -> None:
    spec = {"query": "SELECT id + 1 FROM data WHERE id > 0"}
    SQL.job_type.check_output(spec, [3], {"chunks": [SOME]})
    with pytest.raises(OutputError):
        SQL.job_type.check_output(spec, [3], {"chunks": chunks})


def test_a_query_without_groups_takes_more_than_a_report_holds(engine: DenoEngine) -> None:
    """Its computed values are put as a file."""
    texts = tuple(f"{number:05} " + "\u4e2d" * 10 for number in range(3000))
    table = Table(names=("t",), types=(LogicalType.TEXT,), values=(texts,))
    query = "SELECT t || '!' AS shouted FROM data ORDER BY shouted DESC LIMIT 2"
    assert answer(engine, query, table, 3000) == [[f"{text}!"] for text in texts[:-3:-1]]


def test_rows_that_are_too_long_to_be_kept_until_the_end_fail_the_job() -> None:
    texts = tuple(f"{number}" * 100_000 for number in range(10, 60))
    table = Table(names=("t",), types=(LogicalType.TEXT,), values=(texts,))
    with pytest.raises(RowsFailed, match="a smaller LIMIT"):
        answer(None, "SELECT t FROM data ORDER BY t LIMIT 60", table, 10)
    assert len(answer(None, "SELECT t FROM data ORDER BY t LIMIT 20", table, 10)) == 20
