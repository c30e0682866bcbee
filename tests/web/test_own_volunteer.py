"""This file is where volunteers join their browsers, read their own story, and are forgotten."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from web_people import PROTOCOL, Host, People, report

from grid.db.notes import spelled
from grid.db.tables import HostRow, OutboxRow, ResultRow, TokenRow, table
from grid.identifiers import Kind


def pair(host: Host) -> str:
    answer = host.people.post("/volunteers/me/pairing", None, host.token)
    assert answer.status_code == 201, answer.text
    assert "no-store" in answer.headers["cache-control"]
    return str(answer.json()["code"])


def join(people: People, code: str, token: str | None = None) -> tuple[int, dict]:
    body = {"protocol": PROTOCOL, "kind": "browser", "engine": "firefox/1", "pairing": code}
    answer = people.post("/hosts", body, token)
    return answer.status_code, answer.json()


def volunteer(host: Host) -> str:
    return str(host.people.get("/hosts/me", host.token).json()["volunteer"])


def results(host: Host) -> list[dict]:
    answer = host.people.get("/volunteers/me/results", host.token)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


def rows(people: People, model: type) -> list:
    with people.store.read() as connection:
        return list(connection.execute(select(table(model))))


def test_a_code_joins_one_more_browser_to_a_volunteer_once(people: People) -> None:
    first = people.host()
    code = pair(first)
    status, identity = join(people, code.lower().replace("-", " "))
    assert status == 201
    second = Host(people, identity)
    assert volunteer(second) == volunteer(first)
    status, problem = join(people, code)
    assert (status, problem["errors"][0]["pointer"]) == (400, "/pairing")
    assert len(rows(people, HostRow)) == 2


def test_browsers_that_were_joined_count_as_one(people: People) -> None:
    first = people.host()
    second = Host(people, join(people, pair(first))[1])
    job_id = people.job(policy={"min_quorum": 2})
    mine = first.compute_all()
    assert mine > 0
    assert second.compute_all() == 0
    view = people.finish(job_id, [people.host()])
    assert view["state"] == "completed"
    assert {one["id"] for one in results(second)} == {one["id"] for one in results(first)}


@pytest.mark.parametrize("late", [False, True])
def test_a_wrong_or_old_code_joins_nobody(people: People, late: bool) -> None:
    code = pair(people.host())
    if late:
        clock = people.store.now() + 601
        people.store._clock = lambda: clock
    else:
        code = "0000-0000"
    before = people.row_counts()
    assert join(people, code)[0] == 400
    assert people.row_counts() == before


def test_a_code_and_an_account_do_not_go_together_and_a_banned_volunteer_takes_nobody_in(
    people: People,
) -> None:
    host = people.host()
    code = pair(host)
    assert join(people, code, people.token("lab", "trusted_host"))[0] == 400
    public_id = volunteer(host)
    people.post(f"/admin/volunteers/{public_id}/ban", {"reason": "lies"}, people.admin)
    assert people.post("/volunteers/me/pairing", None, host.token).status_code == 409
    for path in ("pairing", "results"):
        ask = people.post if path == "pairing" else people.get
        extra = (None,) if path == "pairing" else ()
        assert ask(f"/volunteers/me/{path}", *extra).status_code == 401


def test_a_code_is_read_as_people_write_it() -> None:
    assert spelled("abcd-efgh") == spelled(" ABCD EFGH ") == "ABCDEFGH"
    assert spelled("oIl0") == "0110"


def test_answers_are_sealed_then_right_or_differ_and_nobody_is_accused(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 2, "target_nresults": 3})
    slip, *others = [people.host() for _ in range(3)]
    wrong = slip.ask(1)[0]
    slip.tell(report(wrong, {"chunks": [{"count": 0, "deltas": ""}]}))
    (sealed,) = results(slip)
    assert sealed["validate_state"] is None
    assert sealed["workunit"] is None
    assert sealed["credit"] == "0"
    assert "Sealed" in sealed["words"]
    people.finish(job_id, others)
    (told,) = results(slip)
    assert told["validate_state"] == "invalid"
    assert told["workunit"].startswith("wu_")
    assert "a machine errs" in told["words"]
    assert not {"lie", "liar", "cheat", "fraud"} & set(told["words"].lower().split())
    right = results(others[0])
    assert {one["validate_state"] for one in right} == {"valid"}
    assert all(float(one["credit"]) > 0 for one in right)
    assert {one["job"]["name"] for one in right} == {one["job"]["name"] for one in results(slip)}


def test_a_long_story_is_read_page_by_page_newest_first(people: People) -> None:
    host = people.host()
    people.finish(people.job(policy={"min_quorum": 1}, workunit_chunks=1), [host])
    whole = [one["id"] for one in results(host)]
    path, seen = "/volunteers/me/results?limit=2", []
    while path:
        page = people.get(path, host.token).json()
        assert len(page["items"]) <= 2
        seen += [one["id"] for one in page["items"]]
        path = page["_links"].get("next", {}).get("href")
    assert len(whole) == 3
    assert seen == whole


def test_a_forgotten_volunteer_leaves_nothing_that_says_who_it_was_and_the_job_its_verdicts(
    people: People,
) -> None:
    host, other = people.host(), people.host()
    second = Host(people, join(people, pair(host))[1])
    people.post("/volunteers/me", {"name": "Ada", "team": "Engines"}, host.token)
    job_id = people.job(policy={"min_quorum": 2})
    people.finish(job_id, [host, other])
    before = people.get(f"/jobs/{job_id}/workunits").json()
    log = rows(people, OutboxRow)
    answer = people.http.delete(
        "/api/v1/volunteers/me", headers={"Authorization": f"Bearer {host.token}"}
    )
    assert answer.status_code == 200
    assert answer.json()["forgotten_hosts"] == 2
    for one in (host, second):
        assert people.get("/hosts/me", one.token).status_code == 401
        assert one.work(1).status_code == 401
    gone = [people.internal(Kind.HOST, one.id) for one in (host, second)]
    for row in rows(people, HostRow):
        if row.id in gone:
            assert row.capabilities == {}
            assert row.hidden_prefix is None
    assert all(row.revoked_at for row in rows(people, TokenRow) if row.host_id in gone)
    listed = people.get("/leaderboard").json()["items"]
    assert {one["name"] for one in listed} == {None}
    assert people.get("/leaderboard?by=team").json()["items"] == []
    assert people.get(f"/jobs/{job_id}/workunits").json() == before
    assert rows(people, OutboxRow) == log
    assert other.work(0).status_code == 200


def test_what_a_forgotten_volunteer_held_goes_to_others(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 1})
    host = people.host()
    held = host.ask(1)
    assert held
    people.http.delete("/api/v1/volunteers/me", headers={"Authorization": f"Bearer {host.token}"})
    clock = people.store.now() + 86_400
    people.store._clock = lambda: clock
    people.settle()
    assert people.finish(job_id, [people.host()])["state"] == "completed"
    assert len([row for row in rows(people, ResultRow) if row.outcome == "no_reply"]) >= 1


def test_one_machines_token_does_not_speak_for_an_account(people: People) -> None:
    lab = people.token("lab", "trusted_host")
    one, two = people.host(lab), people.host(lab)
    answer = people.http.delete(
        "/api/v1/volunteers/me", headers={"Authorization": f"Bearer {one.token}"}
    )
    assert answer.json()["forgotten_hosts"] == 1
    assert people.get("/hosts/me", one.token).status_code == 401
    assert people.get("/hosts/me", two.token).status_code == 200
    for wrong in (None, people.requester):
        headers = {} if wrong is None else {"Authorization": f"Bearer {wrong}"}
        assert people.http.delete("/api/v1/volunteers/me", headers=headers).status_code == 401


def test_an_assignment_says_for_whom_and_on_what(people: People) -> None:
    people.job(policy={"min_quorum": 1})
    job = people.host().ask(1)[0]["job"]
    assert job["owner"] == "ann"
    assert job["dataset"]["name"] == "rows"
    assert job["dataset"]["chunk_rows"] == 4
    assert people.get(job["dataset"]["page"].replace("/datasets", "/datasets")).status_code == 200
