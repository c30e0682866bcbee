"""This file is where jobs that count points are posted, refused, assigned, shown and ended."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from sqlalchemy import select
from web_people import People, enable, report

from grid.daemons import trusted
from grid.db import speeds
from grid.db.store import Store
from grid.db.tables import OutboxRow, table

PI = {"streams": 10, "draws": 50}
ALPHABET = "abcdefghijklmnopqrstuvwxyz"
KEY = hashlib.md5(b"kl", usedforsecurity=False).hexdigest()
SEARCH = {"algorithm": "md5", "hash": KEY, "alphabet": ALPHABET, "length": 2}


@pytest.fixture(scope="module")
def classics(crowd: People) -> People:
    enable(crowd.store, "monteCarloPi", "hashSearch", "stringHash", "pingPong")
    return crowd


@pytest.mark.parametrize(
    ("job_type", "spec", "further", "pointer", "said"),
    [
        ("SUM", {"column": "score"}, {}, "/dataset", "needs a data set"),
        ("monteCarloPi", PI, {"dataset": "rows"}, "/dataset", "needs no data set: leave it out"),
        ("SUM", {"column": "score"}, {"dataset": "rows", "workunit_points": 5}, "/workunit_points",
         "over chunks, not points"),
        ("monteCarloPi", PI, {"workunit_chunks": 5}, "/workunit_chunks", "give workunit_points"),
        ("monteCarloPi", {"streams": 10, "draws": 10**9}, {"workunit_points": 1000},
         "/workunit_points", "at most 999"),
        ("monteCarloPi", {"streams": 10**9, "draws": 1}, {"workunit_points": 1},
         "/workunit_points", "1,000,000,000 work units; 10,000,000 at most"),
        ("monteCarloPi", {"streams": 10**9, "draws": 10**9}, {}, "/spec/draws", "at most"),
        ("monteCarloPi", {"streams": 0, "draws": 1}, {}, "/spec/streams", "minimum"),
        ("hashSearch", {**SEARCH, "length": 9}, {}, "/spec/length", "1,000,000,000,000 keys"),
        ("hashSearch", {**SEARCH, "hash": KEY + "00"}, {}, "/spec/hash", "32 hex digits"),
        ("hashSearch", {**SEARCH, "alphabet": "aba"}, {}, "/spec/alphabet", "each character once"),
        ("hashSearch", {**SEARCH, "salt_after": "é" * 27}, {}, "/spec/length", "55 bytes"),
        ("hashSearch", {**SEARCH, "algorithm": "md4"}, {}, "/spec/algorithm", "md5 sha1 sha256"),
        ("stringHash", {"column": "score"}, {"dataset": "rows"}, "/spec/column", "not text"),
        ("stringHash", {"column": "name"}, {"dataset": "rows", "workunit_points": 4001},
         "/workunit_points", "at most 4,000"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_job_is_refused_by_name(
    classics: People,
    job_type: str,
    spec: dict[str, Any],
    further: dict[str, Any],
    pointer: str,
    said: str,
) -> None:
    dataset = classics.dataset() if further.get("dataset") else None
    before = classics.row_counts()
    asked = {name: value for name, value in further.items() if name != "dataset"}
    answer = classics.submit(spec, dataset, job_type, **asked)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert said in answer.text
    assert classics.row_counts() == before


def test_a_job_without_a_data_set_is_shown_and_assigned_by_its_points(classics: People) -> None:
    answer = classics.submit(PI, None, "monteCarloPi", workunit_points=4, policy={"min_quorum": 1})
    assert answer.status_code == 201, answer.text
    view = answer.json()
    assert view["dataset"] is None and "dataset" not in view["_links"]
    assert view["points"] == {"count": 10, "per_work_unit": 4}
    assert view["counts"]["work_units"] == 3
    assert (view["public"], view["name"]) == (True, "Pi by random points")
    host = classics.host()
    assignments = host.ask(3)
    assert [one["inputs"] for one in assignments] == [[], [], []]
    assert [one["points"] for one in assignments] == [
        {"first": first, "count": count, "physical": "int32"}
        for first, count in ((0, 4), (4, 4), (8, 2))
    ]
    host.tell(*({**host.computed(one), "elapsed_ms": 5} for one in assignments))
    view = classics.finish(view["id"], [])
    assert view["state"] == "completed"
    with classics.store.read() as connection:
        measured = [one.rows for one in speeds.samples(connection)]
    assert measured == [4 * 60] * 3, "what is declared of a work unit, not how many points it has"
    units = classics.get(f"/jobs/{view['id']}/workunits").json()["items"]
    assert [(one["first_point"], one["point_count"]) for one in units] == [(0, 4), (4, 4), (8, 2)]
    page = classics.get(f"http://grid.example/jobs/{view['id']}").text
    assert "10, in work units of 4" in page
    assert "/datasets/None" not in page


def test_the_log_says_what_is_counted(classics: People) -> None:
    job_id = classics.submit(PI, None, "monteCarloPi", workunit_points=3).json()["id"]
    entry = next(one for one in reversed(logged(classics.store)) if one.get("job") == job_id
                 and one.get("event") == "submitted")  # fmt: skip
    assert entry["points"] == {"count": 10, "per_work_unit": 3}
    assert entry["source_digest"] is None and entry["columns"] is None
    assert entry["work_units"] == 4


def test_a_private_job_without_a_data_set_is_for_trusted_hosts(classics: People) -> None:
    answer = classics.submit(PI, None, "monteCarloPi", workunit_points=10, public=False)
    view = answer.json()
    assert (answer.status_code, view["policy"]["mode"]) == (201, "trusted")
    assert classics.get(f"/jobs/{view['id']}").status_code == 404


def test_a_preview_says_how_points_would_be_cut(classics: People) -> None:
    body = {"spec": {"streams": 1000, "draws": 10**7}}
    view = classics.post("/job-types/monteCarloPi/preview", body, classics.requester).json()
    assert view["cost"]["points"] == 1000
    assert view["cost"]["rows"] is None and view["cost"]["bytes_per_copy"] == 0
    assert 2000 <= view["cost"]["workunit_ms"] <= 20_000
    assert 10 <= view["cost"]["work_units"] <= 100
    asked = classics.get("/job-types/monteCarloPi").json()
    assert asked["needs_dataset"] is False


def test_rows_of_a_data_set_are_counted_across_its_chunks(classics: People) -> None:
    dataset = classics.dataset(chunk_rows=4)
    answer = classics.submit({"column": "name"}, dataset, "stringHash", workunit_points=3,
                             policy={"min_quorum": 1})  # fmt: skip
    assignments = classics.host().ask(8)
    given = [
        (one["points"]["first"], [(part["chunk"], part["first_row"]) for part in one["inputs"]])
        for one in assignments
        if one["job"]["id"] == answer.json()["id"]
    ]
    assert given == [(0, [(0, 0)]), (3, [(0, 0), (1, 4)]), (6, [(1, 4), (2, 8)]), (9, [(2, 8)])]


def test_a_data_set_without_rows_has_no_points_and_an_empty_output(classics: People) -> None:
    dataset = classics.dataset("name,n\n", header="true", types='{"name": "text"}')
    answer = classics.submit({"column": "name"}, dataset, "stringHash")
    assert answer.status_code == 201, answer.text
    assert answer.json()["points"] == {"count": 0, "per_work_unit": 1}
    view = classics.finish(answer.json()["id"], [])
    assert view["state"] == "completed"
    assert classics.get(f"/jobs/{view['id']}/output").json()["rows"] == []


def test_a_job_type_that_warns_is_enabled_only_by_who_has_read_it(people: People) -> None:
    there = {one["name"]: one for one in people.get("/job-types", people.admin).json()["items"]}
    body = {"name": "hashSearch", "digest": there["hashSearch"]["digest"], "enabled": True}
    answer = people.post("/admin/plugins", body, people.admin)
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["pointer"] == "/caution"
    assert there["hashSearch"]["caution"] in answer.json()["detail"]
    answer = people.post("/admin/plugins", {**body, "caution": True}, people.admin)
    assert answer.json()["enabled"] is True
    assert there["SUM"]["caution"] is None


def test_one_hit_ends_the_job_because_the_server_checks_it(people: People) -> None:
    """Three equal answers are asked for, and there is one host."""
    enable(people.store, "hashSearch")
    job_id = people.job(SEARCH, None, job_type="hashSearch", workunit_points=100,
                        policy={"min_quorum": 3})  # fmt: skip
    host = people.host()
    assignments = {one["points"]["first"]: one for one in host.ask(7)}
    host.tell(host.computed(assignments[200]))
    trusted.do_pass(people.store, people.store.now())
    people.settle()
    view = people.get(f"/jobs/{job_id}", people.admin).json()
    assert view["state"] == "completed", view
    assert people.get(f"/jobs/{job_id}/output", people.admin).json()["rows"] == [["kl"]]
    assert not host.ask(1), "nothing of an ended job goes out"
    (late,) = host.tell(host.computed(assignments[0]))
    assert late["accepted"] or late["reason"] == "too_late"
    rest = [assignments[first] for first in (100, 300, 400, 500, 600)]
    host.tell(*(released(one) for one in rest))
    people.settle()
    view = people.get(f"/jobs/{job_id}", people.admin).json()
    assert (view["sealed"], view["stopped_by"]) == (False, 2)
    units = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    assert units[2]["verdict"].startswith("the server computed it")
    assert [unit["error_mask"] for unit in units] == [
        ["CANCELLED"] if ordinal != 2 else [] for ordinal in range(7)
    ]


@pytest.mark.parametrize("key", ["kx", "KL", "k", "klm", ""])
def test_a_key_that_has_another_hash_is_refused_at_once(people: People, key: str) -> None:
    enable(people.store, "hashSearch")
    people.job(SEARCH, None, job_type="hashSearch", workunit_points=676, policy={"min_quorum": 1})
    host = people.host()
    (assignment,) = host.ask()
    (said,) = host.tell(report(assignment, {"keys": [key]}))
    assert (said["accepted"], said["reason"]) == (False, "bad_output")
    people.settle()
    (again,) = people.host().ask()
    assert again["points"] == assignment["points"]


def test_a_true_key_of_another_work_unit_does_not_count(people: People) -> None:
    enable(people.store, "hashSearch")
    people.job(SEARCH, None, job_type="hashSearch", workunit_points=100, policy={"min_quorum": 2})
    host = people.host()
    assignment = next(one for one in host.ask(7) if one["points"]["first"] == 0)
    host.tell(report(assignment, {"keys": ["kl"]}))
    trusted.do_pass(people.store, people.store.now())
    people.settle()
    (view,) = people.get("/jobs", people.admin).json()["items"]
    assert view["state"] == "active"


def released(assignment: dict[str, Any]) -> dict[str, Any]:
    return {
        "result_id": assignment["result_id"], "lease": assignment["lease"], "outcome": "released",
    }  # fmt: skip


def logged(store: Store) -> list[dict[str, Any]]:
    lines = table(OutboxRow)
    with store.read() as connection:
        found = connection.scalars(select(lines.c.facts).order_by(lines.c.id)).all()
    return [json.loads(one) if isinstance(one, str) else one for one in found]
