"""This file is where it stands of every route who may use it, and whose things with it.

A route that is absent from the table fails a test, and so does a line without a route.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import anyio
import pytest
from litestar import Litestar
from litestar.routes import ASGIRoute, HTTPRoute
from web_people import API, People

from grid.db import accounts
from grid.identifiers import Kind
from web import callers
from web.deeds import DEEDS

#: Everybody there is: without an account, with a token of each scope, and in a browser.
WHO = (
    "nobody", "host", "stranger", "trusted", "auditor", "named auditor",
    "owner's trusted", "owner", "owner's browser", "admin",
)  # fmt: skip
IN = "in"
Rule = dict[str, int | str]


def rule(let_in: str, others: int, **refused: int) -> Rule:
    """Who is let in, comma-separated; what others get, and what some get instead."""
    spoken = {name.replace("_s_", "'s ").replace("_", " "): code for name, code in refused.items()}
    chosen: Rule = dict.fromkeys(WHO, others) | spoken
    return chosen | {who: IN for who in let_in.split(", ") if who}


OPEN = rule(", ".join(WHO), 0)
OWN = "owner, owner's browser, admin"
SEEN = rule(f"{OWN}, named auditor", 404)
ADMIN = rule("admin", 403, nobody=401)
REQUESTER = rule(f"{OWN}, stranger", 403, nobody=401)
MOVED = rule(OWN, 403, nobody=401)
MOVED_PRIVATE = rule(OWN, 404, named_auditor=403)
#: Its blobs are what trusted hosts of the owner compute on.
BYTES = rule(f"{OWN}, named auditor, owner's trusted", 404)
ACCOUNT = rule(", ".join(WHO[2:]), 403, nobody=401)
SOMEBODY = rule(", ".join(WHO[1:]), 401)
HOST = rule("host", 401)
#: A token ends none that may do more than it, and renews itself only.
OWN_TOKEN = rule(OWN, 404, nobody=401, host=403, owner_s_trusted=403)
ROTATED = rule(
    "owner's browser", 404, nobody=401, host=403, owner=403, owner_s_trusted=403, admin=403
)
#: A page for who has signed in sends others to do so; its forms refuse them.
PAGE, FORM = rule("owner's browser", 303), rule("owner's browser", 401)
#: A browser that was never given the form sends none of ours.
FIRST_FORM = rule("", 403)

#: Method and path → who may, or, for somebody's things, who may when they are public and private.
TABLE: dict[str, Rule | tuple[Rule, Rule]] = {
    f"GET {API}": OPEN,
    f"GET {API}/openapi.json": OPEN,
    f"GET {API}/datasets": OPEN,
    f"POST {API}/datasets": REQUESTER,
    f"GET {API}/datasets/{{id:str}}": (OPEN, SEEN),
    f"GET {API}/datasets/{{id:str}}/preview": (OPEN, SEEN),
    f"GET {API}/datasets/{{id:str}}/chunks": (OPEN, SEEN),
    f"GET {API}/job-types": OPEN,
    f"GET {API}/job-types/{{name:str}}": OPEN,
    f"POST {API}/job-types/{{name:str}}/preview": REQUESTER,
    f"GET {API}/jobs": OPEN,
    f"POST {API}/jobs": REQUESTER,
    f"GET {API}/jobs/{{id:str}}": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/program": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/workunits": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/output": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/events": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/statistics": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/bundle": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/evidence": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/evidence/{{work_unit:str}}": (OPEN, SEEN),
    f"POST {API}/jobs/{{id:str}}/checks": (OPEN, SEEN),
    f"GET {API}/jobs/{{id:str}}/auditors": (MOVED, MOVED_PRIVATE),
    f"POST {API}/jobs/{{id:str}}/auditors": (MOVED, MOVED_PRIVATE),
    f"POST {API}/jobs/{{id:str}}/pause": (MOVED, MOVED_PRIVATE),
    f"POST {API}/jobs/{{id:str}}/resume": (MOVED, MOVED_PRIVATE),
    f"POST {API}/jobs/{{id:str}}/cancel": (MOVED, MOVED_PRIVATE),
    f"POST {API}/jobs/{{id:str}}/priority": (MOVED, MOVED_PRIVATE),
    f"POST {API}/jobs/{{id:str}}/reserve": (MOVED, MOVED_PRIVATE),
    f"POST {API}/jobs/{{id:str}}/release": (MOVED, MOVED_PRIVATE),
    f"GET {API}/workunits/{{id:str}}": (OPEN, SEEN),
    f"GET {API}/blobs/{{digest:str}}": (OPEN, BYTES),
    f"GET {API}/events": OPEN,
    f"GET {API}/hosts": REQUESTER,
    f"POST {API}/hosts": OPEN,
    f"GET {API}/hosts/me": HOST,
    f"PUT {API}/hosts/me": HOST,
    f"POST {API}/hosts/me/sandbox": HOST,
    f"POST {API}/work": OPEN,  # its body has the token
    f"PUT {API}/results/{{id:str}}/outputs/{{digest:str}}": rule("", 401, host=403),
    f"GET {API}/leaderboard": OPEN,
    f"GET {API}/volunteers/me": SOMEBODY,
    f"POST {API}/volunteers/me": SOMEBODY,
    f"DELETE {API}/volunteers/me": HOST,
    f"POST {API}/volunteers/me/pairing": HOST,
    f"GET {API}/volunteers/me/results": HOST,
    f"POST {API}/consents": OPEN,
    f"GET {API}/consents/{{word:str}}": OPEN,
    f"GET {API}/embed": OPEN,
    f"GET {API}/usage": REQUESTER,
    f"GET {API}/tokens": ACCOUNT,
    f"POST {API}/tokens": ACCOUNT,
    f"POST {API}/tokens/{{id:str}}/rotate": ROTATED,
    f"POST {API}/tokens/{{id:str}}/revoke": OWN_TOKEN,
    f"GET {API}/admin/accounts": ADMIN,
    f"POST {API}/admin/accounts": ADMIN,
    f"GET {API}/admin/accounts/{{id:str}}": ADMIN,
    f"POST {API}/admin/accounts/{{id:str}}": ADMIN,
    f"POST {API}/admin/accounts/{{id:str}}/link": ADMIN,
    f"GET {API}/admin/hosts/open-sandboxes": ADMIN,
    f"GET {API}/admin/jobs/frozen": ADMIN,
    f"GET {API}/admin/jobs/{{id:str}}/quarantine": (ADMIN, ADMIN),
    f"POST {API}/admin/jobs/{{id:str}}/quarantine/lift": (ADMIN, ADMIN),
    f"POST {API}/admin/jobs/{{id:str}}/resume": (ADMIN, ADMIN),
    f"GET {API}/admin/plugins": ADMIN,
    f"POST {API}/admin/plugins": ADMIN,
    f"GET {API}/admin/sites": ADMIN,
    f"POST {API}/admin/sites": ADMIN,
    f"POST {API}/admin/tokens": ADMIN,
    f"GET {API}/admin/volunteers": ADMIN,
    f"POST {API}/admin/volunteers/{{id:str}}/ban": ADMIN,
    f"POST {API}/admin/volunteers/{{id:str}}/unban": ADMIN,
    "GET /": OPEN,
    "GET /jobs": OPEN,
    "GET /jobs/{id:str}": (OPEN, SEEN),
    "GET /jobs/{id:str}/workunits/{place:int}": (rule("", 404), rule("", 404)),  # the seal is shut
    "GET /datasets/{id:str}": (OPEN, SEEN),
    "GET /job-types/{name:str}": OPEN,
    "GET /audit": OPEN,
    "GET /audit/workunits/{id:str}": (OPEN, SEEN),
    "GET /answer/{id:str}": (OPEN, SEEN),
    "GET /leaderboard": OPEN,
    "GET /volunteer": OPEN,
    "GET /volunteer/consent": OPEN,
    "GET /embed.js": OPEN,
    "GET /embed/{script:str}": OPEN,
    "GET /sandbox/frame.html": OPEN,
    "GET /sandbox/reached.js": OPEN,
    "GET /log/checkpoint": OPEN,
    "GET /log/witnessed": OPEN,
    "GET /log/keys": OPEN,
    "GET /log/tile/{tile:path}": OPEN,
    "GET /log/proof/{leaf:str}": OPEN,
    "GET /log/receipts/{commitment:str}": OPEN,
    "GET /healthz": OPEN,
    "GET /readyz": OPEN,
    "GET /metrics": OPEN,
    "GET /static/{file_path:path}": OPEN,
    "ASGI /audit/sql": OPEN,
    "GET /login": rule(", ".join(WHO), 0, owner_s_browser=303),
    "POST /login": FIRST_FORM,
    "POST /logout": FORM,
    "GET /setup": OPEN,
    "POST /setup": FIRST_FORM,
    "GET /register": rule("", 404),  # by invitation
    "POST /register": rule("", 404),
    "POST /deeds/{name:str}": FORM,
    "GET /jobs/new": PAGE,
    "POST /jobs/new": FORM,
    "POST /datasets/new": FORM,
    "GET /account": PAGE,
    "POST /account/tokens": FORM,
    "POST /account/tokens/{id:str}/rotate": FORM,
    "POST /account/tokens/{id:str}/revoke": FORM,
    "POST /account/password": FORM,
    "POST /account/sessions/end": FORM,
}

#: Changes that a cookie has no part in: a host's, anybody's, or those of the first forms.
NO_COOKIE = {
    f"POST {API}/hosts", f"PUT {API}/hosts/me", f"POST {API}/work", f"POST {API}/consents",
    f"PUT {API}/results/{{id:str}}/outputs/{{digest:str}}",
    "POST /login", "POST /setup", "POST /register",
}  # fmt: skip
STREAMS = "/events"


class Stage:
    """Everybody, with somebody's things: a public job, a private one, and what belongs to them."""

    def __init__(self, people: People) -> None:
        self.people, self.passes = people, people.store.keyring.passes
        self.fixed: dict[str, str | None] = {
            "nobody": None,
            "stranger": people.token("another requester", "requester"),
            "trusted": people.token("lab", "trusted_host"),
            "auditor": people.token("ida", "auditor"),
            "named auditor": people.token("eva", "auditor"),
            "owner's trusted": people.token("ann", "trusted_host"),
            "owner": people.requester,
            "admin": people.admin,
        }
        self.owner = people.store.write(lambda tx: accounts.grant(tx, "ann"))
        self.things = [self._things(public) for public in ("true", "false")]

    def _things(self, public: str) -> dict[str, str]:
        people, ann = self.people, self.people.requester
        rows = f"id\n{1 if public == 'true' else 2}\n"
        dataset = people.dataset(rows, public=public)
        job = people.job({"where": "TRUE"}, dataset)
        if public == "false":
            named = people.post(f"/jobs/{job}/auditors", {"auditors": ["eva"]}, ann)
            assert named.status_code == 200
        units = people.get(f"/jobs/{job}/workunits", ann).json()["items"]
        chunks = people.get(f"/datasets/{dataset}/chunks", ann).json()["items"]
        return {
            "datasets": dataset,
            "jobs": job,
            "answer": job,
            "workunits": units[0]["id"],
            "blobs": chunks[0]["columns"][0]["digest"],
        }

    def headers(self, who: str, *, csrf: bool = True) -> dict[str, str]:
        """How they say who they are, as if they had just come."""
        if who == "owner's browser":
            people, number = self.people, self.owner
            session, cookie = people.store.write(
                lambda tx: accounts.start_session(tx, self.passes, number, 600)
            )
            said = callers.csrf_pass(self.passes, session, people.store.now())
            return {"Cookie": f"grid={cookie}"} | ({"X-CSRF-Token": said} if csrf else {})
        token = self.people.host().token if who == "host" else self.fixed[who]
        return {} if token is None else {"Authorization": f"Bearer {token}"}

    def path(self, route: str, things: Mapping[str, str], who: str) -> str:
        """A route with something of these put into it."""
        names = self.people.store.keyring.identifiers
        kind = route.removeprefix(API).removeprefix("/admin").strip("/").split("/")[0]
        single = {
            "job-types": "filterBy",
            "deeds": next(iter(DEEDS)),
            "accounts": names.public(Kind.ACCOUNT, self.owner),
            "volunteers": names.public(Kind.VOLUNTEER, 1),
            "results": names.public(Kind.RESULT, 1),
            "consents": "word",
            "static": "grid.css",
            "log": "entries/000.p/1" if "tile" in route else "0" if "proof" in route else "0" * 64,
            "embed": "embed.js",
        }
        if "/tokens/{" in route:
            single["tokens"] = single["account"] = self._token()
        if kind == "audit" and "{" in route:
            kind = "workunits"
        value = {**single, **things}.get(kind, "")
        filled = re.sub(r"\{(id|digest|name|tile|leaf|commitment|word|script|file_path):\w+\}",
                        value, route, count=1)  # fmt: skip
        filled = re.sub(r"\{(place|work_unit):\w+\}", "0", filled)
        return re.sub(r"\{digest:\w+\}", "0" * 64, filled)

    def _token(self) -> str:
        """A good token of the owner's, which has not been ended yet."""
        number, passes = self.owner, self.passes
        made = self.people.store.write(
            lambda tx: accounts.issue(tx, passes, number, ["requester"])[0]
        )
        return self.people.store.keyring.identifiers.public(Kind.TOKEN, made)

    def code(self, route: str, things: Mapping[str, str], who: str, **said: bool) -> int:
        """What they are answered."""
        method, _, template = route.partition(" ")
        path, headers = self.path(template, things, who), self.headers(who, **said)
        if template.endswith(STREAMS):
            return self._streamed(path, headers)
        body: dict[str, Any] = {}
        if method in ("POST", "PUT"):
            form = not template.startswith(API)
            csrf = headers.get("X-CSRF-Token", "")
            body = {"data": {"x": "1", "csrf": csrf}} if form else {"json": {"x": 1}}
        self.people.http.cookies.clear()
        answer = self.people.http.request(
            {"ASGI": "GET"}.get(method, method), path,
            headers=headers, follow_redirects=False, **body,
        )  # fmt: skip
        return answer.status_code

    def _streamed(self, path: str, headers: Mapping[str, str]) -> int:
        codes: list[int] = []

        async def call() -> None:
            begun = anyio.Event()

            async def receive() -> dict[str, Any]:
                await begun.wait()
                return {"type": "http.disconnect"}

            async def send(message: Any) -> None:
                if message["type"] == "http.response.start":
                    codes.append(message["status"])
                    begun.set()

            given = [(b"host", b"grid.example")]
            given += [(name.lower().encode(), text.encode()) for name, text in headers.items()]
            scope = {
                "type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
                "query_string": b"", "headers": given, "scheme": "http", "root_path": "",
                "client": ("testclient", 50000), "server": ("grid.example", 80),
                "http_version": "1.1", "extensions": {}, "state": {},
            }  # fmt: skip
            with anyio.fail_after(20):
                await self.people.http.app(scope, receive, send)  # type: ignore[arg-type]

        with self.people.http.portal() as portal:
            portal.call(call)
        return codes[0]


