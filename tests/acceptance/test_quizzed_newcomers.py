"""This file is where quizzes find a liar out whom nobody else contradicts, on a real server."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from live import TEST_JOB_TYPES, LiveHost, LiveServer, View, waiting

SETTINGS = {"job_type_folders": TEST_JOB_TYPES, "copy_delay_max_s": 0, "cold_start_wait_s": 1}
ENABLED = ("needle",)
VALUES = [7 if n % 5 == 0 else n % 100 for n in range(400)]
TABLE = "n\n" + "".join(f"{value}\n" for value in VALUES)
SPEC = {"column": "n", "value": 7}


def lied_to(server: LiveServer) -> list[tuple[int, int]]:
    """Answers to made-up work units: how many right, how many wrong, by host."""
    with closing(sqlite3.connect(server.data / "grid.db")) as database:
        return database.execute(
            "SELECT host_id, sum(validate_state = 'valid') FROM result"
            " JOIN workunit ON workunit.id = result.workunit_id"
            " WHERE ordinal < 0 AND outcome = 'success' AND host_id IS NOT NULL GROUP BY host_id"
            " ORDER BY host_id"
        ).fetchall()


def test_newcomers_answer_quizzes_unawares_and_a_liar_stands_alone(server: LiveServer) -> None:
    job_id = server.job("needle", SPEC, server.dataset(TABLE, chunk_rows=20), mode="standard")
    hosts = [LiveHost(server) for _ in range(3)]
    liar = LiveHost(server, lambda _: {"rows": []})
    seen: list[View] = []
    for _ in waiting(60, "the job to be done"):
        for host in (*hosts, liar):
            seen += host.compute_all(2)
        if server.view(job_id)["state"] == "completed":
            break
    server.until(job_id, "completed")
    rows = [row for (row,) in server.output(job_id)]
    assert rows == [row for row, value in enumerate(VALUES) if value == 7]
    quizzed = dict(lied_to(server))
    assert len(quizzed) > 1 and any(quizzed.values()), "newcomers were quizzed, and knew"
    assert len({tuple(sorted(one)) for one in seen}) == 1, "all copies have the same words"
    inputs = {tuple(sorted(chunk)) for one in seen for chunk in one["inputs"]}
    assert len(inputs) == 1
    listed = server.workunits(job_id)
    assert [unit["ordinal"] for unit in listed] == list(range(20)), "quizzes are in no list"
    own = server.get("/hosts/me", token=liar.token)["answers"]
    assert own["valid"] < own["invalid"] + own["void"]
    assert own["in_sealed_jobs"] == 0
