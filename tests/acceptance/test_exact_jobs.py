"""This file is where known jobs have exactly the known answers, by real volunteers at quorum 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from live import LiveServer

TEN_ROWS = [
    [1, "Bimal", 7],
    [1, "Utkarsh", 6],
    [1, "Bimal", 3],
    [9, "Suyash", 5],
    [1, "Bimal", 7],
    [1, "Suyash", 3],
    [1, "Bimal", 3],
    [1, "Bimal", 3],
    [9, "Suyash", 9],
    [3, "Utkarsh", 1],
]
CSV = "id,name,points\n" + "".join(f"{a},{b},{c}\n" for a, b, c in TEN_ROWS)
SUYASH = [[9, "Suyash", 5], [1, "Suyash", 3], [9, "Suyash", 9]]

WHERE = {"where": "id <= 9 AND name = 'Suyash'"}
CRITERIA = {
    "criterias": [
        {"col": 0, "operator": "<=", "value": 9},
        {"col": 1, "operator": "==", "value": "Suyash"},
    ]
}


ENABLED = ("filterBy", "SUM", "MIN", "MAX", "COUNT", "groupBy", "sql", "select")

#: What three columns of a row are joined to, without blanks and in lower case.
JOINED = [
    ["1bimal7"], ["1utkarsh6"], ["1bimal3"], ["9suyash5"], ["1bimal7"],
    ["1suyash3"], ["1bimal3"], ["1bimal3"], ["9suyash9"], ["3utkarsh1"],
]  # fmt: skip
JOIN = {
    "columns": [{"expression": "lower(replace(id || ' ' || name || points, ' ', ''))", "as": "j"}]
}


@pytest.mark.parametrize("chunk_rows", [3, 10])
@pytest.mark.parametrize(
    ("job_type", "spec", "rows"),
    [
        ("filterBy", WHERE, SUYASH),
        ("filterBy", CRITERIA, SUYASH),
        ("select", JOIN, JOINED),
        ("SUM", {"column": "points"}, [[47, 10]]),
        ("MIN", {"column": "points"}, [[1, 10]]),
        ("SUM", {"column": "points", **WHERE}, [[17, 3]]),
        ("SUM", {"column": "points", **CRITERIA}, [[17, 3]]),
        ("MIN", {"column": "points", **WHERE}, [[3, 3]]),
        ("MIN", {"column": "points", **CRITERIA}, [[3, 3]]),
        ("MAX", {"column": "points", **CRITERIA}, [[9, 3]]),
        ("COUNT", {"column": "points"}, [[10]]),
        (
            "groupBy",
            {"by": ["name"], "aggregates": [{"function": "SUM", "column": "points"}], **CRITERIA},
            [["Suyash", 17]],
        ),
        (
            "sql",
            {"query": "SELECT name, count(*) FROM data GROUP BY name ORDER BY 2 DESC LIMIT 1"},
            [["Bimal", 5]],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_known_job_has_the_known_answer(
    server: LiveServer,
    volunteers: list[Path],
    job_type: str,
    spec: dict[str, Any],
    rows: list[list[Any]],
    chunk_rows: int,
) -> None:
    dataset = server.dataset(CSV, chunk_rows=chunk_rows)
    job_id = server.job(job_type, spec, dataset, min_quorum=2)
    ended = server.until(job_id, "completed")
    assert server.output(job_id) == rows
    assert ended["progress"] == 1
    for unit in server.workunits(job_id):
        valid = [one for one in unit["results"] if one["validate_state"] == "valid"]
        assert len({one["by"] for one in valid}) == 2, "two equal answers by two volunteers"
        assert unit["verdict"] == "2 equal answers of 2 needed"


def test_ten_names_are_cleaned(server: LiveServer, volunteers: list[Path]) -> None:
    names = ["bimal kant", *["bimal sharma"] * 7, "utkarsh raj", "suyash garg"]
    dataset = server.dataset("name\n" + "".join(f"{one}\n" for one in names), chunk_rows=4)
    spec = {"columns": [{"expression": "replace(name, ' ', '')", "as": "joined"}]}
    job_id = server.job("select", spec, dataset, min_quorum=2)
    server.until(job_id, "completed")
    joined = ["bimalkant", *["bimalsharma"] * 7, "utkarshraj", "suyashgarg"]
    assert server.output(job_id) == [[one] for one in joined]


def test_an_answer_of_a_value_a_row_is_put_by_real_volunteers(
    server: LiveServer, volunteers: list[Path]
) -> None:
    numbers = range(20_000)
    rows = "n\n" + "".join(f"{one}\n" for one in numbers)
    dataset = server.dataset(rows, chunk_rows=len(numbers))
    spec = {"columns": [{"expression": "n * n", "as": "square"}]}
    job_id = server.job("select", spec, dataset, min_quorum=2)
    server.until(job_id, "completed")
    assert server.output(job_id) == [[one * one] for one in numbers]
    (unit,) = server.workunits(job_id)
    shown = server.ask("GET", f"/workunits/{unit['id']}").json()
    assert shown["canonical_output"] is None and shown["canonical_digest"] in str(shown)
    assert len(server.ask("GET", f"/blobs/{shown['canonical_digest']}").content) > 65_536
