"""This file is where strangers send what breaks servers: each of these must fail safely."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from web_people import API, People

import grid
import web
from grid.db import accounts
from web import forms, messages
from web.openapi import handlers

#: Of what breaks out of HTML: text, attributes in either quote, URLs, comments, encodings.
XSS = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</title><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "<!--<img src='--><img src=x onerror=alert(1)//'>",
    "{{ 1234567*3 }}${1234567*3}<%= 1234567*3 %>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "＜script＞alert(1)＜/script＞",
    "\u202e<script>alert(1)</script>",
]  # fmt: skip


class Seen(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.bad: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        # A nonce is fresh with each answer: what has the right one is ours.
        ours = "src" in given or "nonce" in given or given.get("type") == "application/json"
        inline = tag == "script" and not ours
        if inline or tag in ("iframe", "object", "embed", "base") or "srcdoc" in given:
            self.bad.append(f"<{tag} {given}>")
        self.bad += [f"{name}={value}" for name, value in attrs if name.startswith("on")]
        for name in ("href", "src", "action", "formaction"):
            if re.match(r"\s*(javascript|data|vbscript):", given.get(name) or "", re.IGNORECASE):
                self.bad.append(f"{name}={given[name]}")


def test_nothing_that_people_write_becomes_part_of_a_page(crowd: People) -> None:
    host = crowd.host()
    number = crowd.store.write(lambda tx: accounts.grant(tx, "ann"))
    passes = crowd.store.keyring.passes
    pages = {"/", "/jobs", "/leaderboard", "/account", "/login?next=" + quote(XSS[1])}
    for text in XSS:
        plain = text.replace("\u202e", "")
        header = '"' + text.replace('"', '""') + '"'
        dataset = crowd.dataset(f"{header},n\n{header},1\n", name=plain, header="true")
        job = crowd.job({"where": "n = 1"}, dataset, name=plain, metadata={plain: plain})
        crowd.finish(job, [crowd.host(), crowd.host()])
        pages |= {f"/jobs/{job}", f"/datasets/{dataset}", f"/answer/{job}"}
        pages.add(f"/audit?q={quote(text)}")
        crowd.post("/volunteers/me", {"name": plain[:20], "team": plain[:20]}, host.token)
        crowd.store.write(
            lambda tx, label=plain: accounts.issue(
                tx, passes, number, ["requester"], None, label[:100]
            )
        )
    session = {"Cookie": f"grid={_session(crowd, number)}"}
    for path in pages:
        answer = crowd.http.get(path, headers={**session, "Accept": "text/html"})
        assert Seen(answer.text).bad == [], path
        assert "3703701" not in answer.text, path
        # A page's scripts are its own files, a card's those of its nonce: no other ever runs.
        policy = answer.headers["content-security-policy"]
        assert re.search(r"script-src ('self'|'nonce-[\w-]+');", policy), path


def _session(people: People, number: int) -> str:
    passes = people.store.keyring.passes
    return people.store.write(lambda tx: accounts.start_session(tx, passes, number, 600))[1]


LINES = ["x\r\nSet-Cookie: grid=stolen", "x\nX: y", "x\r\n\r\n<html>", "x\u2028Y: z", "x\x00y"]


@pytest.mark.parametrize("text", LINES)
def test_no_line_that_somebody_sends_becomes_a_header(crowd: People, text: str) -> None:
    for path in (
        f"/login?next=/{quote(text)}", f"/jobs/{quote(text)}", f"{API}/jobs?cursor={quote(text)}",
        f"{API}/datasets?limit={quote(text)}", f"/setup?link={quote(text)}", f"/{quote(text)}",
    ):  # fmt: skip
        answer = crowd.http.get(path, follow_redirects=False)
        assert answer.status_code < 500
        said = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        assert "stolen" not in said and "\nx: y" not in said.lower()
    refused = crowd.upload("a\n1\n", name=text)
    assert refused.status_code == 400 and refused.json()["errors"][0]["pointer"] == "/name"
    assert forms.local("/" + text) == forms.HOME


@pytest.mark.parametrize(
    "name", ["X-Forwarded-Host", "X-Original-URL", "X-Rewrite-URL", "Forwarded"]
)
def test_no_header_but_host_says_what_the_server_is_called(crowd: People, name: str) -> None:
    headers = {name: "evil.example"}
    made = crowd.post("/admin/accounts", {"name": f"by {name}"}, crowd.admin, headers=headers)
    assert made.json()["set_up"].startswith("http://grid.example/")
    assert "evil.example" not in crowd.http.get("/volunteer", headers=headers).text


UP = [
    "../secret.key", "..%2fsecret.key", "%2e%2e/secret.key", "..%5csecret.key", "....//secret.key",
    "%252e%252e%252fsecret.key", "/etc/passwd", "%2fetc%2fpasswd", "..%c0%afsecret.key",
    "x/../../../../etc/passwd", "secret.key%00.css", "file:///etc/passwd", "grid.db", "../grid.db",
]  # fmt: skip


@pytest.mark.parametrize("up", UP)
def test_no_path_leads_out_of_its_folder(crowd: People, up: str) -> None:
    key = (crowd.store.settings.data_dir / "secret.key").read_bytes()
    for folder in ("/static/", "/static/client/", "/log/tile/", "/embed/", f"{API}/blobs/",
                   "/sandbox/", "/", "/audit/sql/", "/audit/sql/-/static/"):  # fmt: skip
        answer = crowd.http.get(f"{folder}{up}", follow_redirects=False)
        assert 300 <= answer.status_code < 500, f"{folder}{up}"
        assert key not in answer.content and b"root:" not in answer.content
        assert b"SQLite format 3" not in answer.content


def bodies(people: People) -> list[type[msgspec.Struct]]:
    found = {one.opt["body"] for _, _, one in handlers(people.http.app.routes)}
    return sorted((one for one in found if isinstance(one, type)), key=lambda one: one.__name__)


def structs(kind: msgspec.inspect.Type) -> Iterator[msgspec.inspect.StructType]:
    """A body's type, and all that is inside it."""
    if isinstance(kind, msgspec.inspect.StructType):
        yield kind
        for field in kind.fields:
            yield from structs(field.type)
    for name in ("types", "item_types"):
        for part in getattr(kind, name, ()):
            yield from structs(part)
    for name in ("item_type", "value_type", "type"):
        part = getattr(kind, name, None)
        if isinstance(part, msgspec.inspect.Type):
            yield from structs(part)


