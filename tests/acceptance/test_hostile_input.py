"""This file is where hostile text stays data, from the upload to the output, in a real engine."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from live import TEST_JOB_TYPES, LiveHost, LiveServer

from grid.engines import Computation
from grid.engines.deno import DenoEngine

#: Texts that break out of quotes, lines, comments, templates, markup, or objects, where a generator
#: is careless; the second is a request that must never be made.
HOSTILE = [
    "O'Brien",
    "'+fetch('http://127.0.0.1:9/leak')+'",
    'say "no"',
    "back\\slash",
    "ends with \\",
    "two\nlines",
    "carriage\r\nreturn",
    "line\u2028separator",
    "tag\U000e0001character",
    "</script><script>alert(1)</script>",
    "${constructor}`",
    "*/ throw 1 /*",
    "<!-- -->",
    "__proto__",
    "constructor",
    "Ünïcødé 🙂",
    "%_",
]


@pytest.fixture(scope="module")
def engine() -> Iterator[DenoEngine]:
    with DenoEngine() as one:
        yield one


@pytest.fixture(scope="module")
def hostile(module_server: LiveServer) -> str:
    """A data set with a row for each hostile text."""
    text = io.StringIO(newline="")
    written = csv.writer(text, lineterminator="\n")
    written.writerow(["place", "text"])
    written.writerows([str(place), value] for place, value in enumerate(HOSTILE))
    return module_server.dataset(text.getvalue(), chunk_rows=5)


def quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


@pytest.mark.parametrize("form", ["where", "criterias"])
@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_r08_a_hostile_text_is_found_as_what_it_is(
    server: LiveServer, hostile: str, engine: DenoEngine, value: str, form: str
) -> None:
    spec: dict[str, Any] = {"where": f"text = {quoted(value)}"}
    plain: dict[str, Any] = {"where": "text = 'x'"}
    if form == "criterias":
        spec = {"criterias": [{"col": "text", "operator": "==", "value": value}]}
        plain = {"criterias": [{"col": "text", "operator": "==", "value": "x"}]}
    job_id = server.job("filterBy", spec, hostile, min_quorum=1)
    LiveHost(server, server.engine(engine)).compute_all()
    ended = server.until(job_id, "completed")
    assert server.output(job_id) == [[HOSTILE.index(value), value]]
    read = list(csv.reader(io.StringIO(server.output_csv(job_id), newline="")))
    assert read == [["place", "text"], [str(HOSTILE.index(value)), value]]

    program = server.ask("GET", f"/jobs/{job_id}/program").content
    other = server.job("filterBy", plain, hostile, min_quorum=1)
    assert server.ask("GET", f"/jobs/{other}/program").content == program, "no value is in it"
    assert server.view(other)["program"] == ended["program"]


def test_r08_hostile_text_in_every_cell_changes_no_answer(
    server: LiveServer, hostile: str, engine: DenoEngine
) -> None:
    everything = server.job("filterBy", {"where": "place >= 0"}, hostile, min_quorum=1)
    least = server.job("MIN", {"column": "text"}, hostile, min_quorum=1)
    some = server.job("filterBy", {"where": "text LIKE '%\\%'"}, hostile, min_quorum=1)
    LiveHost(server, server.engine(engine)).compute_all()
    for job_id in (everything, least, some):
        server.until(job_id, "completed")
    assert server.output(everything) == [list(one) for one in enumerate(HOSTILE)]
    assert server.output(least) == [[min(HOSTILE, key=str.encode), len(HOSTILE)]]
    found = [text for text in HOSTILE if "\\" in text]
    assert [text for _, text in server.output(some)] == found


@pytest.mark.parametrize(
    ("spec", "pointer"),
    [
        ({"criterias": "col0 == 1"}, "/spec/criterias"),
        ({"criterias": [{"col": 0, "operator": "==", "value": 1, "x": 1}]}, "/spec/criterias/0/x"),
        ({"where": "place = 1", "extra": 1}, "/spec/extra"),
        ({"where": "place = 1", "__proto__": {"a": 1}}, "/spec/__proto__"),
        ({"where": "place = 1); fetch('x'"}, "/spec/where"),
        ({"where": "'"}, "/spec/where"),
        ("fetch('x')", "/spec"),
        ({"criterias": [{"col": 0, "operator": "==", "value": True}]}, "/spec/criterias/0/value"),
        ({"criterias": [{"col": 0, "operator": "==", "value": None}]}, "/spec/criterias/0/value"),
        ({"criterias": [{"col": 0, "operator": "!=", "value": 1}]}, "/spec/criterias/0/operator"),
        ({"criterias": [{"col": "length", "operator": "==", "value": 1}]}, "/spec/criterias/0/col"),
        ({"criterias": [{"col": -1, "operator": "==", "value": 1}]}, "/spec/criterias/0/col"),
        ({"criterias": [{"col": 2, "operator": "==", "value": 1}]}, "/spec/criterias/0/col"),
        ({"criterias": [{"col": 0, "operator": "==", "value": "1"}]}, "/spec/criterias/0/value"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_r08_r09_a_spec_that_is_none_is_refused_and_the_field_named(
    server: LiveServer, hostile: str, spec: Any, pointer: str
) -> None:
    _refused(server, hostile, json.dumps(spec), pointer)


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e400"])
def test_r09_a_number_that_is_none_is_refused(
    server: LiveServer, hostile: str, number: str
) -> None:
    spec = f'{{"criterias": [{{"col": 0, "operator": "==", "value": {number}}}]}}'
    _refused(server, hostile, spec, "/spec" if number == "1e400" else "")


@pytest.mark.parametrize("text", ["n\n3\n4\n", 'n\n"3"\n4\n', "n\n 3\n4\n", "n,m\n3,x\n4,y\n"])
def test_r10_a_row_of_an_uploaded_3_equals_the_number_3(server: LiveServer, text: str) -> None:
    spec = {"criterias": [{"col": 0, "operator": "==", "value": 3}]}
    dataset = server.dataset(text, types=json.dumps({"n": "int64"}))
    job_id = server.job("filterBy", spec, dataset, min_quorum=1)
    LiveHost(server).compute_all()
    server.until(job_id, "completed")
    assert [row[0] for row in server.output(job_id)] == [3]


@pytest.mark.parametrize(
    "probe",
    [
        "typeof self",
        "typeof origin",
        "typeof fetch",
        "typeof indexedDB",
        "typeof document",
        "typeof Deno",
        "typeof globalThis",
        "typeof this",
    ],
)
def test_r11_what_job_code_reaches_for_is_not_there(engine: DenoEngine, probe: str) -> None:
    program = f'(function (inputs, params, kit) {{ "use strict"; return {probe}; }})'
    job = Computation(program=program, columns=(), chunks=(), rows=(), params=None, time_limit_s=20)
    assert engine.compute(job) == b'"undefined"'


def test_r11_a_program_that_reaches_out_is_refused_before_any_volunteer_sees_it(
    tmp_path: Path,
) -> None:
    reaches = {"origin": "self.origin", "fetches": "fetch('x')", "stores": "indexedDB"}
    for name, expression in reaches.items():
        folder = tmp_path / "types" / name
        folder.mkdir(parents=True)
        for path in (TEST_JOB_TYPES / "tally").glob("*.*"):
            text = path.read_text().replace("tally", name)
            text = text.replace("let rows = 0;", f"let rows = {expression};")
            (folder / path.name).write_text(text)
    with LiveServer(tmp_path, job_type_folders=tmp_path / "types") as server:
        dataset = server.dataset("n\n1\n")
        for name in reaches:
            server.set_plugin(name)
            answer = server.submit(name, {}, dataset)
            assert answer.status_code == 400, name
            assert "not allowed" in answer.json()["detail"]
        assert server.get("/jobs")["items"] == []


def _refused(server: LiveServer, dataset: str, spec: str, pointer: str) -> None:
    """Post this JSON text as a filterBy spec: a 4xx names the field, and nothing is made."""
    before = server.get("/jobs?limit=1")["items"]
    body = f'{{"job_type": "filterBy", "dataset": "{dataset}", "spec": {spec}}}'
    headers = {"Content-Type": "application/json"}
    answer = server.ask("POST", "/jobs", headers=headers, content=body)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [one["pointer"] for one in answer.json()["errors"]]
    assert server.get("/jobs?limit=1")["items"] == before
