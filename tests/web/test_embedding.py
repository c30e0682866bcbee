"""This file is where it is tested what other sites may embed, and who says that they may not."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from live import grid
from web_people import API, People

from grid.db import sites
from grid.db.sites import KEPT_DAYS, origin_of
from web import embed_script

SITE = "https://garden.example"
FRAMED = {"Referer": f"{SITE}/", "Sec-Fetch-Dest": "iframe"}


def ancestors(people: People, **headers: str) -> str:
    """Who may frame the volunteer page, as a request with these headers is told."""
    asked = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = people.http.get("/volunteer?embed=1", headers=asked)
    assert answer.status_code == 200
    found = re.search("frame-ancestors ([^;]*)", answer.headers["content-security-policy"])
    assert found is not None
    return found[1]


def decide(people: People, token: str | None, **body: object) -> int:
    """An admin's word on a site; the answer's code."""
    asked = {"origin": SITE, "allowed": False, **body}
    return int(people.post("/admin/sites", asked, token).status_code)


def listed(people: People, query: str = "") -> dict[str, bool]:
    """The registry: site → whether it may embed."""
    items = people.get(f"/admin/sites{query}", people.admin).json()["items"]
    return {one["origin"]: one["allowed"] for one in items}


def test_any_site_may_embed_and_an_admin_takes_that_from_one_and_gives_it_back(
    people: People,
) -> None:
    assert ancestors(people, Referer=f"{SITE}/") == f"'self' {SITE}"
    assert listed(people) == {SITE: True}
    assert decide(people, people.admin, reason="it covers the card") == 200
    assert ancestors(people, Referer=f"{SITE}/") == "'none'"
    assert ancestors(people, Referer="https://other.example/") == "'self' https://other.example"
    assert listed(people) == {SITE: False, "https://other.example": True}
    assert listed(people, "?revoked=true") == {SITE: False}
    page = people.http.get("/volunteer/consent", params={"site": SITE}).text
    assert "it covers the card" in page
    assert 'data-grid="yes"' not in page
    assert decide(people, people.admin, allowed=True) == 200
    assert ancestors(people, Referer=f"{SITE}/") == f"'self' {SITE}"


@pytest.mark.parametrize(
    "referer", ["", "about:blank", "null", "data:text/html,x", "https://", "https://a b/", "x" * 9]
)
def test_a_site_that_hides_who_it_is_shows_no_frame(crowd: People, referer: str) -> None:
    assert ancestors(crowd, Referer=referer) == "'self'"


def test_a_referer_adds_nothing_to_the_policy_but_an_origin(crowd: People) -> None:
    for referer in ("https://a.example;x/", "https://a.example, *", "https://a'b.example/"):
        assert ancestors(crowd, Referer=referer) == "'self'"
    assert ancestors(crowd, Referer="https://user:pw@a.example:444/x?y") == (
        "'self' https://a.example:444"
    )


def test_somebody_who_opens_the_page_is_no_site(people: People) -> None:
    assert ancestors(people, Referer=f"{SITE}/", Sec_Fetch_Dest="document") == "'self'"
    assert listed(people) == {}


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example/x?y#z", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://10.0.0.7:8080/", "http://10.0.0.7:8080"),
        ("http://[::1]:80/", "http://[::1]"),
        ("https://a.example:99999/", None),
        ("ftp://a.example/", None),
        ("https://" + "a" * 400, None),
        ("", None),
    ],
)
def test_an_origin_is_spelled_as_browsers_spell_it(url: str, origin: str | None) -> None:
    assert origin_of(url) == origin


def test_the_registry_is_bounded_and_never_forgets_who_was_revoked(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sites, "SITES_MAX", 3)
    assert decide(people, people.admin) == 200
    for number in range(6):
        ancestors(people, Referer=f"https://s{number}.example/")
    assert len(listed(people)) == 3
    assert listed(people)[SITE] is False


def test_only_admins_read_and_change_the_registry(crowd: People) -> None:
    for token, code in ((None, 401), (crowd.requester, 403)):
        assert crowd.get("/admin/sites", token).status_code == code
        assert decide(crowd, token) == code
    for wrong in ("garden.example", f"{SITE}/", "https://G.example", "*", ""):
        assert decide(crowd, crowd.admin, origin=wrong) == 400
    assert decide(crowd, crowd.admin, allowed="no") == 400
    assert crowd.get("/admin/sites?limit=0", crowd.admin).status_code == 400


def test_the_registry_is_paged(people: People) -> None:
    for number in range(5):
        decide(people, people.admin, origin=f"https://s{number}.example")
    path, seen = "/admin/sites?limit=2", []
    while path:
        page = people.get(path, people.admin).json()
        seen += [one["origin"] for one in page["items"]]
        path = page["_links"].get("next", {}).get("href")
    assert seen == [f"https://s{number}.example" for number in range(5)]


def test_an_operator_revokes_a_site_beside_the_running_server(people: People) -> None:
    data = people.store.settings.data_dir
    assert ancestors(people, Referer=f"{SITE}/") == f"'self' {SITE}"
    done = grid("sites", "revoke", SITE, "--reason", "spam", data=data)
    assert (done.returncode, done.stdout) == (0, f"{SITE}: may not embed\n")
    assert ancestors(people, Referer=f"{SITE}/") == "'none'"
    shown = grid("sites", "list", data=data).stdout
    assert SITE in shown
    assert "spam" in shown
    assert grid("sites", "allow", SITE, data=data).returncode == 0
    assert ancestors(people, Referer=f"{SITE}/") == f"'self' {SITE}"
    assert grid("sites", "revoke", "garden.example", data=data).returncode == 2


def test_the_script_is_served_as_its_line_says_to_any_page(crowd: People) -> None:
    said = crowd.get("/embed?owner=O'Brien").json()
    path = said["versioned"].removeprefix("http://testserver.local")
    newest, kept = crowd.http.get("/embed.js"), crowd.http.get(path)
    assert newest.content == kept.content == embed_script.SCRIPT.read_bytes()
    digest = base64.b64encode(hashlib.sha384(kept.content).digest()).decode()
    assert said["integrity"] == f"sha384-{digest}"
    for part in (said["integrity"], path, 'crossorigin="anonymous"', 'data-owner="O&#x27;Brien"'):
        assert part in said["script"]
    assert "immutable" in kept.headers["cache-control"]
    assert "immutable" not in newest.headers["cache-control"]
    for answer in (newest, kept):
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "script" not in said["iframe"]
    assert 'referrerpolicy="origin"' in said["iframe"]
    for wrong in ("0" * 20, "0" * 19, "..", "g" * 20, "%00"):
        assert crowd.http.get(f"/embed/embed-{wrong}.js").status_code == 404


def test_a_version_outlives_newer_ones_for_its_time_and_no_longer(people: People) -> None:
    old = "console.log('yesterday');"
    people.store.write(lambda tx: sites.keep_script(tx, old))
    path = embed_script.EmbedScript(old).path
    people.store.write(lambda tx: sites.keep_script(tx, "newer"))
    assert people.http.get(path).text == old
    clock = people.store.now() + KEPT_DAYS * 86_400 + 1
    people.store._clock = lambda: clock
    people.store.write(lambda tx: sites.keep_script(tx, "newest"))
    assert people.http.get(path).status_code == 404


def test_an_isolated_site_gets_a_page_that_may_stand_in_it_and_others_do_not(
    crowd: People,
) -> None:
    plain = crowd.http.get("/volunteer?embed=1", headers=FRAMED).headers
    isolated = crowd.http.get("/volunteer?embed=1&coep=1", headers=FRAMED).headers
    inner = crowd.http.get("/sandbox/frame.html?coep=1").headers
    assert "cross-origin-embedder-policy" not in plain
    for headers in (isolated, inner):
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "cross-origin-embedder-policy" not in crowd.http.get("/sandbox/frame.html").headers


def test_the_page_of_consent_is_never_inside_another_and_names_whoever_asks(crowd: People) -> None:
    asked = {"site": f"{SITE}/x?y=1", "owner": "<b>ann</b>", "purpose": "the meadow count"}
    answer = crowd.http.get("/volunteer/consent", params=asked)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert f"<strong>{SITE}</strong> asks" in answer.text
    assert "&lt;b&gt;ann&lt;/b&gt;" in answer.text
    for wrong in ({}, {"site": "x"}, {"site": SITE, "owner": "a" * 201}, {"site": SITE, "x": "1"}):
        assert crowd.http.get("/volunteer/consent", params=wrong).status_code == 400
    assert crowd.http.get("/volunteer?theme=pink").status_code == 400


CHOSEN = {"duty_percent": 50, "on_battery": True, "data_mb_per_day": None}


def test_an_answer_is_heard_by_whoever_knows_its_word_and_by_nobody_later(people: People) -> None:
    word, other = "a1" * 16, "a2" * 16
    yes, no = {"yes": True, **CHOSEN}, {"yes": False}
    assert people.get(f"/consents/{word}").json() == {"answer": None}
    assert people.post("/consents", {"word": word, **yes}).status_code == 201
    assert people.get(f"/consents/{word}").json() == {"answer": yes}
    assert people.get(f"/consents/{other}").json() == {"answer": None}
    assert people.post("/consents", {"word": other, **yes, **no}).status_code == 201
    assert people.get(f"/consents/{other}").json() == {"answer": no}, "and nothing else is kept"
    asked = {"Origin": SITE, "Access-Control-Request-Method": "POST"}
    preflight = people.http.options(f"{API}/consents", headers=asked)
    assert "POST" not in preflight.headers.get("access-control-allow-methods", "")
    for wrong in ({"word": "short"}, {"duty_percent": 0}, {"data_mb_per_day": -1}):
        assert people.post("/consents", {"word": word, **yes, **wrong}).status_code == 400
    clock = people.store.now() + 901
    people.store._clock = lambda: clock
    assert people.get(f"/consents/{word}").json() == {"answer": None}


def test_one_network_cannot_fill_the_server_with_answers(crowd: People) -> None:
    codes = [
        crowd.post("/consents", {"word": f"{number:032x}", "yes": True, **CHOSEN}).status_code
        for number in range(301)
    ]
    assert codes == [201] * 300 + [429]
    assert crowd.get(f"/consents/{300:032x}").json() == {"answer": None}
