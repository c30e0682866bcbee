"""This file is where two questions of the TPC-H benchmark get the answers that DuckDB gives.

Its table is made by the benchmark's own generator, as the package tpchgen-cli has it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pytest
from large_tables import answered, laid_out

from grid.conformance import Cut
from grid.engines.deno import DenoEngine
from grid.plugins.loader import OWN_FOLDER, find, load

#: About 60,000 rows of the largest table.
SCALE = "0.01"
CHUNK_ROWS = 16_384
GENERATOR = Path(sys.executable).with_name("tpchgen-cli")
SQL = load(find(OWN_FOLDER / "sql")).job_type
MONEY = pa.decimal128(15, 2)
#: The columns of lineitem, in order (TPC-H 3.0.1, section 1.4.1); the file ends a row with a bar.
COLUMNS = {
    "l_orderkey": pa.int64(), "l_partkey": pa.int64(), "l_suppkey": pa.int64(),
    "l_linenumber": pa.int64(), "l_quantity": MONEY, "l_extendedprice": MONEY,
    "l_discount": MONEY, "l_tax": MONEY, "l_returnflag": pa.string(), "l_linestatus": pa.string(),
    "l_shipdate": pa.date32(), "l_commitdate": pa.date32(), "l_receiptdate": pa.date32(),
    "l_shipinstruct": pa.string(), "l_shipmode": pa.string(), "l_comment": pa.string(),
}  # fmt: skip
Q1 = """
SELECT l_returnflag, l_linestatus, sum(l_quantity) AS sum_qty, sum(l_extendedprice) AS sum_base,
  sum(l_extendedprice * (1 - l_discount)) AS sum_disc,
  sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge, count(*) AS count_order
FROM data WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus"""
MEANS = """
SELECT l_returnflag, l_linestatus, avg(l_quantity), avg(l_extendedprice), avg(l_discount) FROM data
WHERE l_shipdate <= DATE '1998-12-01' - INTERVAL 90 DAY
GROUP BY l_returnflag, l_linestatus ORDER BY l_returnflag, l_linestatus"""
Q6 = """
SELECT sum(l_extendedprice * l_discount) AS revenue FROM data
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1994-01-01' + INTERVAL 1 YEAR
  AND l_discount BETWEEN 0.06 - 0.01 AND 0.06 + 0.01 AND l_quantity < 24"""


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


@pytest.fixture(scope="module")
def lineitem(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    folder = tmp_path_factory.mktemp("tpch")
    command = [GENERATOR, "-s", SCALE, "--tables", "lineitem", "--output-dir", folder]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return pa.csv.read_csv(
        folder / "lineitem.tbl",
        read_options=pa.csv.ReadOptions(column_names=[*COLUMNS, "end"]),
        parse_options=pa.csv.ParseOptions(delimiter="|", quote_char=False),
        convert_options=pa.csv.ConvertOptions(
            column_types=COLUMNS, include_columns=list(COLUMNS), strings_can_be_null=False
        ),
    )


@pytest.fixture(scope="module")
def cut(lineitem: pa.Table) -> Cut:
    return laid_out(lineitem, CHUNK_ROWS)


def by_duckdb(query: str, lineitem: pa.Table) -> list[list[Any]]:
    with duckdb.connect() as database:
        database.register("data", lineitem)
        return [list(row) for row in database.execute(query).fetchall()]


@pytest.mark.parametrize("query", [Q1, Q6], ids=["Q1", "Q6"])
def test_a_question_of_tpch_is_answered_as_by_duckdb(
    engine: DenoEngine, lineitem: pa.Table, cut: Cut, query: str
) -> None:
    ours = answered(SQL, {"query": query}, cut, engine, 2)
    assert ours == by_duckdb(query, lineitem)


def test_the_means_of_tpch_are_exact_until_they_are_rounded(
    engine: DenoEngine, lineitem: pa.Table, cut: Cut
) -> None:
    ours = answered(SQL, {"query": MEANS}, cut, engine, 1)
    theirs = by_duckdb(MEANS.replace("avg(", "list("), lineitem)
    exact = [
        [*row[:2], *(float(sum(map(Fraction, values)) / len(values)) for values in row[2:])]
        for row in theirs
    ]
    assert ours == exact
