"""This file is where signing in is tested: passwords, sessions, links, forged forms."""

from __future__ import annotations

import re
import time
from statistics import median
from typing import Any

import pytest
from httpx import Response
from litestar.testing import TestClient
from web_people import API, People

from grid.db import accounts
from grid.db.passes import Claims, Purpose
from web import forms

PASSWORD = "a sentence of mine"


class Browser:
    """A browser of somebody's, with cookies of its own and without scripts."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.http = TestClient(people.http.app, base_url="http://grid.example")
        self.http.blocking_portal = people.http.blocking_portal

    def page(self, path: str) -> str:
        answer = self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    def csrf(self, path: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.page(path))
        assert found is not None
        return found[1]

    def send(self, path: str, on: str, **fields: Any) -> Response:
        """Open the page `on`, and send a form of it."""
        fields = {"csrf": self.csrf(on), **fields}
        return self.http.post(path, data=fields, follow_redirects=False)

    def sign_in(self, name: str, password: str = PASSWORD, **fields: str) -> Response:
        return self.send("/login", "/login", name=name, password=password, **fields)

    @property
    def session(self) -> str | None:
        return self.http.cookies.get("grid")


@pytest.fixture(scope="module")
def signed(crowd: People) -> tuple[People, Browser]:
    """Ann, who has signed in."""
    add(crowd, "ann", "requester")
    browser = Browser(crowd)
    assert browser.sign_in("ann").status_code == 303
    return crowd, browser


def add(people: People, name: str, *roles: str) -> str:
    """An account with a password; how it signs in."""
    kept = people.http.portal  # the loop of the app, where its hashes are made
    with kept() as portal:
        hashed = portal.call(people.http.app.state["server"].passwords.hashed, PASSWORD)
    people.store.write(
        lambda tx: accounts.choose_password(tx, accounts.grant(tx, name, roles), hashed)
    )
    return name


def link_for(people: People, name: str) -> str:
    return people.store.write(lambda tx: accounts.make_link(tx, accounts.grant(tx, name)))


def test_who_has_signed_in_is_known_by_pages_and_api(signed: tuple[People, Browser]) -> None:
    people, browser = signed
    assert "ann" in browser.page("/account")
    job_id = people.job(dataset=people.dataset(public="false"))
    for path in (f"/jobs/{job_id}", f"{API}/jobs/{job_id}"):
        assert browser.http.get(path).status_code == 200
        assert people.http.get(path).status_code == 404


def test_a_cookie_is_for_the_server_alone(signed: tuple[People, Browser]) -> None:
    people, _ = signed
    browser = Browser(people)
    said = browser.sign_in("ann").headers.get_list("set-cookie")
    (cookie,) = [one for one in said if one.startswith("grid=ey")]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


@pytest.mark.parametrize("path", ["/account", "/account?x=1"])
def test_who_has_not_signed_in_is_sent_to_and_comes_back(crowd: People, path: str) -> None:
    add(crowd, "coming back", "requester")
    browser = Browser(crowd)
    answer = browser.http.get(path, follow_redirects=False)
    assert answer.status_code == 303
    there = answer.headers["location"]
    assert there.startswith("/login?next=")
    place = re.search(r'name="next" value="([^"]+)"', browser.page(there))
    assert place is not None
    assert browser.sign_in("coming back", next=place[1]).headers["location"] == path


@pytest.mark.parametrize(
    "path",
    ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", "", "jobs",
     "/a b", "/a\r\nSet-Cookie: grid=x", "javascript:alert(1)"],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site(path: str) -> None:
    assert forms.local(path) == forms.HOME


@pytest.mark.parametrize(
    ("name", "password"),
    [("ann", "another sentence"), ("ann", ""), ("ann", "x" * 2_001), ("nobody here", PASSWORD),
     ("no password", PASSWORD), ("shut out", PASSWORD), ("", PASSWORD), ("x" * 2_001, PASSWORD)],
)  # fmt: skip
def test_a_wrong_name_or_password_says_no_more_than_that(
    signed: tuple[People, Browser], name: str, password: str
) -> None:
    people, _ = signed
    people.store.write(lambda tx: accounts.grant(tx, "no password", ["requester"]))
    add(people, "shut out", "requester")
    people.store.write(
        lambda tx: accounts.change(tx, accounts.grant(tx, "shut out"), None, disabled=True)
    )
    browser = Browser(people)
    answer = browser.sign_in(name, password)
    assert answer.status_code == (400 if len(name + password) > 2_000 else 401)
    assert browser.session is None
    if answer.status_code == 401:
        assert "There is no such name with this password." in answer.text
        assert not password or password not in answer.text


def test_a_session_planted_before_is_not_the_one_after(signed: tuple[People, Browser]) -> None:
    people, mine = signed
    victim = Browser(people)
    victim.http.cookies.set("grid", "made-up", domain="grid.example", path="/")
    # A cookie that proves nothing is dropped, and one of somebody else's is not taken over.
    assert victim.http.get("/jobs").status_code == 401
    assert victim.session is None
    assert victim.sign_in("ann").status_code == 303
    first = victim.session
    assert first not in (None, "made-up", mine.session)
    again = Browser(people)
    again.http.cookies.set("grid-form", "chosen-by-a-thief", domain="grid.example", path="/")
    assert again.sign_in("ann").status_code == 303
    assert again.session not in (first, mine.session)


def test_signing_out_ends_the_session_on_the_server(crowd: People) -> None:
    browser = Browser(crowd)
    browser.sign_in(add(crowd, "leaving", "requester"))
    kept = browser.session
    assert kept is not None
    assert browser.send("/logout", "/account").status_code == 303
    assert browser.session is None
    browser.http.cookies.set("grid", kept, domain="grid.example", path="/")
    answer = browser.http.get(f"{API}/tokens")
    assert answer.status_code == 401
    assert browser.session is None, "the browser is told to drop it"


def forged(people: People, browser: Browser) -> dict[str, tuple[str | None, dict[str, str]]]:
    """What others' pages may send in a form's name: the pass, and headers."""
    passes, now = people.store.keyring.passes, people.store.now()
    other = Browser(people)
    other.sign_in("ann")
    good = browser.csrf("/account")
    return {
        "none": (None, {}),
        "empty": ("", {}),
        "made up": ("x.y.z.a.b", {}),
        "of another session": (other.csrf("/account"), {}),
        "of nobody's form": (Browser(people).csrf("/login"), {}),
        "old": (passes.write(Purpose.FORM, Claims(jti="x", exp=now - 1)), {}),
        "the session itself": (browser.session, {}),
        "from elsewhere": (good, {"Sec-Fetch-Site": "cross-site"}),
        "from a neighbour": (good, {"Sec-Fetch-Site": "same-site"}),
    }


def test_a_form_that_is_not_ours_changes_nothing(signed: tuple[People, Browser]) -> None:
    people, browser = signed
    before = people.row_counts()["token"]
    cases = forged(people, browser)
    sessions = people.row_counts()["token"] - before
    for case, (csrf, headers) in cases.items():
        fields = {"scopes": "requester"} | ({} if csrf is None else {"csrf": csrf})
        answer = browser.http.post("/account/tokens", data=fields, headers=headers)
        assert answer.status_code == 403, case
        said = {} if csrf is None else {"X-CSRF-Token": csrf}
        body = {"scopes": ["requester"]}
        answer = browser.http.post(f"{API}/tokens", json=body, headers={**said, **headers})
        assert answer.status_code == 403, case
    assert people.row_counts()["token"] == before + sessions
    fields = {"scopes": "requester", "csrf": browser.csrf("/account")}
    assert browser.http.post("/account/tokens", data=fields).status_code == 200


def test_a_script_of_ours_may_do_what_its_session_may(signed: tuple[People, Browser]) -> None:
    people, browser = signed
    body = {"job_type": "filterBy", "spec": {"where": "id = 1"}, "dataset": people.dataset()}
    refused = browser.http.post(f"{API}/jobs", json=body)
    assert refused.status_code == 403
    headers = {"X-CSRF-Token": browser.csrf("/account")}
    assert browser.http.post(f"{API}/jobs", json=body, headers=headers).status_code == 201


def test_nobody_can_be_made_to_sign_in_as_another(crowd: People) -> None:
    add(crowd, "thief", "requester")
    thiefs = Browser(crowd).csrf("/login")
    fields = {"csrf": thiefs, "name": "thief", "password": PASSWORD}
    victim = Browser(crowd)
    assert victim.http.post("/login", data=fields).status_code == 403
    victim.page("/login")
    assert victim.http.post("/login", data=fields).status_code == 403
    assert victim.session is None


def test_a_link_is_good_for_one_password(crowd: People) -> None:
    old, link = link_for(crowd, "new"), link_for(crowd, "new")
    browser = Browser(crowd)
    for gone in (old, "", "x", link[:-1]):
        assert browser.http.get("/setup", params={"link": gone}).status_code == 410
    on = f"/setup?link={link}"
    short = browser.send("/setup", on, link=link, password="short")
    assert short.status_code == 400
    assert "15 to 200 characters" in short.text
    assert browser.send("/setup", on, link=link, password=PASSWORD).status_code == 303
    assert browser.session is not None
    other = Browser(crowd)
    assert other.http.get("/setup", params={"link": link}).status_code == 410
    assert other.sign_in("new").status_code == 303


def test_another_password_ends_every_other_session(crowd: People) -> None:
    add(crowd, "moving on", "requester")
    here, there = Browser(crowd), Browser(crowd)
    for browser in (here, there):
        browser.sign_in("moving on")
    for old, new, code in (
        ("not mine at all", "another sentence", 400),
        (PASSWORD, "too short", 400),
        (PASSWORD, "moving on", 400),
        (PASSWORD, "abababababababababab", 400),
        (PASSWORD, "another sentence", 303),
    ):
        assert here.send("/account/password", "/account", old=old, new=new).status_code == code
    assert here.http.get(f"{API}/tokens").status_code == 200
    assert there.http.get(f"{API}/tokens").status_code == 401
    assert Browser(crowd).sign_in("moving on").status_code == 401
    assert Browser(crowd).sign_in("moving on", "another sentence").status_code == 303


def test_r25_no_password_is_echoed_kept_or_logged(
    crowd: People, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "nobody else's sentence"
    link = link_for(crowd, "careful")
    browser = Browser(crowd)
    answers = [browser.send("/setup", f"/setup?link={link}", link=link, password=secret)]
    answers += [Browser(crowd).sign_in("careful", password) for password in (secret, secret + "!")]
    answers += [browser.http.get("/account"), browser.http.get(f"{API}/tokens")]
    for answer in answers:
        assert secret not in f"{answer.headers}{answer.text}"
    said = capfd.readouterr()
    session = browser.session
    assert session is not None
    folder = crowd.store.settings.data_dir
    kept = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    for what in (secret, link, session):
        assert what not in said.out + said.err
        assert what.encode() not in kept
    with crowd.store.read() as connection:
        account = accounts.by_name(connection, "careful")
    assert account is not None and account.password_hash is not None
    assert account.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_it_takes_as_long_to_refuse_a_name_that_nobody_has(crowd: People) -> None:
    """The medians of five tries each; a check takes some fifty times what the rest takes."""
    add(crowd, "here", "requester")

    def taken(name: str) -> float:
        browser = Browser(crowd)
        fields = {"csrf": browser.csrf("/login"), "name": name, "password": "not the one at all"}
        started = time.process_time()
        assert browser.http.post("/login", data=fields).status_code == 401
        return time.process_time() - started

    there, nobody = ([taken(name) for _ in range(5)] for name in ("here", "nobody at all"))
    assert 0.4 < median(nobody) / median(there) < 2.5


def test_guessing_is_slowed_down_for_one_name_and_no_other(crowd: People) -> None:
    add(crowd, "guessed", "requester")
    answers = [Browser(crowd).sign_in("guessed", "guess") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 600
    assert Browser(crowd).sign_in("guessed").status_code == 429, "not even with the password"
    assert Browser(crowd).sign_in("not guessed", "guess").status_code == 401
