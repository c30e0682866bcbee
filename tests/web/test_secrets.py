"""This file is where a spec's secret is looked for everywhere, and only trusted hosts have it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.exceptions import InvalidTag
from sqlmodel import select
from test_private import places, told
from web_people import ROWS_CSV, Host, People, enable, opened, report

from grid import chunks
from grid.assimilator.ending import Progress
from grid.daemons.computing import Machine
from grid.db import progress
from grid.db.tables import IdempotencyRow, SecretRow, table
from grid.db.trusting import TrustedWork
from grid.identifiers import Kind
from grid.items import PointRange
from grid.plugins.inputs import with_points
from grid.plugins.loader import OWN_FOLDER, find, load
from grid.secrets import misplaced, names, split, whole, with_literals

KEY = "7f3a" * 8 + "19c5" * 8
SPEC = {"columns": ["name", "score"], "key": KEY}
#: What must be nowhere: the key, its bytes in base64, and a piece of it.
HIDDEN = {
    "key": KEY,
    "bytes": base64.b64encode(bytes.fromhex(KEY)).decode()[:30],
    "piece": KEY[20:44],
}
README = OWN_FOLDER / "encryptRows" / "README.md"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    with opened(tmp_path / "data", run_daemons=False) as found:
        enable(found.store, "encryptRows")
        yield found


def job(people: People, **further: Any) -> str:
    return people.job(SPEC, people.dataset(chunk_rows=4), job_type="encryptRows", **further)


def own_host(people: People) -> Host:
    return people.host(people.token("ann", "trusted_host"))


def right(people: People, assignment: dict[str, Any]) -> dict[str, Any]:
    """The report of an honest host, from what the assignment alone says."""
    found = people.store.job_types.find("encryptRows")
    assert found is not None
    job_type = people.store.job_types.loaded(found.digest).job_type
    of: dict[int, dict[str, Any]] = {}
    for one in assignment["inputs"]:
        blob = people.store.blobs.get(one["digest"])
        of.setdefault(one["first_row"], {})[one["column"]] = chunks.to_python(
            chunks.decode_column(blob)
        )
    points = msgspec.convert(assignment["points"], PointRange)
    dataset = people.get(f"/jobs/{assignment['job']['id']}", people.admin).json()["dataset"]
    columns = people.get(f"/datasets/{dataset}", people.admin).json()["columns"]
    schema = msgspec.convert(columns, tuple[chunks.Column, ...])
    key = assignment["params"]["literals"][-1]
    output = job_type.reference(
        {**SPEC, "key": key}, schema, with_points(points, list(of), list(of.values()))
    )
    return report(assignment, output)


def secret_rows(people: People) -> list[Any]:
    with people.store.read() as connection:
        return list(connection.execute(select(table(SecretRow))))


def finish(people: People, job_id: str, host: Host) -> None:
    for _ in range(10):
        for one in host.ask(8):
            (said,) = host.tell(right(people, one))
            assert said["accepted"], said
        people.settle()
        if people.get(f"/jobs/{job_id}").json()["state"] == "completed":
            return
    raise AssertionError("it does not end")


def decrypter() -> Any:
    """What the README's ten lines define."""
    (code,) = re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    assert len([line for line in code.splitlines() if line]) == 10
    scope: dict[str, Any] = {}
    exec(code, scope)
    return scope["decrypt"]


def test_ten_rows_out_decrypt_to_ten_rows_in_by_the_readmes_lines(people: People) -> None:
    job_id = job(people)
    finish(people, job_id, own_host(people))
    found = people.get(f"/jobs/{job_id}/output").json()
    decrypt = decrypter()
    header, *lines = ROWS_CSV.splitlines()
    assert found["columns"] == header.split(",")
    rows = [
        [str(row[0]), decrypt(KEY, number, "name", row[1]), decrypt(KEY, number, "score", row[2])]
        for number, row in enumerate(found["rows"])
    ]
    assert rows == [line.split(",") for line in lines] and len(rows) == 10
    assert len({row[1] for row in found["rows"]}) == 10, "equal names do not look alike"
    for row, column in ((1, "name"), (0, "score")):
        with pytest.raises(InvalidTag):
            decrypt(KEY, row, column, found["rows"][0][1])


def test_a_secret_is_on_no_route_in_no_file_and_in_no_log(
    people: People, capsys: pytest.CaptureFixture[str]
) -> None:
    key = {"Idempotency-Key": "once"}
    dataset = people.dataset(chunk_rows=4)
    body = {"job_type": "encryptRows", "spec": SPEC, "dataset": dataset}
    posted = people.post("/jobs", body, people.requester, headers=dict(key))
    again = people.post("/jobs", body, people.requester, headers=dict(key))
    assert posted.status_code == again.status_code == 201
    assert posted.json() == again.json() and KEY not in posted.text
    job_id = posted.json()["id"]
    asked = {"spec": SPEC, "dataset": dataset}
    preview = people.post("/job-types/encryptRows/preview", asked, people.requester)
    assert preview.status_code == 200
    assert all(text not in preview.text for text in HIDDEN.values())
    host = own_host(people)
    walks = [people.requester, people.admin, None, host.token]

    def look(when: str) -> None:
        known = [places(people, job_id, people.admin)]
        for token in walks:
            assert told(people, known, token, HIDDEN) == set(), when
        for path in sorted(people.store.settings.data_dir.rglob("*")):
            data = path.read_bytes() if path.is_file() else b""
            assert KEY.encode() not in data and bytes.fromhex(KEY) not in data, path
            assert hashlib.sha256(KEY.encode()).hexdigest().encode() not in data, path

    assert len(secret_rows(people)) == 1
    look("open")
    finish(people, job_id, host)
    assert secret_rows(people) == []
    look("completed")
    said = capsys.readouterr()
    assert all(text not in said.out + said.err for text in HIDDEN.values())
    with people.store.read() as connection:
        (kept,) = connection.execute(select(table(IdempotencyRow)))
    sent = msgspec.json.encode(body)
    assert hashlib.sha256(sent).hexdigest() != kept.body_digest


