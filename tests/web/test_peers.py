"""This file is where hosts meet over one work unit: fellows, liars, twins, and who erred once."""

from __future__ import annotations

from typing import Any

from web_people import Host, People, report

LIE = {"chunks": [{"count": 0, "deltas": ""}]}
RIGHT = [[9, "Suyash", 5], [1, "Suyash", 3], [9, "Suyash", 9]]


def quorum_of_two(people: People) -> str:
    """Three work units, which two must agree on."""
    return people.job(policy={"min_quorum": 2})


def counts(people: People, job_id: str) -> dict[str, Any]:
    return dict(people.get(f"/jobs/{job_id}").json()["counts"])


def output(people: People, job_id: str) -> list[Any]:
    return list(people.get(f"/jobs/{job_id}/output").json()["rows"])


def alone_on_one(people: People, host: Host) -> dict[str, Any]:
    """What this host holds of the one work unit that there is."""
    (mine,) = host.ask()
    assert host.ask() == [], "a second copy is for somebody else"
    return mine


def test_r16_three_hosts_of_one_person_do_not_make_a_quorum(people: People) -> None:
    job_id = quorum_of_two(people)
    token = people.token("one person", "volunteer")
    fellows = [people.host(token) for _ in range(3)]
    assert [host.compute_all() for host in fellows] == [3, 0, 0]
    people.settle()
    assert counts(people, job_id)["decided"] == 0
    assert people.finish(job_id, [people.host()])["state"] == "completed"
    assert output(people, job_id) == RIGHT


def test_r17_a_liars_disagreement_buys_a_third_copy_and_the_truth_is_kept(people: People) -> None:
    job_id = people.job(dataset=people.dataset(chunk_rows=10), policy={"min_quorum": 2})
    liar, honest, third = (people.host() for _ in range(3))
    liar.tell(report(alone_on_one(people, liar), LIE))
    assert honest.compute_all() == 1
    people.settle()
    assert counts(people, job_id)["decided"] == 0
    assert [liar.ask(), honest.ask()] == [[], []]
    assert third.compute_all() == 1, "the third copy is for a third"
    people.settle()
    assert output(people, job_id) == RIGHT


def test_r18_two_in_lockstep_need_two_reports_a_work_unit(people: People) -> None:
    job_id = quorum_of_two(people)
    pair, reports = [people.host(), people.host()], 0
    while given := [(host, one) for host in pair for one in host.ask()]:
        for host, one in given:
            assert host.tell(host.computed(one))[0]["accepted"]
        reports += len(given)
    people.settle()
    assert people.get(f"/jobs/{job_id}").json()["state"] == "completed"
    assert reports == 2 * 3


def test_r19_the_second_answer_is_a_replica_and_its_host_goes_on(people: People) -> None:
    quorum_of_two(people)
    first, second = people.host(), people.host()
    held = [(host, host.ask()[0]) for host in (first, second)]
    assert held[0][1]["inputs"] == held[1][1]["inputs"]
    for host, one in held:
        said = host.work(1, [host.computed(one)]).json()
        assert said["reports"][0]["accepted"]
        assert len(said["assignments"]) == 1


def test_r20_a_secret_of_a_hosts_own_is_refused_by_name_and_none_is_sent(people: People) -> None:
    quorum_of_two(people)
    host = people.host()
    (mine,) = host.ask()
    assert not [key for key in mine if "secret" in key or "answer" in key or "control" in key]
    refused = host.work(1, [{**host.computed(mine), "#secret": "mine"}])
    assert refused.status_code == 400
    assert "#secret" in refused.text
    assert host.tell(host.computed(mine))[0]["accepted"], "nothing of it was taken"


def test_r22_whoever_was_wrong_once_goes_on_working(people: People) -> None:
    job_id = people.job(dataset=people.dataset(chunk_rows=10), policy={"min_quorum": 2})
    erring, *others = (people.host() for _ in range(3))
    erring.tell(report(alone_on_one(people, erring), LIE))
    people.finish(job_id, others)
    answers = people.get("/hosts/me", erring.token).json()["answers"]
    assert (answers["valid"], answers["invalid"]) == (0, 1)
    again = quorum_of_two(people)
    assert erring.compute_all() > 0
    people.finish(again, [erring, others[0]])
    answers = people.get("/hosts/me", erring.token).json()["answers"]
    assert (answers["valid"], answers["invalid"]) == (3, 1)
