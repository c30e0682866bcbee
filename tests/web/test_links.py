"""This file is where it is walked through the API by its links alone, from its root."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from web_people import API, ROWS_CSV, People

#: Links whose other ends are no resources to read: what is posted to, what streams, bytes.
NOT_READ = frozenset({"work", "rotate", "revoke", "events", "preview", "page", "volunteer"})
#: What a job whose seal is shut refuses.
LATER = 409


def links(body: Any) -> list[tuple[str, str]]:
    """Every link in a resource and in what is inside it."""
    found: list[tuple[str, str]] = []
    if isinstance(body, dict):
        found += [(rel, one["href"]) for rel, one in body.get("_links", {}).items()]
        body = [value for name, value in body.items() if name != "_links"]
    if isinstance(body, list):
        found += [one for part in body for one in links(part)]
    return found


def walked(people: People, token: str | None) -> dict[str, Any]:
    """Everything that links lead to from the root: path → JSON, None for what is none."""
    seen: dict[str, Any] = {}
    left = deque([API])
    while left:
        path = left.popleft()
        if path in seen:
            continue
        answer = people.get(path, token)
        if answer.status_code in (401, 403) and token is None:
            seen[path] = None
            continue
        assert answer.status_code in (200, LATER), f"{path}: {answer.status_code} {answer.text}"
        kind = answer.headers["content-type"].partition(";")[0]
        seen[path] = answer.json() if kind == "application/json" else None
        left.extend(href for rel, href in links(seen[path]) if rel not in NOT_READ)
    return seen


@pytest.fixture(scope="module")
def there(crowd: People) -> tuple[str, dict[str, Any]]:
    """A completed job among sixty, and all that its owner reaches."""
    dataset = crowd.dataset(ROWS_CSV, chunk_rows=2)
    job_id = crowd.job({"where": "name = 'Suyash'"}, dataset)
    crowd.finish(job_id, [crowd.host(), crowd.host()])
    for _ in range(60):
        crowd.job({"where": "TRUE"}, dataset)
    return job_id, walked(crowd, crowd.requester)


def test_105_links_lead_from_the_root_to_a_result(there: tuple[str, dict[str, Any]]) -> None:
    job_id, seen = there
    output = seen[f"{API}/jobs/{job_id}/output?format=json"]
    assert [row[1] for row in output["rows"]] == ["Suyash"] * 3
    for kind in ("program", "workunits", "statistics"):
        assert f"{API}/jobs/{job_id}/{kind}" in seen, kind
    units = [path for path in seen if path.startswith(f"{API}/workunits/")]
    assert len(units) >= 5


def test_every_resource_says_where_it_is_and_links_back(there: tuple[str, dict[str, Any]]) -> None:
    _, seen = there
    for path, body in seen.items():
        if isinstance(body, dict) and "_links" in body:
            self = body["_links"]["self"]["href"]
            assert self.rstrip("/").partition("?")[0] == path.rstrip("/").partition("?")[0]


def test_lists_go_on_past_fifty(there: tuple[str, dict[str, Any]]) -> None:
    _, seen = there
    pages = [body for path, body in seen.items() if path.partition("?")[0] == f"{API}/jobs"]
    ids = {one["id"] for page in pages for one in page["items"]}
    assert len(ids) >= 61
    assert all(len(page["items"]) <= 50 for page in pages)


def test_a_stranger_reaches_the_same_result_without_a_token(
    crowd: People, there: tuple[str, dict[str, Any]]
) -> None:
    job_id, seen = there
    path = f"{API}/jobs/{job_id}/output?format=json"
    assert walked(crowd, None)[path] == seen[path]
