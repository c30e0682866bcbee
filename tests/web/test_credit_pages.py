"""This file is where credit is tested as volunteers and everybody see it."""

from __future__ import annotations

import pytest
from web_people import Host, People, report

from grid.daemons import measurer
from grid.db import credits


def mine(host: Host) -> dict:
    answer = host.people.get("/volunteers/me", host.token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def board(people: People, **asked: object) -> list[dict]:
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = people.get(f"/leaderboard?{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_two_that_agree_earn_the_same_and_the_liar_nothing(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 2, "target_nresults": 3})
    liar, *honest = [people.host() for _ in range(3)]
    while lies := liar.ask(16):
        assert liar.tell(*(report(one, {"rows": [], "selected": []}) for one in lies))
    people.finish(job_id, honest)
    units = len(people.get(f"/jobs/{job_id}/workunits").json()["items"])
    assert mine(honest[0])["credit_micro"] == mine(honest[1])["credit_micro"] >= 11 * units
    assert mine(liar)["credit_micro"] == 0
    ranks = board(people, by="volunteer")
    assert {one["id"] for one in ranks} == {mine(one)["id"] for one in honest}
    assert [one["rank"] for one in ranks] == [1, 2]


def test_sealed_work_pends_whether_right_or_not_and_nobody_else_sees_it(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 2, "target_nresults": 3})
    hosts = [people.host() for _ in range(3)]
    taken = [host.ask(1)[0] for host in hosts]
    seen = []
    for host, one in zip(hosts, taken, strict=True):
        wrong = host is hosts[0]
        host.tell(report(one, {"rows": [], "selected": []}) if wrong else host.computed(one))
        seen.append(mine(host))
    assert len({one["pending_micro"] for one in seen} - {0}) == 1
    assert {one["credit_micro"] for one in map(mine, hosts)} == {0}
    for by in ("volunteer", "host", "team"):
        assert board(people, by=by) == []
    assert people.finish(job_id, hosts)["sealed"] is False
    assert {one["pending_micro"] for one in map(mine, hosts)} == {0}
    assert [one["credit_micro"] > 0 for one in map(mine, hosts)] == [True, True, True]


def test_a_host_with_results_ranks_above_one_without(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 1})
    busy, idle = people.host(), people.host()
    people.finish(job_id, [busy])
    assert [one["id"] for one in board(people)] == [mine(busy)["id"]]
    assert mine(idle)["credit"] == "0"
    machines = board(people, by="host")
    assert len(machines) == 1
    assert machines[0]["id"].startswith("machine_")
    assert busy.id.removeprefix("host_") not in machines[0]["id"]


def test_a_team_has_what_its_members_have_and_is_gone_with_the_last(people: People) -> None:
    one, two = people.host(), people.host()
    for host in (one, two):
        answer = people.post("/volunteers/me", {"team": "Andes", "name": "llama"}, host.token)
        assert (answer.status_code, answer.json()["team"]) == (200, "Andes")
    people.finish(people.job(), [one, two])
    each = mine(one)["credit_micro"]
    (team,) = board(people, by="team")
    assert (team["name"], team["credit_micro"]) == ("Andes", 2 * each)
    people.post("/volunteers/me", {"team": None}, two.token)
    (team,) = board(people, by="team", order="recent")
    assert team["credit_micro"] == each
    assert [line["team"] for line in board(people)] == [None, "Andes"]
    people.post("/volunteers/me", {"team": "Puna"}, one.token)
    assert [line["name"] for line in board(people, by="team")] == ["Puna"]
    assert mine(one)["name"] == "llama"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"team": ""}, "/team"),
        ({"team": "x" * 51}, "/team"),
        ({"team": "a\nb"}, "/team"),
        ({"name": " x"}, "/name"),
        ({"name": "a\u202eb"}, "/name"),
        ({"nick": "a"}, "/nick"),
    ],
)
def test_a_name_that_cannot_be_shown_is_refused_by_field(
    crowd: People, body: dict, pointer: str
) -> None:
    answer = crowd.post("/volunteers/me", body, crowd.host().token)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


