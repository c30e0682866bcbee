"""This file is where hosts say that they have not solved their work unit, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from web_people import Host, People, enable, opened, report

from grid.daemons import trusted
from grid.daemons.computing import Machine
from grid.db.tables import HostRow, ResultRow, table
from grid.identifiers import Kind
from grid.states import Outcome

JOB_TYPES = Path(__file__).parents[1] / "jobtypes"
SPEC = {"number": "8051", "column": "n"}
UNSOLVED = {"solved": 0, "divisor": "0"}
NO_DIVISOR = {"solved": 1, "divisor": "0"}


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    settings = {
        "job_type_folders": (str(JOB_TYPES),),
        "copy_delay_max_s": 0,
        "ipv6_prefix_bits": 128,
    }
    with opened(tmp_path, run_daemons=False, **settings) as one:
        enable(one.store, "factor")
        yield one


def factor(people: People, **policy: Any) -> str:
    dataset = people.dataset("n\n2\n83\n97\n5\n")
    return people.job(SPEC, dataset, job_type="factor", policy=policy)


def finish(people: People, job: str, hosts: list[Host]) -> str:
    """The job's state once these hosts and the server have done what they can."""
    for host in hosts:
        host.compute_all()
    with closing(Machine()) as machine:
        trusted.do_pass(people.store, people.store.now(), machine)
    people.settle()
    return str(people.get(f"/jobs/{job}").json()["state"])


def host_row(people: People, host: Host) -> Any:
    hosts = table(HostRow)
    with people.store.read() as connection:
        wanted = people.internal(Kind.HOST, host.id)
        return connection.execute(select(hosts).where(hosts.c.id == wanted)).one()


def outcomes(people: People) -> list[str]:
    results = table(ResultRow)
    with people.store.read() as connection:
        return list(connection.scalars(select(results.c.outcome).order_by(results.c.id)))


def test_who_has_not_solved_it_is_not_blamed_and_another_gets_the_copy(people: People) -> None:
    job = factor(people, min_quorum=2, target_nresults=2)
    weak, *others = [people.host() for _ in range(3)]
    before = host_row(people, weak)
    (said,) = weak.tell(report(weak.ask()[0], UNSOLVED))
    assert said["accepted"] and "reason" not in said
    assert "promise" not in said, "it is no answer"
    assert not weak.ask(), "another host gets a copy, not the same"
    after = host_row(people, weak)
    assert (after.quota, after.group_quota) == (before.quota, before.group_quota)
    assert finish(people, job, others) == "completed"
    assert people.get(f"/jobs/{job}/output?format=json").json()["rows"] == [["83"]]
    me = people.get("/hosts/me", weak.token).json()
    assert (me["answers"]["invalid"], me["answers"]["void"]) == (0, 0)
    listed = people.get("/volunteers/me/results", weak.token).json()
    assert "not solved here" in str(listed)
    assert host_row(people, weak).quota == before.quota


def test_unsolved_repeated_gets_the_same_receipt_and_changed_is_refused(people: People) -> None:
    factor(people)
    host = people.host()
    (mine,) = host.ask()
    first, again = (host.tell(report(mine, UNSOLVED))[0] for _ in range(2))
    assert first == again
    (other,) = host.tell(report(mine, NO_DIVISOR))
    assert (other["accepted"], other["reason"]) == (False, "already_reported")


def test_no_solution_by_one_liar_decides_nothing(people: People) -> None:
    job = factor(people, min_quorum=2, target_nresults=2)
    liar, weak, *others = [people.host() for _ in range(4)]
    liar.tell(report(liar.ask()[0], NO_DIVISOR))
    weak.tell(report(weak.ask()[0], UNSOLVED))
    people.settle()
    assert people.get(f"/jobs/{job}").json()["state"] == "active"
    assert finish(people, job, others) == "completed"
    assert people.get(f"/jobs/{job}/output?format=json").json()["rows"] == [["83"]]


def test_a_found_divisor_is_checked_at_once_and_ends_its_job(people: People) -> None:
    job = factor(people, min_quorum=3)
    host = people.host()
    host.tell(host.computed(host.ask()[0]))
    with closing(Machine()) as machine:
        assert trusted.do_pass(people.store, people.store.now(), machine) == 1
    people.settle()
    assert people.get(f"/jobs/{job}").json()["state"] == "completed"


def test_a_job_that_nobody_solves_fails_and_says_why(people: People) -> None:
    job = factor(people, min_quorum=2, target_nresults=2, max_total_results=3)
    for _ in range(3):
        host = people.host()
        host.tell(report(host.ask()[0], UNSOLVED))
    people.settle()
    view = people.get(f"/jobs/{job}").json()
    assert view["state"] == "failed"
    assert "3 copies came back without a verdict, failed or unsolved" in view["failure"]
    assert "max_total_results" in view["failure"]


def test_what_the_server_does_not_solve_either_is_no_answer_of_its_own(people: People) -> None:
    job = factor(people, mode="standard", max_total_results=2)
    loaded = people.store.job_types.loaded(people.store.job_types.find("factor").digest)
    for _ in range(2):
        host = people.host()
        host.tell(report(host.ask()[0], UNSOLVED))
    with closing(Machine()) as machine, pytest.MonkeyPatch.context() as patch:
        patch.setattr(loaded.job_type, "unsolved", lambda spec, output: True)
        assert trusted.do_pass(people.store, people.store.now(), machine) == 1
    people.settle()
    assert outcomes(people).count(Outcome.CLIENT_ERROR) == 1
    assert people.get(f"/jobs/{job}").json()["state"] == "failed"
