"""This file is where jobs with a requester's own formula give the known answers, by volunteers."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from pathlib import Path

import duckdb
import pyarrow as pa
from live import LiveServer

ENABLED = ("sweep", "simulate", "pairwise", "bootstrap")


def test_a_sweep_over_ten_million_points_finds_its_least(
    server: LiveServer, volunteers: list[Path]
) -> None:
    spec = {
        "parameters": [
            {"name": "x", "from": -2, "to": 2, "steps": 4001},
            {"name": "y", "from": -1.5, "to": 1.5, "steps": 2500},
        ],
        "value": "(1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x)",
        "where": "x + y > 2.5",
        "best": "argmin",
        "top": 3,
    }
    job_id = server.job("sweep", spec, points=2_500_000, min_quorum=2)
    assert server.until(job_id, "completed")["counts"]["work_units"] == 5
    xs = [-2.0 + step * 4.0 / 4000 for step in range(4001)]
    ys = [-1.5 + step * 3.0 / 2499 for step in range(2500)]
    near = itertools.product(range(3100, 3400), range(2200, 2500))
    values = [
        [2500 * i + j, xs[i], ys[j], (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x)]
        for i, j in near
        if (x := xs[i]) + (y := ys[j]) > 2.5
    ]
    assert server.output(job_id) == sorted(values, key=lambda row: row[3])[:3]


def test_a_point_that_overflows_fails_the_sweep_by_its_number(
    server: LiveServer, volunteers: list[Path]
) -> None:
    spec = {
        "parameters": [{"name": "n", "from": 1, "to": 100}],
        "value": "n * 100000000000000000",
        "best": "argmax",
    }
    job_id = server.job("sweep", spec, min_quorum=1)
    failed = server.until(job_id, "failed")
    assert "point 92: overflow in * of integer (/value, character 1)" in str(failed)
    job_id = server.job("sweep", {**spec, "on_error": "null"}, min_quorum=1)
    server.until(job_id, "completed")
    assert server.output(job_id) == [[91, 92, "9200000000000000000"]]


def test_a_formula_that_is_none_is_refused_with_its_place(server: LiveServer) -> None:
    spec = {"parameters": [{"name": "n", "values": [1]}], "value": "n + m", "all": True}
    answer = server.submit("sweep", spec)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert (error["pointer"], error["position"]) == ("/spec/value", 4)


def test_an_option_is_worth_what_theory_says(server: LiveServer, volunteers: list[Path]) -> None:
    """A call at the money: 2 Φ(σ/2) − 1 times the price, for a walk without drift."""
    spec = {
        "state": {"price": "100.0"},
        "step": {"price": "price * exp(0.05 * normal() - 0.00125)"},
        "steps": 16,
        "paths": 200_000,
        "observe": "greatest(price - 100, 0)",
        "thresholds": [0, 50],
    }
    job_id = server.job("simulate", spec, points=50_000, min_quorum=2)
    assert server.until(job_id, "completed")["counts"]["work_units"] == 4
    found = {(name, at): value for name, at, value in server.output(job_id)}
    worth = 100 * (2 * statistics.NormalDist().cdf(0.1) - 1)
    error = found["stddev", None] / math.sqrt(200_000)
    assert abs(found["mean", None] - worth) < 5 * error
    assert 0.4 < found["above", 0] < 0.5


def test_alike_names_are_those_of_duckdb(server: LiveServer, volunteers: list[Path]) -> None:
    draw = random.Random(5)
    names = ["".join(draw.choices("abeno", k=draw.randint(3, 7))) for _ in range(1500)]
    dataset = server.dataset("name\n" + "\n".join(names) + "\n", chunk_rows=400)
    spec = {
        "value": "jaro_winkler_similarity(a.name, b.name)",
        "where": "levenshtein(a.name, b.name) <= 1",
        "pairs": True,
    }
    job_id = server.job("pairwise", spec, dataset, points=6, min_quorum=2)
    assert server.until(job_id, "completed")["counts"]["work_units"] == 13
    given = pa.table({"name": names, "i": range(len(names))})
    with duckdb.connect() as connection:
        connection.register("given", given)
        theirs = connection.execute(
            "SELECT a.i, b.i, jaro_winkler_similarity(a.name, b.name) FROM given a "
            "JOIN given b ON a.i < b.i WHERE levenshtein(a.name, b.name) <= 1 ORDER BY a.i, b.i"
        ).fetchall()
    assert sorted(server.output(job_id)) == [list(row) for row in theirs]


def test_the_interval_of_a_median_is_resampled(server: LiveServer, volunteers: list[Path]) -> None:
    draw = random.Random(6)
    values = [round(draw.expovariate(0.1), 3) for _ in range(3000)]
    dataset = server.dataset("x\n" + "\n".join(map(str, values)) + "\n", chunk_rows=1000)
    spec = {"statistic": "median", "of": "x", "replicates": 2000}
    job_id = server.job("bootstrap", spec, dataset, points=700, min_quorum=2)
    assert server.until(job_id, "completed")["counts"]["work_units"] == 3
    found = dict(map(tuple, server.output(job_id)))
    assert math.isclose(found["observed"], statistics.median(values), rel_tol=1e-15)
    assert found["percentile low"] < found["observed"] < found["percentile high"]
    # The median of n values with density f spreads by 1 / (2 f √n); here f is 0.05.
    assert math.isclose(found["standard error"], 10 / math.sqrt(3000), rel_tol=0.25)
