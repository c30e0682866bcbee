"""This file is where rows without a value are seen to fail by name, or to be counted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grid.codegen.failing import sites
from grid.codegen.failures import RowsFailed
from grid.codegen.parse import parse
from grid.conformance import Table, computed, cut_up, merged
from grid.engines.deno import DenoEngine
from grid.items import Json, LogicalType
from grid.plugins.contract import OutputError
from grid.plugins.loader import OWN_FOLDER, Loaded, find, load

MOST = 2**63 - 1
TABLE = Table(
    names=("a", "t"),
    types=(LogicalType.INT64, LogicalType.TEXT),
    values=((1, MOST, None, MOST, 5), ("7", "x", None, "8", "y")),
)
ADDED = {"where": "a + 1 > 2"}


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as deno:
        yield deno


@pytest.fixture(scope="module")
def filter_by() -> Loaded:
    return load(find(OWN_FOLDER / "filterBy"))


@pytest.mark.parametrize(
    ("where", "failed"),
    [
        ("a > 2", "absent"),
        ("TRY_CAST(t AS BIGINT) > 2", "absent"),
        ("a + 1 > 2", {"rows": 2, "chunk": 0, "row": 1, "site": 1}),
        ("CAST(t AS BIGINT) > 0", {"rows": 2, "chunk": 0, "row": 1, "site": 1}),
        ("a + 1 > 2 AND CAST(t AS BIGINT) > 7", {"rows": 3, "chunk": 0, "row": 1, "site": 1}),
        ("CAST(t AS BIGINT) > 7 AND a + 1 > 2", {"rows": 3, "chunk": 0, "row": 1, "site": 1}),
        ("a < 9 AND a + 1 > 2", {"rows": 0}),
        ("a + 1 > 2 AND a < 9", {"rows": 0}),
        ("a >= 9 OR a + 1 > 2", {"rows": 0}),
        ("CASE WHEN a < 9 THEN a + 1 > 2 END", {"rows": 0}),
        ("CASE WHEN a < 9 THEN a ELSE a + 1 END > 2", {"rows": 2, "chunk": 0, "row": 1, "site": 1}),
        ("coalesce(a, a + 1) > 2", {"rows": 0}),
        ("(a + 1 IS NULL) = FALSE", {"rows": 2, "chunk": 0, "row": 1, "site": 1}),
        ("a * a * a > CAST(t AS BIGINT)", {"rows": 3, "chunk": 0, "row": 1, "site": 1}),
        ("-a - 2 < CAST(t AS BIGINT)", {"rows": 3, "chunk": 0, "row": 1, "site": 2}),
    ],
)
@pytest.mark.parametrize("wide", [False, True])
def test_rows_that_fail_are_counted_where_they_matter(
    engine: DenoEngine, filter_by: Loaded, where: str, failed: Json, wide: bool
) -> None:
    cut = cut_up(TABLE, 2, wide=wide)
    output = computed(filter_by, {"where": where}, cut, engine)
    wanted = None if failed == {"rows": 0} else failed
    assert output.get("failed", "absent") == wanted


def test_a_job_fails_with_the_chunk_the_row_and_the_place(filter_by: Loaded) -> None:
    with pytest.raises(RowsFailed) as caught:
        merged(filter_by, ADDED, cut_up(TABLE, 3), 1)
    assert str(caught.value).startswith(
        "chunk 0, row 2 of it: overflow in + of integer (/where, character 1)"
    )


def test_a_job_that_says_so_goes_on_without_the_rows_that_fail(filter_by: Loaded) -> None:
    rows = merged(filter_by, {**ADDED, "on_error": "null"}, cut_up(TABLE, 3), 1)
    assert rows == [[5, "y"]]
    for name, spec in (("SUM", {"column": "a"}), ("MIN", {"column": "t"})):
        job_type = load(find(OWN_FOLDER / name))
        with pytest.raises(RowsFailed):
            merged(job_type, {**ADDED, **spec}, cut_up(TABLE, 3), 1)
        counted = merged(job_type, {**ADDED, **spec, "on_error": "null"}, cut_up(TABLE, 3), 1)
        assert counted == [[5 if name == "SUM" else "y", 1]]


@pytest.mark.parametrize(
    "failed",
    [
        {"rows": 1, "chunk": 2, "row": 0, "site": 1},
        {"rows": 1, "chunk": 0, "row": 3, "site": 1},
        {"rows": 5, "chunk": 0, "row": 1, "site": 1},
        {"rows": 3, "chunk": 1, "row": 0, "site": 1},
    ],
)
def test_failures_that_cannot_be_are_refused(filter_by: Loaded, failed: Json) -> None:
    chunks = [{"count": 0, "deltas": ""}] * 2
    with pytest.raises(OutputError, match="failed"):
        filter_by.job_type.check_output(ADDED, [3, 2], {"chunks": chunks, "failed": failed})


def test_operands_stand_before_what_is_made_of_them() -> None:
    found = sites(parse("a + 1 > CAST(t AS BIGINT) * 2", cut_up(TABLE, 9).columns))
    assert [site.why for site in found] == [
        "overflow in + of integer",
        "no integer for this text",
        "overflow in * of integer",
    ]
    assert [site.at.position for site in found] == [0, 13, 13]