def test_no_body_takes_a_field_that_it_does_not_name(crowd: People) -> None:
    found = [part for one in bodies(crowd) for part in structs(msgspec.inspect.type_info(one))]
    assert len(found) > 20
    assert [one.cls.__name__ for one in found if not one.forbid_unknown_fields] == []


@pytest.mark.parametrize(
    "field",
    ["account_id", "owner", "state", "job_state", "seal_opens_by", "seal_opened_at", "program",
     "program_digest", "id", "created_at", "roles", "admin", "output_version", "frozen",
     "__proto__"],
)  # fmt: skip
def test_nobody_sets_what_is_the_servers_to_set(crowd: People, field: str) -> None:
    dataset = crowd.dataset()
    before = crowd.row_counts()
    asked: list[tuple[str, dict[str, Any], str]] = [
        ("/jobs", {"job_type": "filterBy", "spec": {"where": "TRUE"}, "dataset": dataset}, ""),
        (
            "/jobs",
            {"job_type": "filterBy", "spec": {"where": "TRUE"}, "dataset": dataset},
            "policy",
        ),
        ("/tokens", {"scopes": ["requester"]}, ""),
        ("/job-types/filterBy/preview", {"spec": {"where": "TRUE"}, "dataset": dataset}, ""),
    ]
    for path, body, inside in asked:
        given = {**body, inside: {field: 1}} if inside else {**body, field: 1}
        refused = crowd.post(path, given, crowd.requester)
        assert refused.status_code == 400, path
        pointer = refused.json()["errors"][0]["pointer"]
        assert pointer == f"/{inside}/{field}" if inside else f"/{field}"
    assert crowd.row_counts() == before


def modules() -> Iterator[ModuleType]:
    for package in (grid, web):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            parts = found.name.split(".")
            if not {"__main__", "versions", "template", "migrations", "jobtypes"} & set(parts):
                yield importlib.import_module(found.name)


#: Ways of looking for a pattern anywhere in a text.
ANYWHERE = ("search", "sub", "finditer", "findall", "split")


def patterns() -> dict[str, tuple[re.Pattern[Any], bool]]:
    """Every pattern of ours, of modules and messages, and whether it is looked for anywhere."""
    found: dict[str, tuple[re.Pattern[Any], bool]] = {}
    for module in modules():
        source = Path(str(module.__file__)).read_text()
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                anywhere = any(f"{name}.{way}(" in source for way in ANYWHERE)
                found[f"{module.__name__}.{name}"] = value, anywhere
    for one in vars(messages).values():
        for meta in getattr(one, "__metadata__", ()):
            if getattr(meta, "pattern", None):
                found[f"messages {meta.pattern}"] = re.compile(meta.pattern), True
    return found


def schema_patterns(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("pattern"), str):
            yield value["pattern"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from schema_patterns(part)


#: What patterns are slow at: long runs of what they repeat, and an end that they cannot take.
RUNS = [
    *"aA01f -_.[\\`$\"+/:\t", "a.", "0.", "1,", "0 ", "a ", "$[0]", ".a", "unknown field `",
    " - at `$", "x,y", "const a = kit.double(", "*.", "a:1-", "1h",
]  # fmt: skip
LENGTH = 20_000
#: What these read no stranger writes.
NOBODYS = {
    "grid.jobspec._DOLLAR": "patterns in the schemas of job types, which an admin has enabled",
}
#: Linear patterns take a millisecond for so much, square ones seconds.
LIMIT_S = 1.5


def test_no_pattern_of_ours_is_slow_at_any_text(crowd: People) -> None:
    found = patterns()
    for one in crowd.store.job_types.found():
        for schema in one.folder.glob("*.schema.json"):
            for text in schema_patterns(json.loads(schema.read_text())):
                found[f"{one.manifest.name} {text}"] = re.compile(text), True
    assert len(found) > 40
    assert found.keys() >= NOBODYS.keys()
    for name, (pattern, anywhere) in found.items():
        if name in NOBODYS:
            continue
        for run in RUNS:
            text = (run * LENGTH)[:LENGTH] + "\x01"
            given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
            started = time.process_time()
            pattern.fullmatch(given)
            (pattern.search if anywhere else pattern.match)(given)
            assert time.process_time() - started < LIMIT_S, f"{name} at {run!r}"
