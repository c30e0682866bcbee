"""This file is where the server fetches data sets for requesters, from where it may."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from httpx import Response
from web_people import API, ROWS_CSV, People, opened

ASKED: list[str] = []


class _Site(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        ASKED.append(self.headers.get("Cookie", "") + self.headers.get("Authorization", ""))
        body = {"/rows.csv": ROWS_CSV.encode(), "/binary": b"\xff\xfe\x00"}.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def fetching(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """A server that may ask the site."""
    allowed = {"source_hosts": site.removeprefix("http://"), "source_networks": "127.0.0.1/32"}
    with opened(tmp_path_factory.mktemp("fetching"), run_daemons=False, **allowed) as found:
        yield found


def from_source(people: People, source: Any, token: str | None = "", **further: Any) -> Response:
    token = people.requester if token == "" else token
    return people.post("/datasets?name=fetched", {"source": source}, token, **further)


def test_a_fetched_table_is_the_table_that_was_uploaded(fetching: People, site: str) -> None:
    answer = from_source(fetching, f"{site}/rows.csv")
    assert answer.status_code == 201, answer.text
    uploaded = fetching.upload(ROWS_CSV, name="fetched").json()
    same = ("name", "columns", "rows", "bytes", "source_digest")
    assert {one: answer.json()[one] for one in same} == {one: uploaded[one] for one in same}
    assert ASKED == [""], "nobody's cookie or token goes to a source"


def test_repeating_it_with_its_key_fetches_nothing_again(fetching: People, site: str) -> None:
    key = {"Idempotency-Key": "once"}
    first = from_source(fetching, f"{site}/rows.csv", headers=key)
    asked = len(ASKED)
    again = from_source(fetching, f"{site}/rows.csv", headers=key)
    assert (again.json(), len(ASKED)) == (first.json(), asked)
    assert from_source(fetching, f"{site}/binary", headers=key).status_code == 422


@pytest.mark.parametrize(
    ("source", "pointer", "why"),
    [
        ("http://localhost:1/x", "/source", "no source"),
        ("http://169.254.169.254/latest/meta-data/", "/source", "no source"),
        ("file:///etc/passwd", "/source", "begins with one of"),
        ("{site}/gone", "/source", "answers 404"),
        ("{site}/binary", "/body", "not UTF-8"),
        (7, "/source", "Expected"),
        ("", "/source", "Expected"),
    ],
)
def test_what_is_no_source_is_refused_and_nothing_is_made(
    fetching: People, site: str, source: Any, pointer: str, why: str
) -> None:
    before = fetching.row_counts()
    source = source.replace("{site}", site) if isinstance(source, str) else source
    answer = from_source(fetching, source)
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer and why in error["detail"]
    assert fetching.row_counts() == before
    assert not list((fetching.store.settings.data_dir / "uploads").iterdir())


def test_a_server_asks_nobody_unless_its_operator_says_whom(crowd: People, site: str) -> None:
    asked = len(ASKED)
    assert from_source(crowd, f"{site}/rows.csv").status_code == 400
    assert len(ASKED) == asked


def test_only_who_may_upload_has_the_server_fetch(fetching: People, site: str) -> None:
    asked = len(ASKED)
    assert from_source(fetching, f"{site}/rows.csv", None).status_code == 401
    auditor = fetching.token("eva", "auditor")
    assert from_source(fetching, f"{site}/rows.csv", auditor).status_code == 403
    assert len(ASKED) == asked
    bearer = {"Authorization": f"Bearer {fetching.requester}", "Content-Type": "application/json"}
    long = fetching.http.post(f"{API}/datasets?name=x", content=b" " * 5_000, headers=bearer)
    assert long.status_code == 413