def routes(app: Litestar) -> Iterator[str]:
    """Every method and path that the app answers, but for what every route answers."""
    for route in app.routes:
        if isinstance(route, ASGIRoute):
            yield f"ASGI {route.path}"
        if isinstance(route, HTTPRoute):
            yield from (f"{one} {route.path}" for one in route.methods - {"OPTIONS", "HEAD"})


@pytest.fixture(scope="module")
def stage(crowd: People) -> Stage:
    return Stage(crowd)


def test_every_route_of_the_app_stands_in_the_table_and_no_other(crowd: People) -> None:
    assert set(routes(crowd.http.app)) == set(TABLE)


@pytest.mark.parametrize("route", TABLE)
def test_who_may_use_a_route_and_whose_things_with_it(stage: Stage, route: str) -> None:
    rules = TABLE[route]
    pairs = zip(rules, stage.things, strict=True) if isinstance(rules, tuple) else [(rules, {})]
    for number, (wanted, things) in enumerate(pairs):
        for who in WHO:
            code = stage.code(route, things, who)
            told = f"{who}, {'private' if number else 'public'}: {code}"
            assert code < 500, told
            if wanted[who] == IN:
                refused = {401, 403, 404} if things else {401, 403}
                assert code not in refused, told
            else:
                assert code == wanted[who], told


@pytest.mark.parametrize("route", [one for one in TABLE if not one.startswith(("GET", "ASGI"))])
def test_a_cookie_alone_changes_nothing(stage: Stage, route: str) -> None:
    before = stage.people.row_counts()
    code = stage.code(route, stage.things[0], "owner's browser", csrf=False)
    after = stage.people.row_counts()
    if route in NO_COOKIE:
        assert code in (400, 401, 403, 404)
        return
    assert code == 403
    # The session itself, and the token that was to be ended.
    fresh = {"token": 2 if "tokens/{" in route else 1}
    assert {one: after[one] - before[one] for one in after if after[one] > before[one]} == fresh
