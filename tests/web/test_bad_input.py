"""This file is where strangers post nonsense: a 4xx naming the field, and nothing is created."""

from __future__ import annotations

from typing import Any

import pytest
from web_people import API, People, enable

from grid.identifiers import Kind

SUYASH = {"where": "name = 'Suyash'"}
#: What a job is refused for: changes to a good body → code, pointer, and a word of the detail.
JOBS: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "unknown column": ({"spec": {"where": "nome = 'x'"}}, 400, "/spec/where", "nome"),
    "wrong type": ({"spec": {"where": "score = 'x'"}}, 400, "/spec/where", "text"),
    "bad expression": ({"spec": {"where": "score = = 1"}}, 400, "/spec/where", ""),
    "no condition": ({"spec": {"where": "score + 1"}}, 400, "/spec/where", ""),
    "unknown operator": (
        {"spec": {"criterias": [{"col": 0, "operator": "!=", "value": 1}]}},
        400, "/spec/criterias/0/operator", "",
    ),
    "criterias as a string": ({"spec": {"criterias": "a"}}, 400, "/spec/criterias", ""),
    "value true": (
        {"spec": {"criterias": [{"col": 0, "operator": "==", "value": True}]}},
        400, "/spec/criterias/0/value", "",
    ),
    "value null": (
        {"spec": {"criterias": [{"col": 0, "operator": "==", "value": None}]}},
        400, "/spec/criterias/0/value", "",
    ),
    "column length": (
        {"spec": {"criterias": [{"col": "length", "operator": "==", "value": 1}]}},
        400, "/spec/criterias/0/col", "length",
    ),
    "column 3 of 3": (
        {"spec": {"criterias": [{"col": 3, "operator": "==", "value": 1}]}},
        400, "/spec/criterias/0/col", "",
    ),
    "unknown key in the spec": ({"spec": {**SUYASH, "code": "1"}}, 400, "/spec/code", ""),
    "key in a criterion": (
        {"spec": {"criterias": [{"col": 0, "operator": "==", "value": 1, "x": 1}]}},
        400, "/spec/criterias/0/x", "",
    ),
    "spec is a list": ({"spec": []}, 400, "/spec", "object"),
    "unknown key": ({"colour": 1}, 400, "/colour", "colour"),
    "unknown job type": ({"job_type": "filterBuy"}, 400, "/job_type", "filterBuy"),
    "job type from a path": ({"job_type": "../filterBy"}, 400, "/job_type", ""),
    "job type is a number": ({"job_type": 1}, 400, "/job_type", ""),
    "unknown data set": ({"dataset": "data_" + "a" * 26}, 400, "/dataset", "data set"),
    "data set of zeros": ({"dataset": "data_" + "0" * 32}, 400, "/dataset", "data set"),
    "data set by number": ({"dataset": "1"}, 400, "/dataset", ""),
    "empty name": ({"name": ""}, 400, "/name", ""),
    "long name": ({"name": "x" * 201}, 400, "/name", ""),
    "name with a control": ({"name": "a\u0000b"}, 400, "/name", ""),
    "metadata is a list": ({"metadata": []}, 400, "/metadata", ""),
    "much metadata": ({"metadata": {"x": "y" * 16_001}}, 400, "/metadata", ""),
    "policy of another kind": ({"policy": 3}, 400, "/policy", ""),
    "unknown mode": ({"policy": {"mode": "guess"}}, 400, "/policy/mode", ""),
    "unknown policy": ({"policy": {"quorum": 2}}, 400, "/policy/quorum", ""),
    "quorum 0": ({"policy": {"min_quorum": 0}}, 400, "/policy/min_quorum", ""),
    "quorum 21": ({"policy": {"min_quorum": 21}}, 400, "/policy/min_quorum", ""),
    "quorum 2.5": ({"policy": {"min_quorum": 2.5}}, 400, "/policy/min_quorum", ""),
    "fewer copies than quorum": (
        {"policy": {"min_quorum": 3, "target_nresults": 2}}, 400, "/policy/target_nresults", "3",
    ),
    "total below target": (
        {"policy": {"target_nresults": 5, "max_total_results": 4}},
        400, "/policy/max_total_results", "5",
    ),
    "success below quorum": (
        {"policy": {"min_quorum": 5, "max_success_results": 4}},
        400, "/policy/max_success_results", "5",
    ),
    "trusted at quorum 2": (
        {"policy": {"mode": "trusted", "min_quorum": 2}}, 400, "/policy/min_quorum", "",
    ),
    "no time": ({"policy": {"delay_bound_s": 4}}, 400, "/policy/delay_bound_s", ""),
    "too much time": ({"policy": {"delay_bound_s": 86_401}}, 400, "/policy/delay_bound_s", ""),
    "priority 101": ({"policy": {"priority": 101}}, 400, "/policy/priority", ""),
    "priority above others": ({"policy": {"priority": 1}}, 403, "/policy/priority", "admin"),
    "private but fixed": (
        {"public": False, "policy": {"mode": "fixed"}}, 400, "/policy/mode", "trusted",
    ),
}  # fmt: skip

