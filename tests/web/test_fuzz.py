"""This file is where strangers post anything at all, and the server never fails at it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_people import API, PROTOCOL, People

from web.controllers.datasets import OPTIONS

texts = st.text(max_size=20)
leaves = (
    st.none() | st.booleans() | st.integers() | st.floats() | texts
    | st.sampled_from(["fixed", "trusted", "filterBy", "SUM", "browser", "success", "error"])
)  # fmt: skip
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)
FIELDS = {
    "/jobs": ["job_type", "spec", "dataset", "name", "metadata", "public", "policy"],
    "/job-types/filterBy/preview": ["spec", "dataset"],
    "/hosts": ["protocol", "kind", "engine", "capabilities"],
    "/work": ["protocol", "token", "reports", "renew", "want"],
    "/admin/plugins": ["name", "digest", "enabled"],
    "/admin/tokens": ["account", "scope", "days"],
}


tables = st.binary(max_size=60) | st.text('a1,"\n', max_size=60).map(str.encode)


class Known:
    """Right values for fields, so that the wrong ones are reached."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.dataset = people.dataset()
        self.host = people.host()
        found = people.store.job_types.find("SUM")
        assert found is not None
        self.values: dict[str, Any] = {
            "job_type": "filterBy", "spec": {"where": "id = 1"}, "dataset": self.dataset,
            "name": "SUM", "digest": found.digest, "enabled": True, "protocol": PROTOCOL,
            "kind": "browser", "engine": "x/1", "token": self.host.token, "account": "eve",
            "scope": "requester", "policy": {},
        }  # fmt: skip

    def post(self, path: str, data: bytes) -> int:
        kind = "text/csv" if path.startswith("/datasets") else "application/json"
        headers = {"Content-Type": kind, "Authorization": f"Bearer {self.people.admin}"}
        answer = self.people.http.post(API + path, content=data, headers=headers)
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code
        return answer.status_code


@pytest.fixture(scope="module")
def known(crowd: People) -> Known:
    return Known(crowd)


quiet = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("path", FIELDS)
@quiet
@given(data=st.data())
def test_no_json_makes_the_server_fail(known: Known, path: str, data: st.DataObject) -> None:
    chosen = data.draw(st.lists(st.sampled_from(FIELDS[path]), unique=True, min_size=1))
    body = {name: known.values[name] for name in FIELDS[path] if name in known.values}
    body |= {name: data.draw(values) for name in chosen}
    assert known.post(path, json.dumps(body).encode()) < 500


@pytest.mark.parametrize("path", [*FIELDS, "/datasets?name=x", "/jobs/x/pause", "/jobs/x/cancel"])
@quiet
@given(data=st.binary(max_size=200))
def test_no_bytes_make_the_server_fail(known: Known, path: str, data: bytes) -> None:
    assert known.post(path, data) < 500


@quiet
@given(
    where=st.text(max_size=60) | st.text(alphabet="idnamescore=<>'()+-*/ANDORNT 1.%_", max_size=60)
)
def test_no_expression_makes_the_server_fail(known: Known, where: str) -> None:
    body = {"spec": {"where": where}, "dataset": known.dataset}
    data = json.dumps(body).encode()
    assert known.post("/job-types/filterBy/preview", data) in (200, 400)


@quiet
@given(query=st.dictionaries(st.sampled_from([*OPTIONS]), texts), data=tables)
def test_no_upload_makes_the_server_fail(known: Known, query: dict[str, str], data: bytes) -> None:
    answer = known.people.http.post(
        f"{API}/datasets",
        params={"name": "x", **query},
        content=data,
        headers={"Content-Type": "text/csv", "Authorization": f"Bearer {known.people.admin}"},
    )
    assert answer.status_code in (201, 400, 413), answer.text


@quiet
@given(report=st.fixed_dictionaries({
    "result_id": texts, "lease": texts,
    "outcome": st.sampled_from(["success", "error", "released"]),
    "output": st.none() | texts, "message": st.none() | texts,
}))  # fmt: skip
def test_no_report_makes_the_server_fail(known: Known, report: dict[str, Any]) -> None:
    body = {"protocol": PROTOCOL, "token": known.host.token, "reports": [report]}
    assert known.post("/work", json.dumps(body).encode()) == 200


@quiet
@given(path=st.text(max_size=30), name=st.sampled_from(
    ["jobs", "datasets", "workunits", "blobs", "job-types", "sandbox", ""]
))  # fmt: skip
def test_no_path_makes_the_server_fail(known: Known, path: str, name: str) -> None:
    for start in (API, ""):
        answer = known.people.http.get(f"{start}/{name}/{quote(path, safe='')}")
        assert answer.status_code < 500
