"""This file is where the seal is tested: before it opens, no public byte tells who did what."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar.testing import TestClient
from public_bytes import ADDRESS, EVENTS, answers, grow_log, paths, rows, secrets
from web_people import API, Host, People, enable, report, watch

from grid.daemons import trust
from grid.db import apply as writes
from grid.db import queries, quizzing
from grid.db.store import Store
from grid.db.tables import (
    JobRow,
    OutboxRow,
    ResultRow,
    VolunteerRow,
    WorkUnitRow,
)
from grid.identifiers import Kind
from grid.items import ChunkColumn
from grid.settings import Settings
from grid.states import Purpose, ServerState
from grid.transition import CreateResults, Entity, Transition
from web.app import create_app


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


@pytest.fixture
def behind_proxy(tmp_path: Path) -> Iterator[People]:
    """Hosts come from an address that must not show anywhere."""
    settings = Settings(
        data_dir=tmp_path / "data", trusted_proxies=("testclient",), default_mode="fixed"
    )
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
    units = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    assert sorted(one["state"] for one in units) == ["decided", "decided", "open"]


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


def story(
    folder: Path, *, swapped: bool = False, secret: Purpose | None = None
) -> dict[str, bytes]:
    """All bytes that anybody is shown of a run in which two hosts do their share, one way round or
    the other; and in which a decided work unit gets a further copy, or not."""
    folder.mkdir()
    (folder / "secret.key").write_bytes(b"k" * 32)
    (folder / "signer").mkdir()
    (folder / "signer" / "0001.key").write_bytes(b"l" * 32)
    (folder / "signer" / "origin").write_text("grid.example/log")
    settings = Settings(data_dir=folder, default_mode="fixed")
    store = Store(settings, clock=lambda: 1_800_000_000, entropy=random.Random(7).randbytes)
    enable(store, "filterBy")
    app = create_app(settings, store, run_daemons=False)
    with TestClient(app, base_url="http://grid.example") as http:
        people = People(http, store)
        job_id = people.job()
        hosts = [people.host(), people.host()]
        left, right = reversed(hosts) if swapped else hosts
        mine, theirs = left.ask(2), right.ask(3)
        left.tell(*map(left.computed, mine))
        right.tell(*map(right.computed, theirs))
        people.settle()
        if secret is not None:
            ask_again(store, secret)
        grow_log(store)
        whose = {"nobody": None, "owner": people.requester, "operator": people.admin}
        told = {
            f"{name} {path}": answer
            for name, token in whose.items()
            for path, answer in answers(people, job_id, token)
        }
    store.close()
    return told


def make_quiz(store: Store, job_id: int) -> None:
    """A work unit whose answer is known, over bytes that nobody will read."""
    with store.read() as connection:
        plan = quizzing.plan(connection, job_id, store.now())
        job = queries.job(connection, job_id)
    column = ChunkColumn(
        chunk=plan.first_chunk, column=job.reads[0], rows=1, digest="0" * 64, bytes=8
    )
    new = quizzing.NewQuiz(plan=plan, columns=(column,), output="{}")
    assert store.write(lambda tx: quizzing.add(tx, job_id, new, store.context))


def ask_again(store: Store, purpose: Purpose) -> None:
    """Make a copy of a decided work unit, and send it, for one of the ends that are secret."""
    unit = next(row for row in rows(store, WorkUnitRow) if row.canonical_result_id)
    if purpose is Purpose.QUIZ:
        make_quiz(store, unit.job_id)
        unit = next(row for row in rows(store, WorkUnitRow) if row.ordinal < 0)
    made = CreateResults(
        workunit_id=unit.id, job_id=unit.job_id, count=1, priority=0, purpose=purpose,
        because="a test wants it",
    )  # fmt: skip
    store.write(lambda tx: writes.apply(tx.connection, [made], (), tx.now))
    (copy,) = [row for row in rows(store, ResultRow) if row.purpose == purpose]
    sent = Transition(
        entity=Entity.RESULT,
        id=copy.id,
        before={"server_state": ServerState.UNSENT},
        after={"server_state": ServerState.IN_PROGRESS, "sent_at": 1_800_000_000},
        because="a test sends it",
    )
    store.write(lambda tx: writes.apply(tx.connection, [sent], (), tx.now))


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The run that others are held against."""
    return story(tmp_path_factory.mktemp("story") / "one")


def test_who_holds_what_changes_no_public_byte(one: dict[str, bytes], tmp_path: Path) -> None:
    """No page, event, number or byte of the log; neither those that an operator alone sees."""
    other = story(tmp_path / "other", swapped=True)
    assert len(one) > 40
    assert one == other
    log = one["nobody /log/tile/entries/000.p/1"]
    assert log.count(b'"commit"') == 5 and b"verdict" not in log


