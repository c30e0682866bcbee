"""This file is where it is tested who may do and see what."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Request
from web_people import API, PROTOCOL, ROWS_CSV, People

from grid.settings import Settings
from web.addresses import client_address


def tokens(people: People) -> dict[str, str | None]:
    return {
        "nobody": None,
        "other": people.token("another requester", "requester"),
        "owner": people.requester,
        "admin": people.admin,
        "trusted": people.token("lab", "trusted_host"),
        "owner's trusted": people.token("ann", "trusted_host"),
        "auditor": people.token("eva", "auditor"),
        "host": people.host().token,
    }


#: Who → answer, for what a request of that kind needs.
NEEDS_REQUESTER = {
    "nobody": 401, "other": 201, "owner": 201, "admin": 201, "trusted": 403, "owner's trusted": 403,
    "auditor": 403, "host": 403,
}  # fmt: skip
NEEDS_OWNER = {
    "nobody": 401, "other": 403, "owner": 200, "admin": 200, "trusted": 403, "owner's trusted": 403,
    "auditor": 403, "host": 403,
}  # fmt: skip
NEEDS_ADMIN = {
    "nobody": 401, "other": 403, "owner": 403, "admin": 200, "trusted": 403, "owner's trusted": 403,
    "auditor": 403, "host": 403,
}  # fmt: skip
HIDDEN = {
    "nobody": 404, "other": 404, "owner": 200, "admin": 200, "trusted": 404, "owner's trusted": 404,
    "auditor": 404, "host": 404,
}  # fmt: skip


def test_who_may_submit(crowd: People) -> None:
    for who, token in tokens(crowd).items():
        assert crowd.upload(ROWS_CSV, token).status_code == NEEDS_REQUESTER[who], who
        answer = crowd.submit({"where": "id = 1"}, crowd.dataset(), token=token)
        assert answer.status_code == NEEDS_REQUESTER[who], who


@pytest.mark.parametrize("move", ["pause", "resume", "cancel"])
def test_who_may_move_a_public_job(crowd: People, move: str) -> None:
    state = {"pause": "paused", "resume": "active", "cancel": "cancelled"}[move]
    for who, token in tokens(crowd).items():
        job_id = crowd.job()
        assert crowd.post(f"/jobs/{job_id}/{move}", None, token).status_code == NEEDS_OWNER[who]
        moved = NEEDS_OWNER[who] == 200
        assert crowd.get(f"/jobs/{job_id}").json()["state"] == (state if moved else "active"), who


def test_who_may_administer(crowd: People) -> None:
    found = crowd.store.job_types.find("SUM")
    assert found is not None
    plugin = {"name": "SUM", "digest": found.digest, "enabled": True}
    for who, token in tokens(crowd).items():
        assert crowd.get("/admin/plugins", token).status_code == NEEDS_ADMIN[who], who
        assert crowd.post("/admin/plugins", plugin, token).status_code == NEEDS_ADMIN[who], who
        made = crowd.post("/admin/tokens", {"account": "eve", "scope": "requester"}, token)
        assert made.status_code == {200: 201}.get(NEEDS_ADMIN[who], NEEDS_ADMIN[who]), who


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x", "Bearer " + "x" * 5000, "Bearer a b", "é"],
)
def test_r23_a_header_that_proves_nothing_is_a_401(crowd: People, header: str) -> None:
    for path in ("/jobs", "/datasets", "/admin/plugins"):
        answer = crowd.http.get(API + path, headers={"Authorization": header.encode()})
        assert answer.status_code == 401, path
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


def private_job(people: People) -> tuple[str, str]:
    """A private job of the requester's on a private data set: their ids."""
    dataset = people.dataset("secretcolumn\n12345678901\n", public="false", header="true")
    job_id = people.job({"where": "secretcolumn > 0"}, dataset, name="hidden name")
    return job_id, dataset


def test_a_private_job_does_not_exist_for_others(people: People) -> None:
    job_id, dataset = private_job(people)
    host = people.host(people.token("ann", "trusted_host"))
    people.finish(job_id, [host])
    owner = people.get(f"/jobs/{job_id}", people.requester).json()
    unit = people.get(f"/jobs/{job_id}/workunits", people.requester).json()["items"][0]["id"]
    chunks = people.get(f"/datasets/{dataset}/chunks", people.requester).json()["items"]
    paths = [
        f"/jobs/{job_id}", f"/jobs/{job_id}/program", f"/jobs/{job_id}/workunits",
        f"/jobs/{job_id}/output", f"/jobs/{job_id}/events", f"/datasets/{dataset}",
        f"/datasets/{dataset}/preview", f"/datasets/{dataset}/chunks", f"/workunits/{unit}",
        f"http://grid.example/jobs/{job_id}", f"http://grid.example/datasets/{dataset}",
    ]  # fmt: skip
    digests = [
        owner["program"]["digest"], chunks[0]["columns"][0]["digest"],
        owner["outputs"][0]["manifest"],
    ]  # fmt: skip
    for who, token in tokens(people).items():
        for path in paths:
            assert people.get(path, token).status_code == HIDDEN[who], (who, path)
        for digest in digests:
            expected = 200 if who == "owner's trusted" else HIDDEN[who]
            assert people.get(f"/blobs/{digest}", token).status_code == expected, who


def test_private_things_are_in_no_list_and_on_no_page(people: People) -> None:
    job_id, dataset = private_job(people)
    public = people.job()
    pages = [f"http://grid.example{path}" for path in ("/", "/jobs", f"/jobs/{public}")]
    for who in ("nobody", "other", "trusted", "auditor", "host"):
        token = tokens(people)[who]
        for path in ("/jobs", "/datasets", "/jobs?state=active", "/", *pages):
            told = people.get(path, token).text
            assert not [what for what in (job_id, dataset, "hidden name") if what in told], path
        assert public in people.get("/jobs", token).text
    assert job_id in people.get("/jobs", people.requester).text


