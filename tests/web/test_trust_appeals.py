"""This file is where bans and appeals are tried over HTTP, and what a volunteer sees of itself."""

from __future__ import annotations

import json

from sqlmodel import select
from web_people import Host, People, report

from grid.daemons import trust
from grid.db import apply as writes
from grid.db import trusting
from grid.db.tables import OutboxRow, QuarantineRow, ResultRow, VolunteerRow, table
from grid.db.trusting import Computed
from grid.identifiers import Kind
from grid.states import Purpose, ValidateState
from grid.transition import Adjust, CreateResults, Quarantine

LIE = {"chunks": [{"count": 0, "deltas": ""}]}


def rows(people: People, model: type) -> list:
    with people.store.read() as connection:
        return list(connection.execute(select(table(model))))


def listed(people: People, query: str = "?banned=true") -> list[dict]:
    return people.get(f"/admin/volunteers{query}", people.admin).json()["items"]


def me(people: People, host: Host) -> dict:
    answer = people.get("/hosts/me", host.token)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def volunteer_of(people: People, host: Host) -> str:
    return str(me(people, host)["volunteer"])


def two_liars(people: People) -> tuple[str, list[Host]]:
    job_id = people.job(policy={"min_quorum": 2})
    liars = [people.host(), people.host()]
    for liar in liars:
        for one in liar.ask(8):
            liar.tell(report(one, LIE))
    people.settle()
    return job_id, liars


def test_an_admin_bans_and_unbans_and_answers_stop_counting_and_count_again(people: People) -> None:
    job_id, liars = two_liars(people)
    number = volunteer_of(people, liars[0])
    assert listed(people) == []
    banned = people.post(f"/admin/volunteers/{number}/ban", {"reason": "spam"}, people.admin)
    assert banned.status_code == 200
    assert banned.json()["banned"]["reason"] == "spam"
    assert [one["id"] for one in listed(people)] == [number]
    assert number not in [one["id"] for one in listed(people, "?banned=false")]
    again = people.post(f"/admin/volunteers/{number}/ban", {"reason": "spam"}, people.admin)
    assert again.status_code == 409
    trust.do_pass(people.store, people.store.now())
    assert people.get(f"/jobs/{job_id}").json()["state"] == "active"

    lifted = people.post(f"/admin/volunteers/{number}/unban", {}, people.admin)
    assert (lifted.status_code, lifted.json()["banned"]) == (200, None)
    assert people.post(f"/admin/volunteers/{number}/unban", {}, people.admin).status_code == 409
    trust.do_pass(people.store, people.store.now())
    people.settle()
    assert people.get(f"/jobs/{job_id}").json()["state"] == "completed"
    told = [json.loads(row.facts) for row in rows(people, OutboxRow) if "ban" in row.kind]
    assert [one.get("by") for one in told] == ["admin", None]
    assert "spam" not in str(told), "an admin's words may name a person"


def test_only_admins_see_and_decide(people: People) -> None:
    host = people.host()
    number = volunteer_of(people, host)
    job_id = people.job()
    posts = [
        (f"/admin/volunteers/{number}/ban", {"reason": "so"}),
        (f"/admin/volunteers/{number}/unban", {}),
        (f"/admin/jobs/{job_id}/quarantine/lift", {"engine": "deno/2"}),
        (f"/admin/jobs/{job_id}/resume", {"believe": "server"}),
    ]
    gets = ["/admin/volunteers", f"/admin/jobs/{job_id}/quarantine", "/admin/jobs/frozen"]
    for token, code in ((None, 401), (people.requester, 403), (host.token, 403)):
        assert {people.get(path, token).status_code for path in gets} == {code}
        assert {people.post(path, body, token).status_code for path, body in posts} == {code}
    unknown = people.post("/admin/volunteers/vol_00/ban", {"reason": "so"}, people.admin)
    assert unknown.status_code == 404
    assert people.get("/hosts/me").status_code == 401
    assert people.get("/hosts/me", people.requester).status_code == 401


def test_the_list_of_volunteers_is_paged(people: People) -> None:
    mine = [volunteer_of(people, people.host()) for _ in range(5)]
    seen, href = [], "/api/v1/admin/volunteers?limit=2&banned=false"
    while href:
        page = people.get(href, people.admin).json()
        assert len(page["items"]) <= 2
        seen += [one["id"] for one in page["items"]]
        href = page["_links"].get("next", {}).get("href")
    assert seen == mine[::-1]


def test_a_ban_is_done_once_however_often_it_is_sent(people: People) -> None:
    number = volunteer_of(people, people.host())
    ask = {"headers": {"Idempotency-Key": "one"}}
    path = f"/admin/volunteers/{number}/ban"
    first = people.post(path, {"reason": "so"}, people.admin, **ask)
    second = people.post(path, {"reason": "so"}, people.admin, **ask)
    assert (first.status_code, first.json()) == (second.status_code, second.json())