CSV_GOOD = "a,b\n1,2\n3,4\n"
#: What an upload is refused for: bytes, query, type → code and pointer.
UPLOADS: dict[str, tuple[bytes, dict[str, Any], str, int, str]] = {
    "empty body": (b"", {}, "text/csv", 400, "/body"),
    "wrong content type": (b"{}", {}, "application/xml", 415, "/content-type"),
    "JSON that names no source": (b"{}", {}, "application/json", 400, "/source"),
    "no content type": (b"a\n1\n", {}, "", 415, "/content-type"),
    "oversized": (b"a,b\n" + b"1,2\n" * 30_000, {}, "text/csv", 413, "/body"),
    "truncated row": (b"a,b\n1,2\n3", {}, "text/csv", 400, "/body"),
    "unclosed quote": (b'a,b\n1,"2\n', {}, "text/csv", 400, "/body"),
    "invalid UTF-8": (b"a,b\n1,\xff\n", {}, "text/csv", 400, "/body"),
    "cut within a character": ("a\né".encode()[:-1], {}, "text/csv", 400, "/body"),
    "two columns of one name": (b"a,a\n1,2\n", {"header": "true"}, "text/csv", 400, "/body"),
    "unknown type": (b"a\n1\n", {"types": '{"a":"uuid"}'}, "text/csv", 400, "/types/a"),
    "type of no column": (b"a\n1\n", {"types": '{"z":"text"}'}, "text/csv", 400, "/types/z"),
    "types are no JSON": (b"a\n1\n", {"types": "{"}, "text/csv", 400, "/types"),
    "value of another type": (b"a\nx\n", {"types": '{"a":"int64"}'}, "text/csv", 400, "/types/a"),
    "long delimiter": (b"a\n1\n", {"delimiter": "::"}, "text/csv", 400, "/delimiter"),
    "no rows in a chunk": (b"a\n1\n", {"chunk_rows": "-1"}, "text/csv", 400, "/chunk_rows"),
    "chunk_rows is a word": (b"a\n1\n", {"chunk_rows": "many"}, "text/csv", 400, "/chunk_rows"),
    "header is a word": (b"a\n1\n", {"header": "maybe"}, "text/csv", 400, "/header"),
    "public is a word": (b"a\n1\n", {"public": "maybe"}, "text/csv", 400, "/public"),
    "unknown option": (b"a\n1\n", {"encoding": "latin1"}, "text/csv", 400, "/encoding"),
    "no name": (b"a\n1\n", {"name": ""}, "text/csv", 400, "/name"),
    "long name": (b"a\n1\n", {"name": "x" * 201}, "text/csv", 400, "/name"),
}

#: Bodies that are no JSON object of a job.
RAW: dict[str, tuple[bytes, str, int]] = {
    "empty body": (b"", "application/json", 400),
    "white space": (b"  \n", "application/json", 400),
    "truncated": (b'{"job_type": "filterBy"', "application/json", 400),
    "a list": (b"[]", "application/json", 400),
    "null": (b"null", "application/json", 400),
    "invalid UTF-8": (b'{"job_type": "\xff"}', "application/json", 400),
    "nested deep": (b"[" * 50_000, "application/json", 400),
    "oversized": (b'{"name": "' + b"x" * 200_001 + b'"}', "application/json", 413),
    "another type": (b"a=1", "application/x-www-form-urlencoded", 415),
    "no type": (b"{}", "", 415),
    "infinity": (b'{"spec": Infinity}', "application/json", 400),
}


