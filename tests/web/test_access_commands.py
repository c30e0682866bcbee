"""This file is where operators give access by `grid user` and `grid token`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from grid.db import accounts
from grid.db.store import Store
from grid.settings import Settings
from web.main import app

Grid = Callable[..., Result]


@pytest.fixture
def grid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Grid:
    """The command on a data folder of its own."""
    monkeypatch.setenv("GRID_DATA_DIR", str(tmp_path / "data"))
    return lambda *words: CliRunner().invoke(app, [*words])


def said(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(result: Result, with_words: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    assert with_words in result.stderr and len(result.stderr.splitlines()) == 1


def good(folder: Path, token: str) -> bool:
    store = Store(Settings(data_dir=folder / "data"))
    try:
        with store.read() as connection:
            found = accounts.find(connection, store.keyring.passes, token, store.now())
        return found is not None
    finally:
        store.close()


def test_an_account_is_made_listed_changed_and_shut_out(grid: Grid) -> None:
    made = said(grid("user", "add", "ann", "--json"))
    assert made["set_up"].startswith("http://127.0.0.1:8080/setup?link=")
    assert made["roles"] == ["requester"]
    link = grid("user", "link", "ann")
    assert link.stdout.startswith("http://") and link.stdout.count("\n") == 1
    assert link.stdout.strip() != made["set_up"]
    changed = said(grid("user", "roles", "ann", "--role", "auditor", "--json"))
    assert changed["roles"] == ["auditor"]
    assert grid("user", "disable", "ann").stdout == "ann: disabled, auditor\n"
    assert grid("user", "enable", "ann").stdout == "ann: enabled, auditor\n"
    (listed,) = said(grid("user", "list", "--json"))
    assert listed["name"] == "ann" and "set_up" not in listed
    assert "has no password" in grid("user", "list").stdout


def test_a_token_is_made_listed_rotated_and_revoked(grid: Grid, tmp_path: Path) -> None:
    first = grid("token", "create", "ann", "--label", "nightly", "--days", "3").stdout
    assert first.count("\n") == 1
    first = first.strip()
    assert good(tmp_path, first)
    (listed,) = said(grid("token", "list", "ann", "--json"))
    assert (listed["label"], listed["state"]) == ("nightly", "good") and "token" not in listed
    assert first not in grid("token", "list", "ann").stdout
    fresh = said(grid("token", "rotate", listed["id"], "--json"))
    assert fresh["expires_at"] == listed["expires_at"]
    assert good(tmp_path, fresh["token"]) and not good(tmp_path, first)
    assert grid("token", "revoke", fresh["token"]).stdout == "revoked\n"
    assert not good(tmp_path, fresh["token"])
    states = [one["state"] for one in said(grid("token", "list", "ann", "--json"))]
    assert states == ["revoked", "revoked"]
    refused(grid("token", "rotate", listed["id"]), "no such token, or it has ended already")
    refused(grid("token", "revoke", fresh["token"]), "no such token, or it has ended already")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["user", "add", "a\nb"], "up to 50 ASCII letters"),
        (["user", "add", "x", "--role", "king"], "--role: one of admin"),
        (["user", "link", "nobody"], "nobody: there is no such account"),
        (["user", "disable", "nobody"], "there is no such account"),
        (["token", "list", "nobody"], "there is no such account"),
        (["token", "create", "x", "--scope", "king"], "--scope: one of admin"),
        (["token", "create", "<b>"], "up to 50 ASCII letters"),
        (["token", "create", "x", "--label", "x" * 101], "--label: at most 100"),
        (["token", "rotate", "tok_0"], "no such token"),
        (["token", "revoke", "made up"], "no such token"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line_and_changes_nothing(
    grid: Grid, words: list[str], why: str
) -> None:
    refused(grid(*words), why)
    assert said(grid("user", "list", "--json")) == []


def test_the_last_admin_is_not_shut_out_by_mistake(grid: Grid) -> None:
    grid("token", "create", "boss", "--scope", "admin")
    refused(grid("user", "disable", "boss"), "nobody would be left")
    refused(grid("user", "roles", "boss"), "nobody would be left")
    refused(grid("user", "add", "boss"), "there is an account of this name")
    assert said(grid("user", "list", "--json"))[0]["disabled_at"] is None
