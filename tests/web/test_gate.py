"""This file is where requests that nothing can read are turned away without a stumble."""

from __future__ import annotations

import pytest
from web_people import People

PATHS = ["/", "/volunteer", "/nothing", "/api/v1/hosts", "/api/v1/work", "/static/grid.css"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("host", ["x:abc", "x:99999999", "x y", "", "[::1", "a" * 300, "é"])
def test_a_host_header_that_names_no_host_is_a_400(people: People, path: str, host: str) -> None:
    for method in ("GET", "POST", "OPTIONS"):
        answer = people.http.request(method, path, headers={"Host": host.encode()})
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080", "grid.example.org"])
def test_a_host_header_that_names_one_passes(people: People, host: str) -> None:
    assert people.http.get("/volunteer", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/static/%00", "/static/" + "a" * 5000, "/jobs/%0a", "/%E2%80%A8"]
)
def test_a_path_that_names_nothing_is_a_404(people: People, path: str) -> None:
    assert people.http.get(path).status_code == 404
