"""This file is where strangers make accounts, on servers that let them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response
from web_people import People, opened

PASSWORD = "a sentence of mine"


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """A server that anybody may have an account on."""
    with opened(tmp_path_factory.mktemp("open"), run_daemons=False, registration="open") as found:
        yield found


def register(people: People, name: str, password: str = PASSWORD, **further: str) -> Response:
    people.http.cookies.clear()
    page = people.http.get("/register")
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None, page.text
    fields = {"csrf": found[1], "name": name, "password": password, **further}
    return people.http.post("/register", data=fields, follow_redirects=False)


def test_who_registers_is_a_requester_and_signed_in(public: People) -> None:
    assert register(public, "newcomer").status_code == 303
    page = public.http.get("/account")
    assert "newcomer" in page.text
    (listed,) = [
        one
        for one in public.get("/admin/accounts", public.admin).json()["items"]
        if one["name"] == "newcomer"
    ]
    assert listed["roles"] == ["requester"]


@pytest.mark.parametrize(
    ("name", "password", "said"),
    [
        ("admin", PASSWORD, "This name is taken."),
        ("ann", PASSWORD, "This name is taken."),
        ("<script>alert(1)</script>", PASSWORD, "letters, digits"),
        ("", PASSWORD, "letters, digits"),
        ("fine", "short", "15 to 200 characters"),
        ("fine", "aaaaaaaaaaaaaaaaaaaa", "over and over"),
    ],
)
def test_a_bad_registration_makes_nobody(
    public: People, name: str, password: str, said: str
) -> None:
    before = public.row_counts()
    answer = register(public, name, password)
    assert answer.status_code == 400
    assert said in answer.text and "<script>alert" not in answer.text
    assert public.row_counts() == before


@pytest.mark.parametrize("field", ["roles", "scopes", "id", "admin", "password_hash"])
def test_nobody_registers_with_more_than_a_name(public: People, field: str) -> None:
    before = public.row_counts()
    assert register(public, "riser", **{field: "admin"}).status_code == 400
    assert public.row_counts() == before


def test_one_network_makes_thirty_accounts_an_hour(tmp_path: Path) -> None:
    with opened(tmp_path, run_daemons=False, registration="open") as people:
        codes = [register(people, f"bot {number}", "short").status_code for number in range(31)]
        assert codes == [400] * 30 + [429]


def test_by_default_only_an_admin_makes_accounts(crowd: People) -> None:
    for answer in (
        crowd.http.get("/register"),
        crowd.http.post("/register", data={"name": "x"}),
    ):
        assert answer.status_code == 404
        assert "made by an admin" in answer.text
    assert "/register" not in crowd.http.get("/login").text