def test_only_trusted_hosts_of_the_jobs_own_account_get_its_work(people: People) -> None:
    job(people)
    strangers = (
        people.host(),
        people.host(people.token("another", "trusted_host")),
        people.host(people.token("admin", "trusted_host")),
        people.host(people.requester),
    )
    for host in strangers:
        answer = host.work(1).json()
        assert answer["assignments"] == [] and answer["why_no_work"] == "trusted_only"
    (assignment,) = own_host(people).ask(1)
    assert assignment["params"]["literals"][-1] == KEY


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        ({"mode": "standard"}, "/policy/mode"),
        ({"mode": "fixed"}, "/policy/mode"),
        ({"target_error": 1e-4}, "/policy/mode"),
        ({"min_quorum": 2}, "/policy/min_quorum"),
    ],
)
def test_any_other_mode_is_refused(people: People, policy: dict[str, Any], pointer: str) -> None:
    answer = people.submit(SPEC, people.dataset(), job_type="encryptRows", policy=policy)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert secret_rows(people) == [] and KEY not in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"key": KEY[:-1]},
        {"key": KEY.upper() + "Z"},
        {"key": [KEY]},
        {"key": {"deep": KEY}},
        {"columns": []},
        {"columns": [1]},
        {"columns": ["nobody"]},
        {"unknown": 1},
    ],
)
def test_no_complaint_about_a_spec_quotes_its_secret(
    people: People, change: dict[str, Any]
) -> None:
    spec = {**SPEC, **change}
    answer = people.submit(spec, people.dataset(), job_type="encryptRows")
    assert answer.status_code == 400 and answer.json()["errors"]
    assert KEY[:40].lower() not in answer.text.lower()


def test_the_servers_own_runs_have_the_secret_in_program_and_reference(people: People) -> None:
    job_id = people.job(SPEC, people.dataset(chunk_rows=10), job_type="encryptRows")
    (assignment,) = own_host(people).ask(1)
    work = TrustedWork(
        result_id=people.internal(Kind.RESULT, assignment["result_id"]),
        workunit_id=1,
        job_id=people.internal(Kind.JOB, job_id),
        ordinal=0,
        first_chunk=0,
        chunk_count=1,
    )
    with closing(Machine()) as machine:
        computed = machine(people.store, work)
    assert (computed.suspect, computed.message) == ("", None)
    expected = base64.b64decode(right(people, assignment)["output"])
    assert computed.output == expected.decode()


@pytest.mark.parametrize("how", ["cancelled", "failed"])
def test_a_secret_goes_with_its_job_however_that_ends(people: People, how: str) -> None:
    job_id = job(people, policy={"max_error_results": 1})
    assert len(secret_rows(people)) == 1
    if how == "cancelled":
        people.post(f"/jobs/{job_id}/cancel", {}, people.requester)
    else:
        number, broken = people.internal(Kind.JOB, job_id), Progress(merged=-1, failure="no")
        keyring = people.store.keyring
        people.store.write(lambda tx: progress.end_job(tx, number, broken, keyring))
    assert people.get(f"/jobs/{job_id}").json()["state"] == how
    assert secret_rows(people) == []


SCHEMA = {"properties": {"a": {"type": "string"}, "k": {"type": "string", "writeOnly": True}}}


def test_what_is_taken_out_of_a_spec_is_put_back() -> None:
    assert names(SCHEMA) == ("k",)
    public, hidden = split({"k": "x", "a": "y"}, names(SCHEMA))
    assert (public, hidden) == ({"a": "y"}, {"k": "x"})
    assert whole(public, hidden) == {"a": "y", "k": "x"}
    assert with_literals({"literals": ["1"]}, hidden) == {"literals": ["1", "x"]}
    assert with_literals({"literals": ["1"]}, {}) == {"literals": ["1"]}


@pytest.mark.parametrize(
    ("properties", "wrong"),
    [
        (SCHEMA["properties"], False),
        ({"k": {"type": "integer", "writeOnly": True}}, True),
        ({"o": {"properties": {"k": {"type": "string", "writeOnly": True}}}}, True),
        ({"o": {"items": {"type": "string", "writeOnly": True}}}, True),
    ],
)
def test_a_secret_is_a_text_at_the_top_level(properties: Any, wrong: bool) -> None:
    assert misplaced({"properties": properties}) is wrong


def test_the_job_type_says_that_its_key_is_secret() -> None:
    assert names(load(find(OWN_FOLDER / "encryptRows")).spec_schema) == ("key",)
