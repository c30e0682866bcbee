"""This file is where outputs are put that are too large for their reports, by friends and liars."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response
from web_people import API, Host, People, enable, opened, output_of, report

from grid import canonical, leases
from grid.daemons import deleter, trusted
from grid.db import queries
from grid.db.store import Store
from grid.db.tables import PutOutputRow, ResultRow, table
from grid.db.trusting import Computed, TrustedWork
from grid.identifiers import Kind
from grid.leases import Lease
from web import receiving
from web.problems import Problem
from web.receiving import Lines, received

JOB_TYPES = Path(__file__).parents[1] / "jobtypes"
#: Bytes a row, of chunks of four rows: 80 kB of base64 a work unit.
EACH = 15_000


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    settings = {"job_type_folders": (str(JOB_TYPES),), "copy_delay_max_s": 0}
    with opened(tmp_path / "data", run_daemons=False, **settings) as found:
        enable(found.store, "zeros")
        yield found


def job(people: People, each: int = EACH, **further: Any) -> str:
    return people.job({"each": each}, job_type="zeros", **further)


def right(people: People, assignment: dict[str, Any]) -> bytes:
    return canonical.dumps(output_of(people.store, assignment))


def put(
    host: Host,
    assignment: dict[str, Any],
    data: Any,
    digest: str | None = None,
    **headers: str | None,
) -> Response:
    """PUTs an output; a header that is None is left out."""
    said = {
        "Authorization": f"Bearer {host.token}",
        "Grid-Lease": assignment["lease"],
        "Content-Type": "application/octet-stream",
        **{name.replace("_", "-"): text for name, text in headers.items()},
    }
    wanted = canonical.digest(data) if digest is None else digest
    return host.people.http.put(
        f"{API}/results/{assignment['result_id']}/outputs/{wanted}",
        content=data,
        headers={name: text for name, text in said.items() if text is not None},
    )


def naming(assignment: dict[str, Any], digest: str) -> dict[str, Any]:
    said = report(assignment, None) | {"output_digest": digest}
    del said["output"]
    return said


def put_and_tell(host: Host, assignment: dict[str, Any], data: bytes) -> dict[str, Any]:
    answer = put(host, assignment, data)
    assert answer.status_code == 201, answer.text
    return host.tell(naming(assignment, canonical.digest(data)))[0]


def put_rows(people: People) -> list[Any]:
    with people.store.read() as connection:
        return list(connection.execute(table(PutOutputRow).select()))


def files(people: People) -> list[str]:
    folder = people.store.outputs.folder
    return sorted(path.parent.name + path.name for path in folder.glob("*/*"))


def finish(people: People, job_id: str, *hosts: Host) -> dict[str, Any]:
    """Compute all of a job, large outputs first put."""
    for _ in range(20):
        for host in hosts:
            for one in host.ask(16):
                assert put_and_tell(host, one, right(people, one))["accepted"]
        people.settle()
        view = people.get(f"/jobs/{job_id}", people.admin).json()
        if view["state"] != "active":
            return dict(view)
    raise AssertionError(view)


def test_large_outputs_are_put_reported_compared_merged_and_shown(people: People) -> None:
    job_id = job(people)
    one, two = people.host(), people.host()
    (assignment,) = one.ask()
    assert assignment["limits"]["output_bytes_max"] == 1 << 20
    data = right(people, assignment)
    assert len(data) > assignment["limits"]["inline_bytes_max"] == 65_536
    assert put_and_tell(one, assignment, data)["accepted"]
    blob = f"/blobs/{canonical.digest(data)}"
    assert people.get(blob).status_code == 404  # sealed
    view = finish(people, job_id, one, two)
    assert view["state"] == "completed", view
    output = people.get(f"/jobs/{job_id}/output").json()
    assert output["rows"] == [[10 * EACH]]
    (unit, *_) = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    shown = people.get(f"/workunits/{unit['id']}").json()
    assert shown["canonical_output"] is None
    assert people.http.get(shown["canonical_output_url"]).content == data
    assert people.get(blob).content == data
    deleter.do_pass(people.store, people.store.now())
    assert people.get(blob).content == data


def refusals(people: People) -> Iterator[tuple[str, Response, int]]:
    job(people)
    mine, thief = people.host(), people.host()
    (assignment,) = mine.ask()
    (theirs,) = thief.ask()
    data = right(people, assignment)
    number = people.internal(Kind.RESULT, assignment["result_id"])
    key, host_id = people.store.keyring.lease_key, people.internal(Kind.HOST, mine.id)
    stale = Lease(result_id=number, host_id=host_id, deadline=people.store.now() + 9, epoch=7)
    unknown = assignment | {"result_id": people.get("/jobs").json()["items"][0]["id"]}
    big = b"0" * ((1 << 20) + 1)
    yield "no token", put(mine, assignment, data, Authorization=None), 401
    yield "unknown token", put(mine, assignment, data, Authorization="Bearer x"), 401
    yield "no host's token", put(mine, assignment, data, Authorization=people.admin), 401
    yield "no lease", put(mine, assignment, data, Grid_Lease=None), 403
    yield "garbled lease", put(mine, assignment, data, Grid_Lease="zz"), 403
    yield "another's lease", put(thief, assignment, data), 403
    yield "another result's lease", put(mine, assignment, data, Grid_Lease=theirs["lease"]), 403
    yield "void lease", put(mine, assignment, data, Grid_Lease=leases.sign(key, stale)), 403
    yield "unknown result", put(mine, unknown, data), 404
    yield "no digest", put(mine, assignment, data, digest="abc"), 400
    yield "other bytes", put(mine, assignment, data, digest="0" * 64), 400
    yield "encoded", put(mine, assignment, data, Content_Encoding="gzip"), 415
    yield "JSON", put(mine, assignment, data, Content_Type="application/json"), 415
    yield "too large", put(mine, assignment, big), 413
    yield "too large, in pieces", put(mine, assignment, iter([big]), digest="0" * 64), 413
    assert mine.tell({**naming(assignment, ""), "output_digest": None, "outcome": "released"})
    yield "given back", put(mine, assignment, data), 409


def test_what_may_not_be_put_changes_nothing_and_leaves_no_file(people: People) -> None:
    seen = {}
    for name, answer, code in refusals(people):
        seen[name] = (answer.status_code, code)
        assert answer.headers["content-type"] == "application/problem+json", name
        assert answer.json()["detail"]
    assert {name: got for name, (got, _) in seen.items()} == {
        name: wanted for name, (_, wanted) in seen.items()
    }
    assert not put_rows(people) and not files(people)
    assert not list((people.store.settings.data_dir / "uploads").iterdir())


def test_the_same_again_is_harmless_and_different_outputs_are_few(people: People) -> None:
    job(people)
    host = people.host()
    (assignment,) = host.ask()
    data = right(people, assignment)
    for _ in range(3):
        assert put(host, assignment, data).status_code == 201
    assert len(put_rows(people)) == len(files(people)) == 1
    codes = [put(host, assignment, b'"%d"' % n).status_code for n in range(4)]
    assert codes == [201, 201, 409, 409]
    first = put_and_tell(host, assignment, data)
    assert put_and_tell(host, assignment, data) == first and first["receipt"]
    assert put(host, assignment, b'"other"').status_code == 409


LIES = {
    "not canonical": b'{ "zeros":"AAAA"}',
    "not JSON": b"\x00" * 70_000,
    "not ASCII": '{"zeros":"é"}'.encode(),
    "not of the schema": b'{"ones":"AAAA"}',
    "too short": b'{"zeros":"AAAA"}',
    "many values": b"[" + b"0," * 30_000 + b"0]",
    "deep": b"[" * 15_000 + b"]" * 15_000,
    "nothing": b"",
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_what_no_program_answers_is_refused_when_it_is_reported(people: People, lie: bytes) -> None:
    job(people)
    host = people.host()
    (assignment,) = host.ask()
    said = put_and_tell(host, assignment, lie)
    assert (said["accepted"], said["reason"]) == (False, "bad_output")


def test_a_report_may_only_name_what_was_put_under_its_own_lease(people: People) -> None:
    job(people)
    host, thief = people.host(), people.host()
    (mine,), theirs = host.ask(), thief.ask(3)
    data = right(people, mine)
    assert put(host, mine, data).status_code == 201
    others = (mine["program"]["digest"], mine["inputs"][0]["digest"], canonical.digest(data))
    for one, digest in zip(theirs, others, strict=True):
        (said,) = thief.tell(naming(one, digest))
        assert (said["accepted"], said["reason"]) == (False, "bad_output")
    assert host.tell(naming(mine, canonical.digest(data)))[0]["accepted"]


def test_what_was_put_and_never_reported_goes_when_its_work_unit_is_settled(
    people: People,
) -> None:
    job_id = job(people)
    host, other = people.host(), people.host()
    (assignment,) = host.ask()
    stray = b'"%s"' % (b"A" * 70_000)
    assert put(host, assignment, stray).status_code == 201
    assert put_and_tell(host, assignment, right(people, assignment))["accepted"]
    leaver = people.host()
    (left,) = leaver.ask()
    assert put(leaver, left, stray).status_code == 201
    assert put(leaver, left, right(people, left)).status_code == 201
    leaver.tell({**naming(left, ""), "output_digest": None, "outcome": "released"})
    assert canonical.digest(stray) in files(people)
    finish(people, job_id, host, other)
    people.settle()
    deleter.do_pass(people.store, people.store.now())
    assert canonical.digest(stray) not in files(people)
    reported = {row.digest for row in put_rows(people)}
    assert sorted(reported) == files(people)
    assert canonical.digest(right(people, assignment)) in reported


def test_a_file_that_never_came_to_lie_is_no_output_until_it_is_put_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    job(people)
    host = people.host()
    one, two = host.ask(2)
    with monkeypatch.context() as broken:
        broken.setattr(people.store.outputs, "put_file", lambda *_: 1 / 0)
        for each in (one, two):
            assert put(host, each, right(people, each)).status_code == 500
    assert len(put_rows(people)) == 2 and not files(people)
    (said,) = host.tell(naming(one, canonical.digest(right(people, one))))
    assert said["reason"] == "bad_output"
    assert put_and_tell(host, two, right(people, two))["accepted"]


def test_a_slow_body_is_given_up(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"1"
        await asyncio.sleep(60)

    async def take() -> None:
        async with received(slow(), 10, 0.05, tmp_path / "coming"):
            raise AssertionError("it came")

    with pytest.raises(Problem) as caught:
        asyncio.run(take())
    assert caught.value.code == 408
    assert not list((tmp_path / "coming").iterdir())


def test_what_a_killed_server_left_half_received_goes_after_a_day(tmp_path: Path) -> None:
    old, new = tmp_path / "upload-old", tmp_path / "upload-new"
    for path, age_s in ((old, receiving.STALE_S + 60), (new, 60)):
        path.write_bytes(b"1")
        os.utime(path, (10**9 - age_s, 10**9 - age_s))
    receiving.sweep(tmp_path, 10**9)
    assert [path.name for path in tmp_path.iterdir()] == ["upload-new"]


def test_bodies_that_come_at_once_are_bounded_by_host_and_in_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = Lines()
    monkeypatch.setattr(receiving, "PUTS_PER_HOST_MAX", 1)
    monkeypatch.setattr(receiving, "PUTS_MAX", 2)
    with lines.place(1), lines.place(2):
        for host, code in ((1, 429), (3, 503)):
            with pytest.raises(Problem) as caught, lines.place(host):
                pass
            assert caught.value.code == code and caught.value.headers["Retry-After"]
    with lines.place(1), lines.place(3):
        pass


def test_a_job_whose_least_output_is_too_large_is_refused(people: People) -> None:
    dataset = people.dataset(chunk_rows=4)
    answer = people.submit({"each": 200_000}, dataset, job_type="zeros")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/dataset" and "a chunk_rows of 3 or less" in error["detail"]
    asked = people.submit({"each": 90_000}, dataset, job_type="zeros", workunit_chunks=3)
    assert asked.json()["errors"][0]["pointer"] == "/workunit_chunks"
    cut = people.submit({"each": 90_000}, dataset, job_type="zeros")
    assert cut.status_code == 201, cut.text
    with people.store.read() as connection:
        made = queries.job(connection, people.internal(Kind.JOB, cut.json()["id"]))
    assert made is not None and made.job.workunit_count == 3


def test_the_servers_own_large_output_is_a_file_too(people: People) -> None:
    job_id = job(people, policy={"mode": "standard"})
    liar, honest = people.host(), people.host()
    (assignment,) = liar.ask()
    data = right(people, assignment)
    lie = data.replace(b'"A', b'"B', 1)
    assert put_and_tell(liar, assignment, lie)["accepted"]

    def compute(store: Store, work: TrustedWork) -> Computed:
        return Computed(result_id=work.result_id, output=data.decode(), elapsed_ms=1)

    for _ in range(30):
        people.settle()
        trusted.do_pass(people.store, people.store.now(), compute)
        for one in honest.ask(4):
            assert put_and_tell(honest, one, right(people, one))["accepted"]
        with people.store.read() as connection:
            rows = connection.execute(table(ResultRow).select()).all()
        mine = [one for one in rows if one.purpose == "trusted" and one.outcome == "success"]
        if mine:
            break
    assert mine[0].output is None and mine[0].output_digest == canonical.digest(data)
    assert (mine[0].id, canonical.digest(data)) in {
        (one.result_id, one.digest) for one in put_rows(people)
    }
    assert people.get(f"/jobs/{job_id}").status_code == 200
