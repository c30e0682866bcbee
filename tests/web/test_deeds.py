"""This file is where it is tested what people do by hand: forms, API and `grid admin` alike."""

from __future__ import annotations

import pytest
from test_signing_in import Browser, add
from typer.testing import CliRunner
from web_people import People

from grid.db import deeds
from web import advice
from web.deeds import DEEDS
from web.main import app as command


@pytest.fixture(scope="module")
def ann(crowd: People) -> Browser:
    """The requester, who has signed in."""
    return signed_in(crowd, "ann", "requester")


def done_to(people: People, subject: str) -> list[tuple[str, str]]:
    """Who did what to it, newest first."""
    with people.store.read() as connection:
        found = deeds.newest(connection, 99)
    return [(one.who, one.what) for one in found if one.subject == subject]


def signed_in(people: People, name: str, *roles: str) -> Browser:
    add(people, name, *roles)
    browser = Browser(people)
    assert browser.sign_in(name).status_code == 303
    return browser


def send(browser: Browser, deed: str, on: str, page: str, **fields: str) -> int:
    """Fill in the form of a deed that stands on this page."""
    given = {"csrf": browser.csrf(page), "on": on, "next": page, **fields}
    return browser.http.post(f"/deeds/{deed}", data=given, follow_redirects=False).status_code


def test_an_owner_pauses_resumes_and_cancels_on_the_jobs_page(crowd: People, ann: Browser) -> None:
    job_id = crowd.job()
    page = f"/jobs/{job_id}"
    for deed, state in (("pause", "paused"), ("resume", "active"), ("cancel", "cancelled")):
        assert f"/deeds/{deed}-job" in ann.page(page)
        assert send(ann, f"{deed}-job", job_id, page) == 303
        assert crowd.get(page).json()["state"] == state
    assert "/deeds/" not in ann.page(page) and "What to do:" in ann.page(page)
    moves = [("ann", f"{deed}-job") for deed in ("cancel", "resume", "pause")]
    assert done_to(crowd, job_id) == moves


def test_a_page_says_what_a_deed_does_before_its_button(crowd: People, ann: Browser) -> None:
    text = ann.page(f"/jobs/{crowd.job()}")
    form = text[text.index('action="/deeds/cancel-job"') :]
    assert form.index("cannot be undone") < form.index("<button")


def test_strangers_and_other_requesters_move_no_job(crowd: People) -> None:
    job_id = crowd.job()
    page, bob = f"/jobs/{job_id}", signed_in(crowd, "bob", "requester")
    assert "/deeds/" not in bob.page(page)
    for deed, fields in (
        ("cancel-job", {}),
        ("prioritise-job", {"priority": "-3"}),
        ("reserve-hosts", {"hosts": "1"}),
        ("thaw-job", {"believe": "server"}),
        ("ban-volunteer", {"reason": "no"}),
        ("disable-account", {}),
    ):
        assert send(bob, deed, job_id, "/account", **fields) == 403, deed
        nobody = crowd.http.post(f"/deeds/{deed}", data={"on": job_id, **fields})
        assert nobody.status_code == 401, deed
    forged = bob.http.post("/deeds/cancel-job", data={"on": job_id, "csrf": "x"})
    assert forged.status_code == 403
    assert crowd.get(page).json()["state"] == "active"
    assert done_to(crowd, job_id) == []


def test_another_priority_puts_a_job_before_others(people: People) -> None:
    first, second = people.job(), people.job()
    host = people.host()
    assert host.ask(1)[0]["job"]["id"] == first
    said = people.post(f"/jobs/{first}/priority", {"priority": -5}, people.requester)
    assert said.status_code == 200 and said.json()["priority"] == -5
    assert said.json()["policy"]["priority"] == 0, "the log holds what was submitted"
    assert host.ask(1)[0]["job"]["id"] == second
    said = people.post(f"/jobs/{first}/priority", {"priority": 5}, people.admin)
    assert said.status_code == 200
    assert host.ask(1)[0]["job"]["id"] == first


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"priority": 1}, 403, "/priority"),
        ({"priority": 101}, 400, "/priority"),
        ({"priority": "x"}, 400, "/priority"),
        ({"priority": 0, "more": 1}, 400, ""),
        ({}, 400, "/priority"),
    ],
)
def test_a_priority_that_may_not_be_is_refused_by_name(
    crowd: People, body: dict[str, object], code: int, pointer: str
) -> None:
    answer = crowd.post(f"/jobs/{crowd.job()}/priority", body, crowd.requester)
    assert answer.status_code == code
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_an_ended_job_is_put_before_none(crowd: People) -> None:
    job_id = crowd.job()
    crowd.finish(job_id, [crowd.host(), crowd.host()])
    answer = crowd.post(f"/jobs/{job_id}/priority", {"priority": -1}, crowd.requester)
    assert answer.status_code == 409


def test_the_command_does_what_the_pages_do(crowd: People, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = crowd.job()
    monkeypatch.setenv("GRID_DATA_DIR", str(crowd.store.settings.data_dir))
    run = CliRunner()
    said = run.invoke(command, ["admin", "pause-job", job_id, "--yes"])
    assert said.exit_code == 0, said.output
    assert crowd.get(f"/jobs/{job_id}").json()["state"] == "paused"
    assert run.invoke(command, ["admin", "resume-job", job_id], input="n\n").exit_code == 1
    assert crowd.get(f"/jobs/{job_id}").json()["state"] == "paused"
    for wrong in (["nothing", "x"], ["prioritise-job", job_id], ["prioritise-job", job_id, "x"]):
        assert run.invoke(command, ["admin", *wrong, "--yes"]).exit_code == 2, wrong
    said = run.invoke(command, ["admin", "prioritise-job", job_id, "priority=9", "--yes"])
    assert said.exit_code == 0, said.output
    log = run.invoke(command, ["admin", "--log"]).output
    assert "operator" in log and "priority=9" in log
    listed = run.invoke(command, ["admin"], env={"COLUMNS": "200"}).output
    assert all(name in listed for name in DEEDS)


@pytest.mark.parametrize(
    ("view", "help_"),
    [
        ({"frozen": "suspect", "state": "paused", "failure": None}, "an admin"),
        ({"frozen": None, "state": "failed", "failure": "past deadline"}, "later deadline"),
        ({"frozen": None, "state": "failed", "failure": "odd"}, "clone"),
        ({"frozen": None, "state": "cancelled", "failure": None}, "clone"),
        ({"frozen": None, "state": "paused", "failure": None}, "resume"),
        ({"frozen": None, "state": "active", "failure": None}, ""),
    ],
)
def test_whoever_is_stuck_reads_what_to_do(view: dict[str, object], help_: str) -> None:
    assert help_ in advice.of(view)