@pytest.mark.parametrize(
    "secret",
    [Purpose.TRAP, Purpose.PROBATION, Purpose.QUIZ, Purpose.DECOY, Purpose.TRUSTED],
)
def test_whether_a_work_unit_is_asked_for_again_changes_no_public_byte(
    one: dict[str, bytes], tmp_path: Path, secret: Purpose
) -> None:
    other = story(tmp_path / "other", secret=secret)
    assert len(one) > 40
    assert one == {path: answer for path, answer in other.items() if path in one}
    further = [answer for path, answer in other.items() if path not in one]
    assert all(answer.startswith(b"404") for answer in further), "bytes of a quiz's answer"


def test_while_sealed_nothing_tells_which_work_unit_is_which(people: People) -> None:
    dataset = people.dataset(chunk_rows=1)
    job_id = people.job(dataset=dataset)
    units = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    for unit in (*units, people.get(f"/workunits/{units[0]['id']}", people.admin).json()):
        assert unit.keys() == {"id", "job", "state", "sealed", "_links"}
    page = people.get(f"http://grid.example/jobs/{job_id}").text
    assert ">no.</th>" not in page and units[0]["id"] in page
    listed = [people.internal(Kind.WORKUNIT, unit["id"]) for unit in units]
    order = {row.id: row.ordinal for row in rows(people.store, WorkUnitRow)}
    assert sorted(order[number] for number in listed) == list(range(10))
    assert [order[number] for number in listed] != list(range(10))
    assert "merged" not in people.get(f"/jobs/{job_id}").json()["counts"], "the fold is in order"
    people.finish(job_id, [people.host(), people.host()])
    opened = people.get(f"/jobs/{job_id}/workunits").json()["items"]
    assert [(unit["ordinal"], unit["first_chunk"]) for unit in opened] == [
        (number, number) for number in range(10)
    ]
    assert people.get(f"/jobs/{job_id}").json()["counts"]["merged"] == 10


def test_what_an_output_rests_on_is_told_when_it_is_there_and_never_before(people: People) -> None:
    job_id = people.job()
    hosts = [people.host(), people.host()]
    for host in hosts:
        mine = host.ask(2)
        host.tell(*map(host.computed, mine))
    assert people.get(f"/jobs/{job_id}").json()["support"] is None
    people.finish(job_id, hosts)
    view = people.get(f"/jobs/{job_id}").json()
    counts = {"agreed": 3, "trusted": 0, "below_target": 0}
    assert view["support"] == {**counts, "weakest_votes": 2, "contested": 0}
    manifest = people.get(view["outputs"][0]["_links"]["manifest"]["href"]).json()["made_from"]
    assert manifest["support"] == counts
    page = people.get(f"http://grid.example/jobs/{job_id}").text
    assert "Volunteers agreed on 100 %, the server ran 0 %." in page


def test_a_retraction_is_announced_and_the_earlier_version_stays(people: People) -> None:
    job_id = people.job(policy={"min_quorum": 2})
    liars = [people.host(), people.host()]
    for liar in liars:
        for one in liar.ask(8):
            liar.tell(report(one, {"chunks": [{"count": 0, "deltas": ""}]}))
    people.settle()
    people.settle()
    before = people.get(f"/jobs/{job_id}").json()
    assert (before["state"], before["sealed"], before["retracted"]) == ("completed", False, 0)
    number = rows(people.store, VolunteerRow)[0].id
    people.store.write(lambda tx: writes.ban(tx.connection, number, "caught", tx.now))
    trust.do_pass(people.store, people.store.now())
    view = people.get(f"/jobs/{job_id}").json()
    assert (view["state"], view["retracted"], view["output_version"]) == ("active", 3, 2)
    assert [(one["version"], one["superseded"]) for one in view["outputs"]] == [(1, True)]
    old = people.get(f"/jobs/{job_id}/output")
    assert (old.status_code, old.headers["Grid-Output-Superseded"]) == (200, "true")
    page = people.get(f"http://grid.example/jobs/{job_id}").text
    assert "3 verdicts retracted" in page and "Superseded" in page
    (event,) = watch(people, f"{API}/jobs/{job_id}/events", 1, None)
    assert b'"retracted":3' in event
    people.finish(job_id, [people.host(), people.host()])
    done = people.get(f"/jobs/{job_id}").json()
    assert [(one["version"], one["superseded"]) for one in done["outputs"]] == [
        (2, False), (1, True),
    ]  # fmt: skip
    assert people.get(f"/jobs/{job_id}/output?version=1").json()["rows"] == []
    assert len(people.get(f"/jobs/{job_id}/output").json()["rows"]) == 3


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
    people.finish(job_id, [people.host(people.token("ann", "trusted_host"))])
    text = "".join(row.facts for row in rows(people.store, OutboxRow))
    assert "secretcolumn" not in text
    number = people.internal(Kind.JOB, job_id)
    plain = [people.get(f"/datasets/{dataset}", people.admin).json()["source_digest"]]
    plain += [row.output_digest for row in rows(people.store, ResultRow) if row.output_digest]
    plain += [row.program_digest for row in rows(people.store, JobRow) if row.id == number]
    assert len(plain) == 3
    assert not any(digest in text for digest in plain)
