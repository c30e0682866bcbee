"""This file is where a headless volunteer comes back as the host it was, and nobody reads how."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import FakeServer, Unit, running
from headless import part

from grid import canonical, statements
from grid.volunteer import state
from grid.volunteer.keys import HostKey
from grid.volunteer.messages import Identity, Report

SQUARE = '(function (inputs, params) { "use strict"; return params * params; })'
URL = "http://grid.example"
KEPT = state.Kept(identity=Identity("h1", "token", 20.0), seed="ab" * 32)


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server of its own for each test."""
    with running() as one:
        yield one


def test_what_is_reported_is_signed_with_the_key_that_was_enrolled(server: FakeServer) -> None:
    good = server.add(Unit(SQUARE, params=3))
    bad = server.add(Unit("(function () { throw new Error('ä'); })"))
    assert part(server) == 0
    key = server.enrolled[0]["public_key"]
    for unit, said in ((good, b"9"), (bad, bad_message(bad))):
        (report,) = unit.reports
        statement = statements.of_report(
            report["result_id"], report["lease"], report["outcome"], canonical.digest(said)
        )
        assert statements.verify(key, report["signature"], statement)


def bad_message(unit: Unit) -> bytes:
    return str(unit.reports[0]["message"]).encode()


def test_the_host_of_yesterday_comes_back_with_its_key(server: FakeServer, tmp_path: Path) -> None:
    for number in range(2):
        server.add(Unit(SQUARE, params=number))
        assert part(server, state=tmp_path) == 0
    assert len(server.hosts) == 1
    assert [one["engine"].split("/")[0] for one in server.came_back] == ["deno"]
    key = server.enrolled[0]["public_key"]
    (report,) = server.units[1].reports
    digest = canonical.digest(server.units[1].output)
    statement = statements.of_report(report["result_id"], report["lease"], "success", digest)
    assert statements.verify(key, report["signature"], statement)


def test_a_host_that_the_server_has_forgotten_gets_a_new_key(
    server: FakeServer, tmp_path: Path
) -> None:
    assert part(server, state=tmp_path) == 0
    server.hosts.clear()
    server.add(Unit(SQUARE, params=2))
    assert part(server, state=tmp_path) == 0
    first, second = (one["public_key"] for one in server.enrolled)
    assert first != second
    assert server.units[0].output == b"4"


def test_the_file_is_its_owners_alone_and_others_are_not_believed(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    with state.place(folder, URL, None) as place:
        place.keep(KEPT)
    (file,) = folder.glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    with state.place(folder, f"{URL}/", None) as place:
        assert place.kept == KEPT
    file.chmod(0o644)
    with state.place(folder, URL, None) as place:
        assert place.kept is None


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"identity":{"host_id":"h","token":"t","heartbeat_s":1},"seed":"a"}'],
)
def test_a_file_that_is_no_such_thing_counts_as_none(tmp_path: Path, data: bytes) -> None:
    with state.place(tmp_path, URL, None) as place:
        place.keep(KEPT)
    (file,) = tmp_path.glob("*.json")
    file.write_bytes(data)
    with state.place(tmp_path, URL, None) as place:
        assert place.kept is None


def test_a_second_volunteer_and_another_pool_are_other_hosts(tmp_path: Path) -> None:
    with state.place(tmp_path, URL, None) as first:
        first.keep(KEPT)
        with state.place(tmp_path, URL, None) as second:
            assert second.kept is None
        with state.place(tmp_path, URL, "trusted") as pool:
            assert pool.kept is None
    with state.place(tmp_path, URL, None) as again:
        assert again.kept == KEPT
        again.forget()
    with state.place(tmp_path, URL, None) as gone:
        assert gone.kept == state.Kept()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, server: FakeServer) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(state.StateError, match="file"), state.place(tmp_path / "file", URL, None):
        pass
    assert part(server, state=tmp_path / "file") == 1
    assert server.hosts == []


def test_a_key_signs_everything_but_what_is_given_back() -> None:
    key = HostKey(b"k" * 32)
    assert key.signed(Report(result_id="r", lease="l", outcome="released")).signature is None
    assert key.signed(Report(result_id="r", lease="l", outcome="error")).signature is not None
    assert HostKey(key.seed).public_key == key.public_key != HostKey.fresh().public_key


def test_state_is_kept_where_the_desktop_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere")
    assert state.default_folder() == Path("/somewhere/grid-volunteer")
    monkeypatch.delenv("XDG_STATE_HOME")
    assert state.default_folder() == Path(os.path.expanduser("~/.local/state/grid-volunteer"))
