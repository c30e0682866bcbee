"""This file is where the log grows: entries get places, tiles are written, the tree is signed.

Three steps, each of which may be cut short anywhere: *sequenced*, in one transaction entries leave
the outbox and become leaves with numbers; *integrated*, what follows from these leaves is on the
disk; *published*, the signer has signed. The last two only repeat what the first one fixed, so a
kill costs time and neither a gap nor a fork.
"""

from __future__ import annotations

from functools import partial

from grid.auditlog import merkle, tiles
from grid.auditlog.tiles import WIDTH, Growing, Tile
from grid.db import leaves, published
from grid.db.store import Store
from grid.publishing.cosigning import Witnesses
from grid.publishing.files import LogFiles
from grid.publishing.signing import Signed

#: Entries that become leaves at a time: a bite whose transaction keeps nobody waiting.
ENTRIES_MAX = 2000
#: Bites of a pass: a seal that opens over a million work units takes some passes.
BITES_MAX = 20
#: Leaves read at a time.
LEAVES_MAX = 64


class Behind(Exception):
    """The database holds less than the log has published: nothing is signed; says what to do."""


class Integrator:
    """The one that grows the log, for one server process."""

    def __init__(self, store: Store) -> None:
        self._store, self._files = store, store.log
        self._growing: Growing | None = None
        #: The largest tree of this log that a witness shows; None before they were asked.
        self._elsewhere: int | None = None

    def do_pass(self, store: Store, now: int) -> int:
        """Publish what has been decided; how many entries got their places.

        Raises Behind when an old database was put back: a smaller tree is never signed.
        """
        signed = store.signing.state()
        with store.read() as connection:
            there = leaves.size(connection)
        if signed.size > there:
            raise Behind(
                f"the log is signed up to {signed.size} leaves, and the database holds {there}: it "
                "was put back from a backup. Put back the newer one; an older log is never signed."
            )
        self._look_elsewhere(signed, there)
        self._announce(signed)
        done = self._sequence()
        self._integrate()
        self._publish(signed)
        self._file_away()
        return done

    def _look_elsewhere(self, signed: Signed, there: int) -> None:
        """Before the first leaf of this process: raises Behind when a witness has more of this log,
        for then the whole data folder is an old one, signer and all."""
        if self._elsewhere is None:
            newest = Witnesses(self._store.witness_policy).newest(signed.origin, signed.keys)
            self._elsewhere = 0 if newest is None else newest.size
        if self._elsewhere > there:
            raise Behind(
                f"a witness has a checkpoint of {self._elsewhere} leaves of this log, and {there} "
                "are here: an old data folder was put back. Put back the newer one."
            )

    def _announce(self, signed: Signed) -> None:
        keys = {
            leaves.LOG: list(map(str, signed.keys)),
            leaves.PROMISE: [str(self._store.keyring.promise_key())],
        }
        with self._store.read() as connection:
            news = [one for one in keys if leaves.announced(connection, one) != keys[one]]
        for purpose in news:
            self._store.write(partial(leaves.announce, purpose=purpose, vkeys=keys[purpose]))

    def _sequence(self) -> int:
        done = 0
        for _ in range(BITES_MAX):
            with self._store.read() as connection:
                said = leaves.waiting(connection, ENTRIES_MAX)
                first = leaves.size(connection)
            if not said:
                break
            made = leaves.made(said, first)
            done += self._store.write(
                partial(leaves.sequence, leaves=made, said=said, expected=first)
            )
            if len(said) < ENTRIES_MAX:
                break
        return done

    def _integrate(self) -> None:
        """Write every tile that has become full, and the edges of the levels above leaves."""
        growing = self._growing or self._edge()
        while True:
            with self._store.read() as connection:
                found = leaves.some(connection, growing.size, LEAVES_MAX)
            for leaf in found:
                full = growing.add(leaf.hash)
                if full:
                    self._keep(growing, full)
            if len(found) < LEAVES_MAX:
                break
        self._growing = growing

    def _keep(self, growing: Growing, full: list[tuple[Tile, bytes]]) -> None:
        """A tile of leaves is full: write it, its bundle, and what changed above it."""
        index = full[0][0].index
        with self._store.read() as connection:
            bundle = leaves.some(connection, index * WIDTH, WIDTH)
        self._files.keep(Tile(None, index), tiles.bundle([one.data for one in bundle]))
        for tile, data in full:
            self._files.keep(tile, data)
        level = len(full)
        edge = growing.levels[level]
        number = (growing.size >> (tiles.HEIGHT * level)) // WIDTH
        self._files.keep_edge(Tile(level, number, len(edge)), b"".join(edge))

    def _edge(self) -> Growing:
        """The tree as far as it lies in files."""
        with self._store.read() as connection:
            filed = leaves.filed(connection)
        return Growing(filed - filed % WIDTH, lambda tile: _there(self._files, tile))

    def _publish(self, signed: Signed) -> None:
        growing = self._growing
        assert growing is not None, "it was integrated"
        newest = published.checkpoint(self._files)
        if newest is not None and newest[1].size == growing.size:
            return
        with self._store.read() as connection:
            subtrees = published.subtrees(connection, self._files, growing.size)
            proof = merkle.consistency_proof(signed.size, growing.size, subtrees)
        note = self._store.signing.sign(growing.size, growing.root(), proof)
        self._files.keep_note(published.CHECKPOINT, note)

    def _file_away(self) -> None:
        """Forget the bytes of leaves in the database that lie in full, public bundles."""
        growing = self._growing
        assert growing is not None, "it was integrated"
        below = growing.size - growing.size % WIDTH
        with self._store.read() as connection:
            filed = leaves.filed(connection)
        if filed < below:
            self._store.write(lambda tx: leaves.drop_filed(tx, below))


def _there(files: LogFiles, tile: Tile) -> bytes:
    data = files.tile(tile)
    if data is None:
        raise Behind(f"the log's file {tile.path} is missing: put back the folder of the log")
    return data