def problem(answer: Any, code: int) -> dict[str, Any]:
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = dict(answer.json())
    assert (body["status"], body["type"]) == (code, "about:blank")
    return body


@pytest.mark.parametrize("case", JOBS)
def test_a_job_that_makes_no_sense_is_refused(crowd: People, case: str) -> None:
    changes, code, pointer, word = JOBS[case]
    good = {"job_type": "filterBy", "spec": SUYASH, "dataset": crowd.dataset()}
    before = crowd.row_counts()
    said = problem(crowd.post("/jobs", {**good, **changes}, crowd.requester), code)
    assert said["errors"][0]["pointer"] == pointer
    assert word in said["detail"]
    assert crowd.row_counts() == before


@pytest.mark.parametrize("field", ["job_type", "spec", "dataset"])
def test_a_job_without_a_field_is_refused(crowd: People, field: str) -> None:
    body = {"job_type": "filterBy", "spec": SUYASH, "dataset": crowd.dataset()}
    del body[field]
    before = crowd.row_counts()
    said = problem(crowd.post("/jobs", body, crowd.requester), 400)
    assert said["errors"][0]["pointer"] == f"/{field}"
    assert crowd.row_counts() == before


def test_an_error_in_an_expression_has_its_place(crowd: People) -> None:
    where = "id = 1 AND nome = 'x'"
    said = problem(crowd.submit({"where": where}, crowd.dataset()), 400)
    assert said["errors"][0]["position"] == where.index("nome")
    assert "name" in said["detail"]


def test_a_disabled_type_is_refused_until_an_admin_enables_it(people: People) -> None:
    dataset = people.dataset()
    enable(people.store, "filterBy", enabled=False)
    before = people.row_counts()
    said = problem(people.submit(SUYASH, dataset), 409)
    assert said["errors"][0]["pointer"] == "/job_type"
    assert "admin" in said["detail"]
    assert people.row_counts() == before
    enable(people.store, "filterBy")
    assert people.submit(SUYASH, dataset).status_code == 201


@pytest.mark.parametrize("case", UPLOADS)
def test_an_upload_that_makes_no_sense_is_refused(crowd: People, case: str) -> None:
    body, query, kind, code, pointer = UPLOADS[case]
    before = crowd.row_counts()
    headers = {"Authorization": f"Bearer {crowd.requester}"}
    if kind:
        headers["Content-Type"] = kind
    params = {"name": "rows", **query}
    answer = crowd.http.post(f"{API}/datasets", content=body, params=params, headers=headers)
    assert problem(answer, code)["errors"][0]["pointer"] == pointer
    assert crowd.row_counts() == before
    assert not list((crowd.store.settings.data_dir / "uploads").glob("*"))


@pytest.mark.parametrize("case", RAW)
@pytest.mark.parametrize("path", ["/jobs", "/job-types/SUM/preview", "/hosts", "/admin/plugins"])
def test_a_body_that_is_no_such_json_is_refused(crowd: People, path: str, case: str) -> None:
    body, kind, code = RAW[case]
    before = crowd.row_counts()
    headers = {"Authorization": f"Bearer {crowd.admin}"}
    if kind:
        headers["Content-Type"] = kind
    problem(crowd.http.post(API + path, content=body, headers=headers), code)
    assert crowd.row_counts() == before


