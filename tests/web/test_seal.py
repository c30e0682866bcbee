"""This file is where the seal is tested: before it opens, no public byte tells who did what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlmodel import SQLModel, select
from web_people import API, Host, People, enable, public_routes, report, watch

from grid.auditlog import entries
from grid.db.store import Store
from grid.db.tables import HostRow, JobRow, OutboxRow, ResultRow, table
from grid.identifiers import Kind
from grid.settings import Settings
from web.app import create_app

#: Fresh in each answer of the sandbox.
NONCE = re.compile(rb'nonce[-=]"?[\w-]{24}')
ADDRESS = "203.0.113.77"
EVENTS = (f"{API}/events", f"{API}/jobs/{{id:str}}/events")


def rows(store: Store, model: type[SQLModel]) -> list[Any]:
    with store.read() as connection:
        return list(connection.execute(select(table(model))))


def half_done(people: People) -> tuple[str, list[Host]]:
    """A job with a decided work unit, one with a single answer, and one that nobody has."""
    job_id = people.job(metadata={"note": "in the open"})
    hosts = [people.host(engine=f"marked-engine-{number}/1") for number in range(2)]
    first, second = hosts[0].ask(2), hosts[1].ask(1)
    hosts[0].tell(*map(hosts[0].computed, first))
    hosts[1].tell(hosts[1].computed(second[0]))
    hosts[1].ask(1)
    people.settle()
    return job_id, hosts


def secrets(people: People, job_id: str, hosts: list[Host]) -> dict[str, str]:
    """Everything that the seal covers, by what it is."""
    number = people.internal(Kind.JOB, job_id)
    key, names = people.store.keyring.pseudonym_key, people.store.keyring.identifiers
    found = {"address": ADDRESS, "engine": "marked-engine"}
    for host in hosts:
        found |= {f"host {host.id}": host.id, f"token {host.id}": host.token}
    for row in rows(people.store, HostRow):
        found[f"pseudonym {row.id}"] = entries.pseudonym(key, number, row.principal_id)
    for row in rows(people.store, ResultRow):
        found[f"result {row.id}"] = names.public(Kind.RESULT, row.id)
        for field in ("output_digest", "report_digest", "salt", "output", "message"):
            if getattr(row, field):
                found[f"{field} {row.id}"] = getattr(row, field)
    return found


def paths(people: People, job_id: str) -> Iterator[tuple[str, str]]:
    """Every public route with everything of a job put into it: template, path."""
    job = people.get(f"/jobs/{job_id}").json()
    units = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    chunks = people.get(f"/datasets/{job['dataset']}/chunks").json()["items"]
    digests = [job["program"]["digest"]]
    digests += [column["digest"] for chunk in chunks for column in chunk["columns"]]
    digests += [row.output_digest for row in rows(people.store, ResultRow) if row.output_digest]
    fill = {
        "/jobs/{id:str}": [job_id],
        "/datasets/{id:str}": [job["dataset"]],
        "/workunits/{id:str}": [unit["id"] for unit in units],
        "/job-types/{name:str}": [job["job_type"]],
        "/blobs/{digest:str}": digests,
    }
    for template in public_routes(people.http.app):
        if "{" not in template:
            yield template, template
            continue
        ((part, values),) = [(part, fill[part]) for part in fill if part in template]
        for value in values:
            yield template, template.replace(part, re.sub(r"\{.*\}", value, part))


def answers(people: People, job_id: str, token: str | None) -> Iterator[tuple[str, bytes]]:
    """Path and every byte of each answer, headers included, the date left out."""
    for template, path in paths(people, job_id):
        if template in EVENTS:
            yield path, b"".join(watch(people, path, 1, token))
            continue
        for query in ("", "?format=csv") if path.endswith("/output") else ("",):
            answer = people.get(f"http://grid.example{path}{query}", token)
            assert answer.status_code < 500, path
            headers = {key: text for key, text in answer.headers.items() if key != "date"}
            told = f"{answer.status_code} {headers}\n".encode() + answer.content
            yield path + query, NONCE.sub(b"", told)


@pytest.fixture
def behind_proxy(tmp_path: Path) -> Iterator[People]:
    """Hosts come from an address that must not show anywhere."""
    settings = Settings(data_dir=tmp_path / "data", trusted_proxies=("testclient",))
    store = Store(settings)
    enable(store, "filterBy")
    with TestClient(
        create_app(settings, store, run_daemons=False), base_url="http://grid.example"
    ) as http:
        http.headers["X-Forwarded-For"] = ADDRESS
        yield People(http, store)
    store.close()


def test_no_public_route_tells_who_holds_or_answered_what(behind_proxy: People) -> None:
    people = behind_proxy
    job_id, hosts = half_done(people)
    assert people.get(f"/jobs/{job_id}").json()["counts"]["decided"] == 1
    hidden = secrets(people, job_id, hosts)
    assert {key.split()[0] for key in hidden} >= {"salt", "output_digest", "result", "pseudonym"}
    for token in (None, people.requester, people.admin):
        for path, answer in answers(people, job_id, token):
            told = [what for what, text in hidden.items() if text.encode() in answer]
            assert not told, path


def test_a_decided_work_unit_is_sealed_as_well(people: People) -> None:
    job_id = people.job()
    hosts = [people.host(), people.host()]
    for host in hosts:
        mine = host.ask(2)
        host.tell(*map(host.computed, mine))
    hosts.append(people.host())
    view = people.get(f"/jobs/{job_id}").json()
    assert (view["counts"]["decided"], view["sealed"]) == (2, True)
    hidden = secrets(people, job_id, hosts)
    for path, answer in answers(people, job_id, people.admin):
        assert not [what for what, text in hidden.items() if text.encode() in answer], path
    states = [one["state"] for one in people.get(f"/jobs/{job_id}/workunits").json()["items"]]
    assert states == ["decided", "decided", "open"]


def test_everything_is_told_when_the_seal_has_opened(people: People) -> None:
    job_id = people.job()
    hosts = [people.host(), people.host()]
    people.finish(job_id, hosts)
    hidden = secrets(people, job_id, hosts)
    told = b"".join(answer for _, answer in answers(people, job_id, None))
    for what, text in hidden.items():
        public = what.split()[0] in ("result", "output_digest", "salt")
        if public or what.split()[0] in ("host", "token", "address", "report_digest"):
            assert (text.encode() in told) == public, what
    pseudonyms = [text for what, text in hidden.items() if what.startswith("pseudonym")]
    assert sum(text.encode() in told for text in pseudonyms) == 2


def test_an_ended_job_stays_sealed_while_a_copy_is_out(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 2, "target_nresults": 3})
    straggler, *hosts = [people.host() for _ in range(3)]
    straggler.ask(1)
    view = people.finish(job_id, hosts)
    assert (view["state"], view["sealed"]) == ("completed", True)
    for unit in people.get(f"/jobs/{job_id}/workunits").json()["items"]:
        assert "results" not in unit


def story(folder: Path, *, swapped: bool) -> dict[str, bytes]:
    """All public bytes of a run in which two hosts do their share, one way round or the other."""
    folder.mkdir()
    (folder / "secret.key").write_bytes(b"k" * 32)
    settings = Settings(data_dir=folder)
    store = Store(settings, clock=lambda: 1_800_000_000)
    enable(store, "filterBy")
    app = create_app(settings, store, run_daemons=False)
    with TestClient(app, base_url="http://grid.example") as http:
        people = People(http, store)
        job_id = people.job()
        hosts = [people.host(), people.host()]
        left, right = reversed(hosts) if swapped else hosts
        mine, theirs = left.ask(2), right.ask(3)
        left.tell(left.computed(mine[0]))
        right.tell(right.computed(theirs[1]), right.computed(theirs[2]))
        people.settle()
        told = {
            f"{token} {path}": answer
            for token in ("nobody", "owner")
            for path, answer in answers(
                people, job_id, people.requester if token == "owner" else None
            )
        }
    store.close()
    return told


def test_who_holds_what_changes_no_public_byte(tmp_path: Path) -> None:
    one = story(tmp_path / "one", swapped=False)
    other = story(tmp_path / "other", swapped=True)
    assert len(one) > 40
    assert one == other


def test_a_lie_and_its_liar_are_shown_only_afterwards(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 2, "target_nresults": 3})
    liar = people.host()
    (first,) = liar.ask(1)
    wrong = {"form": "none", "selected": 0}
    right = liar.computed(first)
    lie = report(first, wrong)
    assert lie["output"] != right["output"]
    liar.tell(lie)
    digest_row = next(row for row in rows(people.store, ResultRow) if row.report_digest)
    for path, answer in answers(people, job_id, people.admin):
        assert digest_row.report_digest.encode() not in answer, path


def test_a_hosts_words_about_a_failure_are_sealed_too(people: People) -> None:
    dataset = people.dataset(chunk_rows=10)
    job_id = people.job(dataset=dataset, policy={"max_error_results": 1})
    host, straggler = people.host(), people.host()
    (mine,), (held,) = host.ask(), straggler.ask()
    said = {"result_id": mine["result_id"], "lease": mine["lease"], "outcome": "error"}
    host.tell({**said, "message": f"a host's words, sent from {ADDRESS}"})
    people.settle()
    sealed = people.get(f"/jobs/{job_id}").json()
    assert (sealed["state"], sealed["sealed"], sealed["failure_messages"]) == ("failed", True, [])
    for _, path in paths(people, job_id):
        if path not in EVENTS and not path.endswith("/events"):
            assert b"a host's words" not in people.http.get(path).content, path
    straggler.tell(straggler.computed(held))
    people.settle()
    opened = people.get(f"/jobs/{job_id}").json()
    assert opened["failure_messages"] == [f"a host's words, sent from {ADDRESS}"]
    assert not any(ADDRESS in row.facts for row in rows(people.store, OutboxRow))


def test_the_log_of_a_private_job_holds_no_name_and_no_plain_digest(people: People) -> None:
    dataset = people.dataset("secretcolumn\n12345678901\n", public="false")
    job_id = people.job(
        dataset=dataset,
        job_type="MIN",
        spec={"column": "secretcolumn"},
        public=False,
    )
    people.finish(job_id, [people.host(people.token("a lab", "trusted_host"))])
    text = "".join(row.facts for row in rows(people.store, OutboxRow))
    assert "secretcolumn" not in text
    number = people.internal(Kind.JOB, job_id)
    plain = [people.get(f"/datasets/{dataset}", people.admin).json()["source_digest"]]
    plain += [row.output_digest for row in rows(people.store, ResultRow) if row.output_digest]
    plain += [row.program_digest for row in rows(people.store, JobRow) if row.id == number]
    assert len(plain) == 3
    assert not any(digest in text for digest in plain)
