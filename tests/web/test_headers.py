"""This file is where it is tested what browsers are told: CORS, policies, the sandbox, caching."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from litestar.routes import HTTPRoute
from live import AT_ONCE_S
from web_people import API, People, opened

from web.controllers.sandbox import FEATURES

ORIGIN = {"Origin": "https://elsewhere.example"}
#: Path → the methods that pages of other origins may use; nothing for the rest.
OPEN = {
    "/hosts": "POST",
    "/work": "POST",
    "/jobs": "GET",
    "/jobs/x": "GET",
    "/blobs/x": "GET",
    "/datasets": "GET",
}
CLOSED = ("/admin/plugins", "/admin/tokens")


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    """Every tag of a page, with its attributes."""
    found: list[tuple[str, dict[str, str | None]]] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))  # type: ignore[method-assign]
    reader.feed(page)
    return found


@pytest.mark.parametrize("path", OPEN)
def test_r29_a_preflight_is_answered_at_once(crowd: People, path: str) -> None:
    started = time.monotonic()
    asked = {**ORIGIN, "Access-Control-Request-Method": OPEN[path]}
    answer = crowd.http.options(API + path, headers=asked)
    assert time.monotonic() - started < AT_ONCE_S
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == OPEN[path]
    assert "content-type" in answer.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("path", CLOSED)
def test_no_other_page_may_administer(crowd: People, path: str) -> None:
    answer = crowd.http.options(API + path, headers=ORIGIN)
    assert answer.status_code == 204
    assert not [name for name in answer.headers if name.startswith("access-control")]
    answer = crowd.http.get(API + path, headers=ORIGIN)
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_no_other_page_may_submit(crowd: People) -> None:
    for path in ("/jobs", "/datasets", "/job-types/SUM/preview", "/jobs/x/cancel"):
        answer = crowd.http.post(API + path, headers=ORIGIN)
        assert "access-control-allow-origin" not in answer.headers, path
        allowed = crowd.http.options(API + path).headers.get("access-control-allow-methods", "")
        assert "POST" not in allowed, path


def test_other_pages_may_read_and_volunteer(crowd: People) -> None:
    for path in ("/jobs", "/jobs/unknown", "/"):
        answer = crowd.get(path, headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "access-control-allow-credentials" not in answer.headers
    answer = crowd.post("/work", {}, headers=ORIGIN)
    assert answer.headers["access-control-allow-origin"] == "*"


def test_every_route_answers_options(crowd: People) -> None:
    for route in crowd.http.app.routes:
        if isinstance(route, HTTPRoute) and not route.path.startswith("/static"):
            path = re.sub(r"\{[^}]*\}", "x", route.path.replace("{place:int}", "0"))
            answer = crowd.http.options(path)
            assert answer.status_code == 204, path
            assert "OPTIONS" in answer.headers["allow"]


def test_the_frame_has_no_network(crowd: People) -> None:
    one, other = (crowd.http.get("/sandbox/frame.html") for _ in range(2))
    assert one.status_code == 200
    policy = one.headers["content-security-policy"]
    (script,) = re.findall("<script>(.*)</script>", one.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == (
        f"sandbox allow-scripts; default-src 'none'; script-src 'sha256-{digest}' blob:; "
        "worker-src blob:; connect-src 'none'; form-action 'none'; base-uri 'none'"
    )
    assert one.text.lower().count("</script") == 1
    assert other.text == one.text
    for name, value in (
        ("connection-allowlist", "()"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("content-type", "text/html; charset=utf-8"),
    ):
        assert one.headers[name] == value
    refused = one.headers["permissions-policy"].split(", ")
    assert refused == [f"{feature}=()" for feature in FEATURES]
    assert {"camera", "geolocation", "microphone", "usb"} <= set(FEATURES)


def test_pages_hold_nothing_inline_and_only_volunteering_may_be_framed(crowd: People) -> None:
    job_id = crowd.job()
    dataset = crowd.get(f"/jobs/{job_id}").json()["dataset"]
    for path in (
        "/", "/jobs", f"/jobs/{job_id}", f"/datasets/{dataset}", "/job-types/SUM", "/volunteer",
        "/volunteer?embed=1", "/nowhere",
    ):  # fmt: skip
        answer = crowd.http.get(path, headers={"Accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy
        assert ("frame-ancestors 'none'" in policy) == (not path.startswith("/volunteer")), path
        assert "x-frame-options" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        for tag, attributes in tags(answer.text):
            assert tag != "style" and (tag != "script" or "src" in attributes), path
            assert not [name for name in attributes if name == "style" or name[:2] == "on"], path
            links = [attributes.get(name) or "" for name in ("src", "href")]
            assert not [link for link in links if re.match(r"[a-z]+:|//", link)], path


def test_a_blob_is_an_attachment_that_no_shared_cache_keeps(crowd: People) -> None:
    job_id = crowd.job()
    digest = crowd.get(f"/jobs/{job_id}").json()["program"]["digest"]
    answer = crowd.get(f"/blobs/{digest}", headers={"Accept-Encoding": "identity"})
    assert answer.headers["cache-control"].startswith("private")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["content-length"] == str(len(answer.content))
    again = crowd.get(f"/blobs/{digest}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_everything_of_the_api_is_described(crowd: People) -> None:
    document = crowd.get("/openapi.json").json()
    described = {
        (path, method.upper()) for path, methods in document["paths"].items() for method in methods
    }
    for route in crowd.http.app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith(API):
            path = re.sub(r":\w+\}", "}", route.path)
            for method in route.methods - {"HEAD"}:
                assert (path, str(method)) in described
    for methods in document["paths"].values():
        for method, operation in methods.items():
            if method not in ("options", "parameters"):
                assert operation["summary"]
                assert "405" in operation["responses"]
    schemas = document["components"]["schemas"]
    assert schemas["JobBody"]["additionalProperties"] is False
    assert {"ProblemBody", "WorkBody", "HostBody", "PluginBody"} <= set(schemas)


def test_answers_with_secrets_are_not_stored(crowd: People) -> None:
    made = crowd.post("/admin/tokens", {"account": "e", "scope": "requester"}, crowd.admin)
    assert made.headers["cache-control"] == "no-store"


def test_only_a_server_behind_tls_says_that_it_is(crowd: People, tmp_path: Path) -> None:
    assert "strict-transport-security" not in crowd.get("/jobs").headers
    with opened(tmp_path, run_daemons=False, public_url="https://grid.example") as safe:
        for path in ("/jobs", "http://grid.example/", "http://grid.example/login", "/nothing"):
            answer = safe.get(path)
            assert answer.headers["strict-transport-security"] == "max-age=63072000"
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_path_says_all_of_its_methods(crowd: People) -> None:
    for path, methods in (
        ("/jobs", "GET, OPTIONS, POST"),
        ("/admin/accounts/x", "GET, OPTIONS, POST"),
        ("/volunteers/me", "DELETE, GET, OPTIONS, POST"),
        ("/hosts/me", "GET, OPTIONS, PUT"),
    ):
        assert crowd.http.options(API + path).headers["allow"] == methods
        refused = crowd.http.patch(API + path)
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)