def made_up(people: People, kind: Kind) -> list[str]:
    """Ids that were never given out; the last two are spelled as real ones of this kind are."""
    unused = people.store.keyring.identifiers.public(kind, 999_999)
    ill_formed = ("1", "x", "%00", f"{kind}_", f"{kind}_{'a' * 26}", unused[:-1] + "!")
    return [*ill_formed, unused.upper(), f"{kind}_{'0' * 32}", unused]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/jobs/{}", Kind.JOB),
        ("/jobs/{}/program", Kind.JOB),
        ("/jobs/{}/workunits", Kind.JOB),
        ("/jobs/{}/output", Kind.JOB),
        ("/jobs/{}/events", Kind.JOB),
        ("/datasets/{}", Kind.DATASET),
        ("/datasets/{}/preview", Kind.DATASET),
        ("/datasets/{}/chunks", Kind.DATASET),
        ("/workunits/{}", Kind.WORKUNIT),
        ("http://grid.example/jobs/{}", Kind.JOB),
        ("http://grid.example/datasets/{}", Kind.DATASET),
    ],
)
def test_r29_ids_that_do_not_exist_are_a_404(crowd: People, path: str, kind: Kind) -> None:
    job_id = crowd.job()
    real = {
        Kind.JOB: job_id,
        Kind.DATASET: crowd.get(f"/jobs/{job_id}").json()["dataset"],
        Kind.WORKUNIT: crowd.get(f"/jobs/{job_id}/workunits").json()["items"][0]["id"],
    }
    others = [text for other, text in real.items() if other is not kind]
    for text in (*made_up(crowd, kind), *others, real[kind][:-1], real[kind].upper()):
        answer = crowd.get(path.format(text))
        if path.startswith("http"):
            assert answer.status_code == 404, text
        else:
            problem(answer, 404)
    if not path.endswith("/events"):  # an open stream has no end to wait for
        assert crowd.get(path.format(real[kind])).status_code in (200, 409)


@pytest.mark.parametrize("path", ["/blobs/{}", "/job-types/{}"])
def test_r29_digests_and_names_that_do_not_exist_are_a_404(crowd: People, path: str) -> None:
    real = crowd.job()
    for text in ("0" * 64, "0" * 63, "F" * 64, "1", "x", "%00", "filterby", real):
        problem(crowd.get(path.format(text)), 404)


@pytest.mark.parametrize("move", ["pause", "resume", "cancel"])
def test_r29_moves_of_unknown_jobs_are_a_404(crowd: People, move: str) -> None:
    for text in made_up(crowd, Kind.JOB):
        problem(crowd.post(f"/jobs/{text}/{move}", None, crowd.admin), 404)


def test_r29_data_sets_that_do_not_exist_take_no_jobs(crowd: People) -> None:
    for text in made_up(crowd, Kind.DATASET):
        said = problem(crowd.submit(SUYASH, text), 400)
        assert said["errors"][0]["pointer"] == "/dataset"


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api", "/api/v2", "/api/v1/nope", "/jobs/x/y"])
def test_r29_an_unknown_path_is_a_problem_and_never_a_surprise(crowd: People, path: str) -> None:
    answer = crowd.http.get(path)
    if path == "/":
        assert answer.status_code == 200
    else:
        problem(answer, 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/jobs"), ("PUT", "/datasets"), ("GET", "/work"), ("PATCH", "/hosts")],
)
def test_r29_a_wrong_method_is_a_405(crowd: People, method: str, path: str) -> None:
    problem(crowd.http.request(method, API + path), 405)


def test_a_query_that_is_not_known_is_refused(crowd: People) -> None:
    for path in ("/jobs?stat=active", "/datasets?page=2"):
        name = path.partition("?")[2].partition("=")[0]
        assert problem(crowd.get(path), 400)["errors"][0]["pointer"] == f"/{name}"
    for query, pointer in (
        ("state=done", "/state"), ("limit=0", "/limit"), ("limit=x", "/limit"),
        ("limit=201", "/limit"), ("cursor=zzz", "/cursor"),
    ):  # fmt: skip
        assert problem(crowd.get(f"/jobs?{query}"), 400)["errors"][0]["pointer"] == pointer


def test_r8_a_value_never_becomes_program_text(people: People) -> None:
    nasty = "'+fetch('//x')+'\\\u2028\u2029`${1}</script>\U000e0001"
    quoted = nasty.replace("'", "''")
    rows = f'name,score\n"{nasty}",1\n"O\'Brien",2\n"back\\slash",3\n'
    dataset = people.dataset(rows)
    job_id = people.job({"where": f"name = '{quoted}'"}, dataset)
    plain = people.job({"where": "name = 'plain'"}, dataset)
    program = people.get(f"/jobs/{job_id}/program").text
    assert "fetch" not in program
    assert program == people.get(f"/jobs/{plain}/program").text
    people.finish(job_id, [people.host(), people.host()])
    assert people.get(f"/jobs/{job_id}/output").json()["rows"] == [[nasty, 1]]