def test_only_who_volunteers_has_credit_to_show(crowd: People) -> None:
    assert crowd.get("/volunteers/me").status_code == 401
    assert crowd.post("/volunteers/me", {"team": "x"}).status_code == 401
    assert crowd.get("/volunteers/me", crowd.token("nobody yet", "requester")).status_code == 404


def test_an_account_and_its_hosts_are_one_volunteer(people: People) -> None:
    token = people.token("lab", "trusted_host")
    hosts = [people.host(token), people.host(token)]
    people.post("/volunteers/me", {"name": "the lab"}, token)
    assert {mine(host)["name"] for host in hosts} == {"the lab"}
    assert people.get("/volunteers/me", token).json()["id"] == mine(hosts[0])["id"]


def test_a_requesters_own_hosts_earn_nothing_by_its_jobs(people: People) -> None:
    own = people.host(people.requester)
    stranger = people.host()
    people.finish(people.job(), [own, stranger])
    assert mine(own)["credit_micro"] == mine(own)["pending_micro"] == 0
    assert mine(stranger)["credit_micro"] > 0


@pytest.mark.parametrize("query", ["by=account", "order=best", "cursor=-1", "cursor=x", "limit=0"])
def test_a_leaderboard_that_there_is_not_is_a_400(crowd: People, query: str) -> None:
    assert crowd.get(f"/leaderboard?{query}").status_code == 400


def test_a_leaderboard_goes_on_behind_its_page(people: People) -> None:
    hosts = [people.host() for _ in range(3)]
    people.finish(people.job(policy={"min_quorum": 3}), hosts)
    first = people.get("/leaderboard?limit=2").json()
    assert [one["rank"] for one in first["items"]] == [1, 2]
    second = people.get(first["_links"]["next"]["href"]).json()
    assert [one["rank"] for one in second["items"]] == [3]
    assert "next" not in second["_links"]


def test_the_page_ranks_and_escapes(people: People) -> None:
    host = people.host()
    people.post("/volunteers/me", {"name": "<b>x</b>"}, host.token)
    assert "Nobody has earned" in people.http.get("/leaderboard").text
    people.finish(people.job(policy={"min_quorum": 1}), [host])
    page = people.http.get("/leaderboard").text
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert mine(host)["id"] in page
    assert people.http.get("/leaderboard?by=nothing").status_code == 400
    for by in ("host", "team"):
        assert people.http.get(f"/leaderboard?by={by}&order=recent").status_code == 200


def test_measuring_goes_by_trusted_hosts_alone(people: People) -> None:
    lab = people.host(people.token("lab", "trusted_host"))
    stranger = people.host()
    for host, elapsed_ms in ((stranger, 900), (lab, 700)):
        job_id = people.job(policy={"min_quorum": 1})
        while taken := host.ask(16):
            host.tell(*({**host.computed(one), "elapsed_ms": elapsed_ms} for one in taken))
        people.finish(job_id, [])
    measurer.do_pass(people.store, 0)
    with people.store.read() as connection:
        (cost_ps,) = credits.costs(connection).values()
    units = [(4, 700), (4, 700), (2, 700)]
    assert cost_ps in {elapsed_ms * 10**9 // rows for rows, elapsed_ms in units}


@pytest.mark.parametrize("cost", [0, -5, 1.5, None, 10**13])
def test_a_cost_that_is_no_cost_is_told_to_whoever_submits(
    people: People, monkeypatch: pytest.MonkeyPatch, cost: object
) -> None:
    found = people.store.job_types.find("filterBy")
    assert found is not None
    job_type = people.store.job_types.loaded(found.digest).job_type
    monkeypatch.setattr(type(job_type), "cost", lambda *_: cost)
    answer = people.submit({"where": "id = 1"}, people.dataset())
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "/spec"
    assert "a cost is an integer" in answer.json()["detail"]
