"""This file is where a server is copied while it works, put back elsewhere, and examined."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import object_storage
import postgres
import pytest
from live import grid
from world import World

from grid.daemons import assimilator, transitioner
from grid.daemons.integrator import Integrator
from grid.db import published
from grid.db.copying import NotEmpty
from grid.settings import Settings
from grid.simulation.invariants import check
from grid.upkeep import doctor
from grid.upkeep.backup import BadBackup, make, restore, verify


@pytest.fixture
def busy(world):
    """A grid in the middle of a job: some of it decided, some out, some waiting."""
    world.job(chunks=4, min_quorum=2, target_nresults=2)
    one, two = world.host(), world.host()
    for host in (one, two):
        for assigned in world.ask(host, want=2):
            assert world.report(host, assigned.lease).accepted
    world.ask(one)
    return world


@pytest.fixture
def world(tmp_path):
    one = World(tmp_path / "grid")
    yield one
    one.store.close()  # a log that has grown is not held against the state


def _ends(world: World) -> str:
    """Compute what is left; the job's state then."""
    world.time += 3600
    transitioner.do_pass(world.store, world.time)
    world.compute([world.host(), world.host()])
    assimilator.do_pass(world.store, world.time)
    return world.facts(1).job_state


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_copy_of_a_grid_at_work_goes_on_where_it_was(busy, tmp_path, database):
    manifest = make(busy.store, tmp_path / "copy")
    assert manifest.rows["result"] == 8 and manifest.rows["workunit"] == 4
    assert (tmp_path / "copy").stat().st_mode & 0o077 == 0
    assert _ends(busy) == "completed", "the original goes on as well"
    url = "" if database == "sqlite" else postgres.shared().of_folder(tmp_path / "again")
    restore(tmp_path / "copy", Settings(data_dir=tmp_path / "again", database_url=url))
    again = World(tmp_path / "again", database_url=url)
    again.time = busy.time
    assert again.store.keyring.lease_key == busy.store.keyring.lease_key
    check(again.store)
    assert _ends(again) == "completed"
    check(busy.store)
    again.close()


def test_the_log_of_a_copy_goes_on_from_where_it_was_signed(busy, tmp_path):
    Integrator(busy.store).do_pass(busy.store, busy.store.now())
    make(busy.store, tmp_path / "copy")
    restore(tmp_path / "copy", Settings(data_dir=tmp_path / "again"))
    again = World(tmp_path / "again")
    size = published.checkpoint(again.store.log)[1].size
    again.job(chunks=1)
    Integrator(again.store).do_pass(again.store, again.store.now())
    assert published.checkpoint(again.store.log)[1].size > size > 0
    assert not _wrong(again.store).get("log")
    again.store.close()


def test_what_was_changed_in_a_backup_is_found_and_not_put_back(busy, tmp_path):
    copy = tmp_path / "copy"
    manifest = make(busy.store, copy)
    target = Settings(data_dir=tmp_path / "again")
    digest = manifest.blobs["blobs"][0]
    blob = copy / "blobs" / digest[:2] / digest[2:]
    for path in (blob, copy / "grid.db", copy / "secret.key", copy / "manifest.json"):
        kept = path.read_bytes()
        path.write_bytes(kept[:-1])
        with pytest.raises(BadBackup):
            restore(copy, target)
        path.unlink()
        with pytest.raises(BadBackup):
            restore(copy, target)
        path.write_bytes(kept)
    assert not (tmp_path / "again").exists(), "nothing was begun"
    assert verify(copy) == manifest


def test_nothing_is_overwritten(busy, tmp_path):
    make(busy.store, tmp_path / "copy")
    with pytest.raises(BadBackup, match="not empty"):
        make(busy.store, tmp_path / "copy")
    with pytest.raises(BadBackup, match="holds a server"):
        restore(tmp_path / "copy", busy.settings)
    shutil.copytree(busy.settings.data_dir, tmp_path / "half")
    (tmp_path / "half" / "secret.key").unlink()
    if not postgres.chosen():
        with pytest.raises(NotEmpty):
            restore(tmp_path / "copy", Settings(data_dir=tmp_path / "half"))


def test_a_backup_may_move_the_blobs_into_object_storage(busy, tmp_path):
    make(busy.store, tmp_path / "copy")
    with object_storage.bucket() as url:
        settings = {"data_dir": tmp_path / "again", "blob_url": url}
        restore(tmp_path / "copy", Settings(**settings))
        again = World(tmp_path / "again", blob_url=url)
        assert set(again.store.blobs.digests()) == set(busy.store.blobs.digests()) != set()
        again.close()


def _wrong(store) -> dict[str, str]:
    return {one.what: one.wrong for one in doctor.examine(store) if one.wrong}


def test_a_grid_that_is_well_has_nothing_wrong(lively_blobs):
    assert _wrong(lively_blobs.store) == {}


@pytest.fixture
def lively_blobs(busy):
    """The same with its made-up chunks really there."""
    busy.store.blobs.put_many([b"%d" % number for number in range(4)])
    return busy


def test_what_is_wrong_is_named(lively_blobs, monkeypatch, tmp_path):
    store = lively_blobs.store
    os.chmod(lively_blobs.settings.data_dir / "secret.key", 0o644)
    some = next(iter(store.blobs.digests()))
    path = store.blobs.folder / some[:2] / some[2:]
    kept = path.read_bytes()
    path.write_bytes(b"other bytes")
    monkeypatch.setattr("grid.upkeep.doctor.time.time", lambda: 0.0)
    monkeypatch.setattr("grid.upkeep.doctor.FREE_BYTES_MIN", 1 << 60)
    found = _wrong(store)
    assert set(found) == {"keys", "blobs", "clock", "disk"}
    assert "chmod 600" in found["keys"] and some in found["blobs"]
    path.unlink()
    assert f"missing, the first is {some}" in _wrong(store)["blobs"]
    path.write_bytes(kept)


def test_settings_that_do_not_go_together_are_named(tmp_path):
    open_to_all = World(tmp_path / "open", host="0.0.0.0")
    proxied = World(tmp_path / "proxied", public_url="https://grid.example")
    assert "GRID_PUBLIC_URL" in _wrong(open_to_all.store)["settings"]
    assert "GRID_TRUSTED_PROXIES" in _wrong(proxied.store)["settings"]
    for one in (open_to_all, proxied):
        one.close()


@pytest.mark.slow
def test_commands_say_what_they_did_and_leave_with_a_code(tmp_path: Path):
    data, copy = tmp_path / "data", tmp_path / "copy"
    assert grid("doctor", data=data).returncode == 0
    made = grid("backup", str(copy), data=data)
    assert made.returncode == 0 and made.stdout.startswith("made and verified: ")
    assert grid("backup", str(copy), "--check", data=data).stdout.startswith("whole: ")
    again = grid("backup", str(copy), data=data)
    assert again.returncode == 2 and "not empty" in again.stderr
    back = grid("restore", str(copy), data=tmp_path / "other")
    assert back.returncode == 0 and back.stdout.startswith("restored: ")
    nothing = grid("restore", str(tmp_path / "nowhere"), data=tmp_path / "third")
    assert nothing.returncode == 2 and "Traceback" not in nothing.stderr