def test_a_volunteer_sees_how_it_stands_only_from_opened_jobs(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 2, "target_nresults": 3})
    liar, straggler, *honest = [people.host() for _ in range(4)]
    (first,) = liar.ask(1)
    liar.tell(report(first, LIE))
    mine, held = straggler.ask(2)
    straggler.tell(straggler.computed(mine))
    before = me(people, liar)
    assert before["answers"] == {
        "valid": 0, "invalid": 0, "void": 0, "certain_lies": 0, "in_sealed_jobs": 1,
    }  # fmt: skip
    for host in honest:
        host.compute_all()
    people.settle()
    assert [row for row in rows(people, ResultRow) if row.validate_state == "invalid"]
    assert me(people, liar) == before, "that its answer was found wrong is sealed"
    straggler.tell(straggler.computed(held))
    people.finish(job_id, honest)
    after = me(people, liar)["answers"]
    assert (after["invalid"], after["in_sealed_jobs"]) == (1, 0)
    assert me(people, honest[0])["answers"]["valid"] == 3


def test_a_banned_volunteer_is_told_that_it_is_and_why_in_plain_words(people: People) -> None:
    host = people.host()
    public_id = volunteer_of(people, host)
    number = people.internal(Kind.VOLUNTEER, public_id)
    change = Adjust(volunteer_id=number, ban="the same wrong answer as another")
    people.store.write(lambda tx: writes.apply(tx.connection, [change], (), tx.now))
    banned = me(people, host)["banned"]
    assert "same wrong answers came from somebody else" in banned["words"]
    assert "admin" in banned["appeal"]
    assert public_id in banned["appeal"], "whom the admin has to look for"
    people.job()
    refused = host.work(want=1).json()
    assert refused["assignments"] == []
    assert refused["why_no_work"] == "banned"
    assert me(people, people.host())["banned"] is None


def test_quarantines_are_listed_and_lifted_by_an_admin(people: People) -> None:
    job_id = people.job(policy={"mode": "standard"})
    host = people.host(engine="faulty/1")
    host.tell(*map(host.computed, host.ask(3)))
    number = people.internal(Kind.JOB, job_id)
    change = Quarantine(
        job_id=number, engine="faulty/1", cause=1, convict=True, because="a test says so"
    )
    people.store.write(lambda tx: writes.apply(tx.connection, [change], (), tx.now))
    trust.do_pass(people.store, people.store.now())
    path = f"/admin/jobs/{job_id}/quarantine"
    (one,) = people.get(path, people.admin).json()["items"]
    assert one.keys() == {"engine", "since"}, "which work unit made it suspect is sealed"
    assert me(people, host)["no_work_of"] == [job_id]
    states = {row.validate_state for row in rows(people, ResultRow) if row.volunteer_id}
    assert states == {ValidateState.VOID}
    unknown = people.post(f"{path}/lift", {"engine": "other/1"}, people.admin)
    assert unknown.status_code == 400
    lifted = people.post(f"{path}/lift", {"engine": "faulty/1"}, people.admin)
    assert (lifted.status_code, lifted.json()["items"]) == (200, [])
    trust.do_pass(people.store, people.store.now())
    states = {row.validate_state for row in rows(people, ResultRow) if row.volunteer_id}
    assert states == {ValidateState.INCONCLUSIVE}
    assert not rows(people, QuarantineRow)


def test_a_frozen_job_says_why_and_only_an_admin_resumes_it(people: People) -> None:
    job_id = people.job(policy={"mode": "standard"})
    number = people.internal(Kind.JOB, job_id)
    host = people.host()
    host.tell(host.computed(host.ask(1)[0]))
    unit = next(row for row in rows(people, ResultRow) if row.volunteer_id).workunit_id
    made = CreateResults(
        workunit_id=unit, job_id=number, count=1, priority=0, purpose=Purpose.TRUSTED, because="so"
    )
    people.store.write(lambda tx: writes.apply(tx.connection, [made], (), tx.now))
    (run,) = [row for row in rows(people, ResultRow) if row.purpose == Purpose.TRUSTED]
    people.store.write(lambda tx: trusting.take(tx, [run.id], 60))
    said = Computed(result_id=run.id, output="{}", elapsed_ms=5, suspect="filterBy is suspect")
    people.store.write(lambda tx: trusting.report(tx, said, people.store.context))

    view = people.get(f"/jobs/{job_id}").json()
    assert (view["state"], view["frozen"]) == ("paused", "filterBy is suspect")
    assert "filterBy is suspect" in people.get(f"http://grid.example/jobs/{job_id}").text
    (listed_one,) = people.get("/admin/jobs/frozen", people.admin).json()["items"]
    assert listed_one["id"] == job_id
    refused = people.post(f"/jobs/{job_id}/resume", {}, people.requester)
    assert (refused.status_code, "admin" in refused.json()["detail"]) == (409, True)
    undecided = people.post(f"/admin/jobs/{job_id}/resume", {}, people.admin)
    assert undecided.status_code == 400
    resumed = people.post(f"/admin/jobs/{job_id}/resume", {"believe": "server"}, people.admin)
    assert (resumed.status_code, resumed.json()["state"]) == (200, "active")
    assert resumed.json()["frozen"] is None
    assert people.get("/admin/jobs/frozen", people.admin).json()["items"] == []
    assert not [row for row in rows(people, VolunteerRow) if row.banned_at]
