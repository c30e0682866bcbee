"""This file is where forged, foreign, repeated and malformed reports change nothing."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from live import LiveHost, LiveServer, View, chunks_of, report

from grid import canonical

ROWS = "id,name\n" + "".join(f"{number},row {number}\n" for number in range(12))
ODD = {"where": "id % 2 = 1"}
RIGHT = [[number, f"row {number}"] for number in range(12) if number % 2 == 1]


def forged(server: LiveServer) -> LiveHost:
    """A host that says of every work unit that no row matches."""

    def lie(assignment: View) -> Any:
        chunks = server.reference(assignment)["chunks"]
        return {"chunks": [{"count": 0, "deltas": ""} for _ in chunks]}

    return LiveHost(server, lie)


@pytest.mark.parametrize("first", ["the forger", "the honest"])
def test_r06_one_forged_replica_among_three_never_reaches_the_output(
    server: LiveServer, first: str
) -> None:
    job_id = server.job(
        "filterBy", ODD, server.dataset(ROWS, chunk_rows=4), min_quorum=2, target_nresults=3
    )
    hosts = [forged(server), LiveHost(server), LiveHost(server)]
    held = [(host, host.take()) for host in hosts]
    assert [len(assignments) for _, assignments in held] == [3, 3, 3]
    for host, assignments in held if first == "the forger" else held[::-1]:
        for said in host.tell(*map(host.computed, assignments)):
            assert said["accepted"], "that it was forged shows only when its seal opens"
    server.until(job_id, "completed")
    assert server.output(job_id) == RIGHT
    lies = {canonical.digest(canonical.dumps(hosts[0]._answer(one))) for one in held[0][1]}
    assert len(_liars(server, job_id, lies)) == 1


def test_a_lying_volunteer_among_honest_ones_never_reaches_the_output(
    server: LiveServer,
) -> None:
    job_id = server.job("filterBy", ODD, server.dataset(ROWS, chunk_rows=1), min_quorum=2)
    liar, honest = forged(server), [LiveHost(server), LiveHost(server)]
    lies = set()
    for assignment in liar.take():
        said = liar.computed(assignment)
        if chunks_of(assignment)[0] % 2 == 1:
            lies.add(canonical.digest(base64.b64decode(said["output"])))
        assert liar.tell(said)[0]["accepted"]
    for _ in range(2):
        for host in honest:
            host.compute_all()
    server.until(job_id, "completed")
    assert server.output(job_id) == RIGHT
    assert len(_liars(server, job_id, lies)) == 1


def test_while_the_seal_is_closed_nobody_sees_who_lied(server: LiveServer) -> None:
    job_id = server.job("filterBy", ODD, server.dataset(ROWS, chunk_rows=12), min_quorum=2)
    for host in (forged(server), LiveHost(server)):
        host.compute_all()
    (unit,) = server.workunits(job_id)
    assert (unit["state"], unit["sealed"]) == ("open", True)
    assert "results" not in server.get(f"/workunits/{unit['id']}")


def test_r07_unknown_foreign_and_repeated_reports_count_for_nothing(server: LiveServer) -> None:
    job_id = server.job("filterBy", ODD, server.dataset(ROWS, chunk_rows=4), min_quorum=2)
    mine, other = LiveHost(server), LiveHost(server)
    assignment, held, *rest = mine.take()
    right = mine.computed(assignment)
    first = mine.tell(right)[0]
    assert first["accepted"]
    before = server.view(job_id)["counts"]

    made_up = {**right, "result_id": "res_" + "a" * 26}
    bad_lease = {**mine.computed(held), "lease": right["lease"]}
    foreign = mine.computed(held)
    changed = report(assignment, {"chunks": [{"count": 0, "deltas": ""}]})
    assert [one.get("reason") for one in mine.tell(made_up, bad_lease, changed)] == [
        "unknown_result", "bad_lease", "already_reported",
    ]  # fmt: skip
    assert other.tell(foreign)[0]["reason"] == "not_yours"
    assert mine.tell(right) == [first], "the same again is answered the same again"
    assert server.view(job_id)["counts"] == before

    for assignment in (held, *rest):
        assert mine.tell(mine.computed(assignment))[0]["accepted"]
    assert len(other.compute_all()) == 3
    server.until(job_id, "completed")
    assert server.output(job_id) == RIGHT
    assert {len(unit["results"]) for unit in server.workunits(job_id)} == {2}


@pytest.mark.parametrize(
    ("output", "why"),
    [
        ("%%%", "base64"),
        (base64.b64encode(b"\xff").decode(), "JSON"),
        (base64.b64encode(b'{"chunks": []}').decode(), "canonical"),
        (base64.b64encode(b'{"rows":1}').decode(), "schema"),
        (base64.b64encode(b'{"chunks":[]}').decode(), "selections"),
        (None, "no output"),
    ],
)
def test_r07_a_malformed_output_is_an_error_of_its_host(
    server: LiveServer, output: str | None, why: str
) -> None:
    job_id = server.job("filterBy", ODD, server.dataset(ROWS, chunk_rows=12), min_quorum=1)
    host = LiveHost(server)
    (assignment,) = host.take()
    (said,) = host.tell({**report(assignment, None), "output": output})
    assert (said["accepted"], said["reason"]) == (False, "bad_output")
    assert len(LiveHost(server).compute_all()) == 1, "another copy is made at once"
    server.until(job_id, "completed")
    assert server.output(job_id) == RIGHT
    (unit,) = server.workunits(job_id)
    bad, good = sorted(unit["results"], key=lambda one: bool(one["canonical"]))
    assert (bad["outcome"], good["outcome"]) == ("validate_error", "success")
    assert why.lower() in bad["message"].lower()


def _liars(server: LiveServer, job_id: str, lies: set[str]) -> set[str]:
    """By whom invalid answers are; they are exactly those of these digests."""
    results = [one for unit in server.workunits(job_id) for one in unit["results"]]
    invalid = [one for one in results if one["validate_state"] == "invalid"]
    assert {one["output_digest"] for one in invalid} == lies
    assert not any(one["canonical"] for one in invalid)
    valid = {one["by"] for one in results if one["validate_state"] == "valid"}
    found = {str(one["by"]) for one in invalid}
    assert len(valid - found) == 2
    return found
