"""This file is where what does not exist is a 404, and results can be read in every way."""

from __future__ import annotations

import csv
import io
import time

import pytest
from live import AT_ONCE_S, LiveHost, LiveServer

from grid.db.keyring import open_keyring
from grid.identifiers import Kind

UNKNOWN = [
    ("GET", "/nothing"),
    ("GET", "/api/v1/nothing"),
    ("GET", "/api/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("GET", "/api/v1/jobs/17"),
    ("GET", "/api/v1/jobs/%00%ff"),
    ("GET", "/api/v1/jobs/" + "a" * 5000),
    ("GET", "/api/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa/output"),
    ("POST", "/api/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa/cancel"),
    ("GET", "/api/v1/workunits/-1"),
    ("GET", "/api/v1/datasets/../../etc/passwd"),
    ("GET", "/api/v1/blobs/" + "0" * 64),
    ("GET", "/api/v1/blobs/..%2f..%2fsecret.key"),
    ("GET", "/jobs/17"),
    ("GET", "/static/../main.py"),
    ("GET", "/static/%2e%2e/main.py"),
]


#: Where an id goes → what it must name.
PLACES = [
    ("GET", "/api/v1/jobs/{}", Kind.JOB),
    ("GET", "/api/v1/jobs/{}/output", Kind.JOB),
    ("GET", "/api/v1/jobs/{}/workunits", Kind.JOB),
    ("GET", "/api/v1/jobs/{}/events", Kind.JOB),
    ("POST", "/api/v1/jobs/{}/cancel", Kind.JOB),
    ("GET", "/api/v1/workunits/{}", Kind.WORKUNIT),
    ("GET", "/api/v1/datasets/{}", Kind.DATASET),
    ("GET", "/jobs/{}", Kind.JOB),
]


def refused(server: LiveServer, method: str, path: str) -> None:
    """Asks as an admin; the answer is a 404, at once."""
    started = time.monotonic()
    answer = server.http.request(
        method,
        server.url + path,
        json={} if method == "POST" else None,
        headers={"Authorization": f"Bearer {server.admin_token}"},
    )
    assert time.monotonic() - started < AT_ONCE_S
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 404


@pytest.mark.parametrize(("method", "path"), UNKNOWN, ids=lambda text: text[:45])
def test_r29_what_does_not_exist_is_a_404_at_once(
    server: LiveServer, method: str, path: str
) -> None:
    refused(server, method, path)


@pytest.mark.parametrize(("method", "path", "kind"), PLACES)
def test_r29_a_well_formed_id_of_nothing_is_a_404_at_once(
    server: LiveServer, method: str, path: str, kind: Kind
) -> None:
    identifiers = open_keyring(server.data).identifiers
    for made_up in (f"{kind}_{'0' * 32}", identifiers.public(kind, 999_999)):
        refused(server, method, path.format(made_up))


@pytest.mark.parametrize("path", ["/api/v1/work", "/api/v1/hosts", "/api/v1/jobs"])
def test_r29_options_is_answered_with_cors(server: LiveServer, path: str) -> None:
    headers = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
    started = time.monotonic()
    answer = server.http.options(server.url + path, headers=headers)
    assert time.monotonic() - started < AT_ONCE_S
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    posts = path != "/api/v1/jobs"
    assert ("POST" in answer.headers["access-control-allow-methods"]) == posts, "volunteers only"


def test_r32_results_are_listed_read_one_by_one_and_merged(server: LiveServer) -> None:
    rows = [[number, f'"row", {number}'] for number in range(9)]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([["id", "name"], *rows])
    dataset = server.dataset(text.getvalue(), chunk_rows=4)
    job_id = server.job("filterBy", {"where": "id <> 4"}, dataset, min_quorum=2)
    for host in (LiveHost(server), LiveHost(server)):
        host.compute_all()
    ended = server.until(job_id, "completed")
    wanted = [row for row in rows if row[0] != 4]

    listed = server.workunits(job_id)
    assert [unit["ordinal"] for unit in listed] == [0, 1, 2]
    alone = [server.get(unit["_links"]["self"]["href"], token="") for unit in listed]
    assert [len(one["results"]) for one in alone] == [2, 2, 2]
    assert [one["canonical_output"]["chunks"][0]["count"] for one in alone] == [4, 3, 1]
    merged = server.get(ended["_links"]["output"]["href"], token="")
    assert merged["rows"] == wanted
    lines = list(csv.reader(io.StringIO(server.output_csv(job_id), newline="")))
    assert lines == [["id", "name"], *([str(a), b] for a, b in wanted)]
