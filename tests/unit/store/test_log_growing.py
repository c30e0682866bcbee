"""This file is where the log grows over a real database and a real signer: cut short anywhere, over
the edges of tiles, with keys that change, and with an old database put back."""

from __future__ import annotations

import contextlib
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from world import World, reported

from grid import canonical
from grid.auditlog import leaves, merkle, notes, tiles
from grid.auditlog.entries import Entry, EntryKind
from grid.auditlog.notes import Checkpoint
from grid.daemons.integrator import Behind, Integrator
from grid.db import apply as writes
from grid.db import leaves as kept
from grid.db import published
from grid.db.store import Store
from grid.db.tables import LeafRow
from grid.publishing import files as log_files
from grid.publishing.files import Changed, LogFiles
from grid.publishing.signing import Refused, Signing
from grid.states import Outcome


class Growing:
    """A world whose log grows when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.world = World(folder)
        self.integrator = Integrator(self.world.store)

    def say(self, count: int = 1) -> None:
        """Decide something."""
        lines = [Entry(kind=EntryKind.SETTING, facts={"n": place}) for place in range(count)]
        store = self.world.store
        store.write(lambda tx: writes.log(tx.connection, lines, tx.now))

    def grow(self) -> Checkpoint:
        self.integrator.do_pass(self.world.store, self.world.time)
        return self.checkpoint()

    def checkpoint(self) -> Checkpoint:
        note = notes.parse(self.world.store.log.note("checkpoint") or "")
        notes.verified(note, self.world.store.signing.state().keys)
        return notes.checkpoint(note.text)

    def again(self) -> None:
        """Stop the server and start it."""
        self.world.reopen()
        self.integrator = Integrator(self.world.store)

    def leaves(self) -> list[bytes]:
        """All of them, and that the checkpoint is theirs."""
        store, tree = self.world.store, self.checkpoint()
        with store.read() as connection:
            found = [published.leaf(connection, store.log, n) for n in range(tree.size)]
            subtrees = published.subtrees(connection, store.log, tree.size)
            assert merkle.root(tree.size, subtrees) == tree.root
        hashes = [merkle.leaf_hash(one) for one in found]
        assert merkle.root(tree.size, merkle.in_memory(hashes)) == tree.root
        return found

    def check_continues(self, old: Checkpoint, new: Checkpoint) -> None:
        with self.world.store.read() as connection:
            subtrees = published.subtrees(connection, self.world.store.log, new.size)
            proof = merkle.consistency_proof(old.size, new.size, subtrees)
        merkle.verify_consistency(old.size, new.size, old.root, new.root, proof)

    def said(self) -> list[leaves.Entry]:
        return [entry for leaf in self.leaves() for entry in leaves.unpacked(leaf)]

    def add_leaves(self, count: int) -> None:
        """Sequence so many made-up leaves at once."""

        def add(transaction) -> None:
            first = kept.size(transaction.connection)
            rows = []
            for number in range(first, first + count):
                data = b'{"leaf":1,"n":%d}' % number
                rows.append(LeafRow(number=number, data=data, hash=merkle.leaf_hash(data)))
            writes.add_leaves(transaction.connection, rows, [])

        self.world.store.write(add)


@pytest.fixture
def log(tmp_path: Path):
    found = Growing(tmp_path / "data")
    yield found
    found.world.store.close()  # what its invariants look at has left the outbox


def test_entries_get_places_in_their_order_and_leave_the_outbox(log: Growing) -> None:
    log.say(5)
    first = log.grow()
    log.say(3)
    second = log.grow()
    assert second.size > first.size
    kinds = [kind for kind, _ in log.said()]
    assert kinds == ["setting"] * 5 + ["key"] * kinds.count("key") + ["setting"] * 3
    with log.world.store.read() as connection:
        assert kept.waiting(connection, 10) == []
    assert log.grow() == second, "nothing new, nothing signed"


def test_what_is_sealed_waits(log: Growing) -> None:
    job = log.world.job()
    line = Entry(kind=EntryKind.TRAP, facts={"copies": 8}, job_id=job.id, sealed=True)
    store = log.world.store
    store.write(lambda tx: writes.log(tx.connection, [line], tx.now))
    log.grow()
    assert "trap" not in [kind for kind, _ in log.said()]
    store.write(lambda tx: writes.unseal(tx.connection, job.id))
    log.grow()
    assert log.said()[-1] == ("trap", {"copies": 8})


@pytest.mark.parametrize("count", [255, 256, 257, 600])
def test_a_log_that_grows_over_the_edge_of_a_tile_goes_on_after_a_restart(
    log: Growing, count: int
) -> None:
    log.add_leaves(count)
    old = log.grow()
    before = log.leaves()
    log.again()
    log.add_leaves(1)
    new = log.grow()
    assert log.leaves()[: old.size] == before
    log.check_continues(old, new)
    with log.world.store.read() as connection:
        assert kept.filed(connection) == new.size - new.size % 256
        for width in (1, 200, 255):
            tile = published.tile(connection, log.world.store.log, tiles.Tile(0, 0, width))
            assert len(tile) == 32 * width


class Killed(BaseException):
    """The process is gone."""


def places() -> list[tuple[object, str]]:
    """Where a kill may fall: before and after each thing that stays."""
    return [
        (Store, "write"), (log_files.disk, "write"), (LogFiles, "keep"), (LogFiles, "keep_edge"),
        (LogFiles, "keep_note"), (Signing, "sign"),
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(len(places())))
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_killed_anywhere_the_log_has_no_gap_and_no_fork(
    log: Growing, monkeypatch: pytest.MonkeyPatch, place: int, after: bool
) -> None:
    log.say(2)
    log.add_leaves(250)
    signed = [log.grow()]
    for round_ in range(2):  # the edge of a tile lies in the first
        owner, name = places()[place]
        whole = getattr(owner, name)

        def dies(*given: object, whole=whole, **named: object) -> object:
            if after:
                whole(*given, **named)
            raise Killed

        log.add_leaves(1 if round_ else 5)
        log.say(round_ + 1)
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, dies)
            with contextlib.suppress(Killed):
                log.integrator.do_pass(log.world.store, log.world.time)
        log.again()
        signed.append(log.grow())
    log.leaves()
    numbers = [facts["n"] for kind, facts in _settings(log)]
    assert numbers == [0, 1, 0, 0, 1], "none lost, none twice, in order"
    for old in signed:
        log.check_continues(old, signed[-1])


def _settings(log: Growing) -> list[leaves.Entry]:
    said = []
    for leaf in log.leaves():
        if b'"tables"' in leaf:
            said += [one for one in leaves.unpacked(leaf) if one[0] == "setting"]
    return said


def copied(log: Growing, to: Path, *names: str) -> None:
    """Take a backup of these parts of the data folder."""
    log.world.store.close()
    for name in names:
        source = log.world.settings.data_dir / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, to / name)
    log.again()


def put_back(log: Growing, backup: Path) -> None:
    log.world.store.close()
    for source in backup.iterdir():
        target = log.world.settings.data_dir / source.name
        if target.is_dir():
            shutil.rmtree(target)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
    log.again()


@pytest.mark.sqlite
@pytest.mark.parametrize("names", [("grid.db",), ("grid.db", "log")])
def test_an_old_database_put_back_signs_nothing(
    log: Growing, tmp_path: Path, names: tuple[str, ...]
) -> None:
    log.say()
    log.grow()
    (tmp_path / "backup").mkdir()
    copied(log, tmp_path / "backup", *names)
    log.say()
    newest = log.grow()
    put_back(log, tmp_path / "backup")
    with pytest.raises(Behind, match="put back from a backup"):
        log.integrator.do_pass(log.world.store, log.world.time)
    log.add_leaves(10)  # it would have grown past what was signed, into another log
    with pytest.raises(Refused):
        log.integrator.do_pass(log.world.store, log.world.time)
    assert log.world.store.signing.state().size == newest.size


def test_a_public_tile_is_never_written_over(log: Growing) -> None:
    files = log.world.store.log
    files.keep(tiles.Tile(0, 0), b"a" * 8192)
    files.keep(tiles.Tile(0, 0), b"a" * 8192)
    with pytest.raises(Changed):
        files.keep(tiles.Tile(0, 0), b"b" * 8192)


def test_a_result_takes_a_hundred_bytes_of_the_log_at_most(log: Growing) -> None:
    log.grow()
    before = sum(map(len, log.leaves()))
    world, done = log.world, 0
    job = world.job(chunks=300, min_quorum=2)
    for host in [world.host() for _ in range(2)]:
        while mine := world.ask(host, want=8):
            # Every work unit has an answer of its own, or digests would cost nothing.
            said = [(one.lease, one.first_chunk, Outcome.SUCCESS) for one in mine]
            world.exchange(host, **reported(host, said))
            done += len(mine)
        log.grow()
    world.store.write(lambda tx: writes.unseal(tx.connection, job.id))
    log.grow()
    kinds = [kind for kind, _ in log.said()]
    assert (done, kinds.count("commit"), kinds.count("verdict")) == (600, 600, 300)
    each = (sum(map(len, log.leaves())) - before) / done
    print(f"{each:.1f} bytes a result")
    assert each <= 100


def test_the_key_is_its_owners_alone_and_made_once(log: Growing) -> None:
    log.say()
    log.grow()
    folder = log.world.settings.data_dir / "signer"
    assert stat.S_IMODE((folder / "0001.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    before = log.world.store.signing.state()
    log.again()
    assert log.world.store.signing.state() == before


def test_a_rotated_log_is_signed_by_both_keys_and_announces_both(log: Growing) -> None:
    log.say()
    log.grow()
    (old,) = log.world.store.signing.state().keys
    new, same = log.world.store.signing.rotate().keys
    assert same == old and new.name == old.name and new.id != old.id
    log.grow()
    note = notes.parse(log.world.store.log.note("checkpoint") or "")
    assert notes.verified(note, [old]) and notes.verified(note, [new])
    told = [facts for kind, facts in log.said() if kind == "key" and facts["purpose"] == "log"]
    assert [one["keys"] for one in told] == [[str(old)], [str(new), str(old)]]
    assert [one["event"] for one in told] == ["made", "rotated"]
    log.world.store.signing.retire()
    log.grow()
    note = notes.parse(log.world.store.log.note("checkpoint") or "")
    assert note.by(old) is None and note.by(new) is not None
    assert log.said()[-1][1]["event"] == "retired" and log.said()[-1][1]["keys"] == [str(new)]


def test_the_signer_signs_only_what_continues_what_it_signed(tmp_path: Path) -> None:
    signing = Signing(tmp_path / "signer", "https://grid.example/here/")
    hashes = [merkle.leaf_hash(b"%d" % place) for place in range(9)]
    subtrees = merkle.in_memory(hashes)

    def root(size: int) -> bytes:
        return merkle.root(size, subtrees)

    try:
        assert signing.state().origin == "grid.example/here/log"
        first = signing.sign(5, root(5), [])
        assert signing.sign(5, root(5), []) == first, "the same again is the same"
        wrong = [
            (4, root(4), []), (4, root(4), merkle.consistency_proof(4, 5, subtrees)),
            (5, root(4), []), (8, root(8), []), (8, b"short", []), (0, merkle.EMPTY_ROOT, []),
            (8, root(7), merkle.consistency_proof(5, 8, subtrees)),
        ]  # fmt: skip
        for size, hashed, proof in wrong:
            with pytest.raises(Refused):
                signing.sign(size, hashed, proof)
        assert signing.state().size == 5
        signing.sign(8, root(8), merkle.consistency_proof(5, 8, subtrees))
        signing.close()
        assert signing.state().size == 8, "it remembers"
        with pytest.raises(Refused):
            signing.sign(5, root(5), [])
    finally:
        signing.close()


def test_the_signers_process_has_nothing_of_the_server(tmp_path: Path) -> None:
    program = (
        "import sys, grid.publishing.signer\n"
        "ours = {name for name in sys.modules if name.split('.')[0] in ('grid', 'web')}\n"
        "others = {name.split('.')[0] for name in sys.modules} - sys.stdlib_module_names\n"
        "print(sorted(ours), sorted(one for one in others if not one.startswith('_')))"
    )
    said = subprocess.run(
        [sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True
    ).stdout
    for foreign in ("grid.db", "grid.plugins", "grid.settings", "web", "litestar", "sqlalchemy"):
        assert f"'{foreign}" not in said


def test_the_log_survives_facts_that_no_leaf_can_hold(log: Growing) -> None:
    facts = {"minute": 1, "columns": ["x" * 1000 + str(place) for place in range(100)]}
    line = Entry(kind=EntryKind.JOB, facts=facts)
    store = log.world.store
    store.write(lambda tx: writes.log(tx.connection, [line], tx.now))
    log.grow()
    told = next(said for kind, said in log.said() if kind == "job")
    assert told["too_long"]["digest"] == canonical.digest(canonical.dumps(facts))