def test_a_job_on_somebody_elses_private_data_is_refused(people: People) -> None:
    _, dataset = private_job(people)
    answer = people.submit({"where": "secretcolumn = 1"}, dataset, token=tokens(people)["other"])
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/dataset"
    asked = {"spec": {"where": "TRUE"}, "dataset": dataset}
    for token, code in ((None, 401), (tokens(people)["other"], 400)):
        answer = people.post("/job-types/filterBy/preview", asked, token)
        assert answer.status_code == code


def test_a_job_on_private_data_is_private_and_for_trusted_hosts(people: People) -> None:
    job_id, dataset = private_job(people)
    view = people.get(f"/jobs/{job_id}", people.requester).json()
    assert (view["public"], view["policy"]["mode"]) == (False, "trusted")
    answer = people.submit({"where": "secretcolumn = 1"}, dataset, public=True)
    assert answer.json()["errors"][0]["pointer"] == "/public"


def test_a_private_job_goes_to_trusted_hosts_who_get_its_bytes_by_signed_links(
    people: People,
) -> None:
    private_job(people)
    assert people.host().ask() == []
    trusted = people.host(people.token("ann", "trusted_host"))
    (assignment,) = trusted.ask()
    for part in (assignment["program"], *assignment["inputs"]):
        assert people.http.get(part["url"]).status_code == 200
        assert people.http.get(part["url"].partition("?")[0]).status_code == 404
        assert people.http.get(part["url"][:-1] + "g").status_code == 404
        later = part["url"].replace("until=1", "until=2")
        assert people.http.get(later).status_code == 404


def test_no_secret_is_kept_as_it_is(people: People) -> None:
    host = people.host()
    made = people.post("/admin/tokens", {"account": "eve", "scope": "requester"}, people.admin)
    folder = people.store.settings.data_dir
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for secret in (host.token, made.json()["token"], people.admin):
        assert secret.encode() not in kept


def test_an_expired_and_a_revoked_token_are_401(people: People) -> None:
    old = people.token("old", "requester", ttl_s=-1)
    assert people.get("/jobs", old).status_code == 401
    token = people.token("gone", "requester")
    (held,) = people.get("/tokens", token).json()["items"]
    assert people.post(f"/tokens/{held['id']}/revoke", None, token).status_code == 200
    assert people.get("/jobs", token).status_code == 401


def test_a_named_volunteer_is_one_principal_over_all_machines(people: People) -> None:
    job_id = people.job()
    same = [people.host(people.requester), people.host(people.requester)]
    other = people.host()
    same[0].compute_all()
    assert same[1].ask(8) == []
    view = people.finish(job_id, [other])
    assert view["state"] == "completed"


def enrolment(**changes: Any) -> dict[str, Any]:
    return {"protocol": PROTOCOL, "kind": "browser", "engine": "chromium/1", **changes}


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"kind": "toaster"}, 400, "/kind"),
        ({"engine": ""}, 400, "/engine"),
        ({"engine": "x" * 101}, 400, "/engine"),
        ({"capabilities": {"cores": [1]}}, 400, "/capabilities/cores"),
        ({"capabilities": {"cores": 0}}, 400, "/capabilities/cores"),
        ({"capabilities": {"notes": "x" * 100}}, 400, "/capabilities/notes"),
        ({"extra": 1}, 400, "/extra"),
        ({"protocol": 2}, 409, None),
        ({"protocol": "1"}, 400, "/protocol"),
    ],
)
def test_a_bad_enrolment_creates_no_host(
    crowd: People, changes: dict[str, Any], code: int, pointer: str | None
) -> None:
    before = crowd.row_counts()
    answer = crowd.post("/hosts", enrolment(**changes))
    assert answer.status_code == code
    assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer
    assert crowd.row_counts() == before


def test_an_enrolment_says_all_a_host_needs(people: People) -> None:
    answer = people.post("/hosts", enrolment(capabilities={"cores": 4, "memory_mb": 8192}))
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert body["sandbox_origin"] == "http://grid.example"
    assert (body["protocol"], body["heartbeat_s"]) == (PROTOCOL, 20)


def address_of(forwarded: str | None, trusted: tuple[str, ...], peer: str = "10.0.0.1") -> str:
    scope = {
        "type": "http", "client": (peer, 1), "path": "/", "method": "GET", "query_string": b"",
        "headers": [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())],
    }  # fmt: skip
    request: Request[Any, Any, Any] = Request(scope)  # type: ignore[arg-type]
    return client_address(request, Settings(trusted_proxies=trusted))


@pytest.mark.parametrize(
    ("forwarded", "trusted", "expected"),
    [
        (None, (), "10.0.0.1"),
        ("198.51.100.7", (), "10.0.0.1"),
        (None, ("10.0.0.1",), "10.0.0.1"),
        ("198.51.100.7", ("10.0.0.1",), "198.51.100.7"),
        ("made up, 198.51.100.7", ("10.0.0.1",), "198.51.100.7"),
        ("198.51.100.7, 10.0.0.2", ("10.0.0.1", "10.0.0.2"), "198.51.100.7"),
        ("198.51.100.7, 10.0.0.2", ("10.0.0.1",), "10.0.0.2"),
        ("10.0.0.1", ("10.0.0.1",), "10.0.0.1"),
        ("", ("10.0.0.1",), "10.0.0.1"),
    ],
)
def test_only_trusted_proxies_say_where_a_request_comes_from(
    forwarded: str | None, trusted: tuple[str, ...], expected: str
) -> None:
    assert address_of(forwarded, trusted) == expected
