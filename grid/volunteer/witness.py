"""This file is where a volunteer holds its server to the public log: the newest checkpoint that it
saw is kept, every later one must continue it, and a program is run only when the log names it.

So whoever serves other programs than the auditors see, or rewrites what was, is found out by any of
its volunteers.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct

from grid.audit import log
from grid.audit.faults import Broken
from grid.auditlog import leaves, notes, proofs
from grid.auditlog.leaves import BadLeaf
from grid.auditlog.merkle import ProofRefused
from grid.auditlog.notes import BadNote, Checkpoint, Key
from grid.auditlog.tiles import Tile
from grid.volunteer.messages import Program

#: Keys of one log at a time: the one before, the present one, and some to spare.
KEYS_MAX = 8
#: Kinds of entries are the log's own (`grid.auditlog.entries`), which a verifier need not import.
PROGRAM = "program"

#: A path of the server's → its bytes; raises `client.Failure`.
Fetch = Callable[[str], bytes]


class Unproven(Exception):
    """The log does not name this program; it must not be run."""


class Dishonest(Exception):
    """The log was rolled back, forked or rewritten: nothing of this server can be believed."""


class Seen(Struct, frozen=True, kw_only=True):
    """What is remembered of a log."""

    #: The newest checkpoint, signed, and the keys it may be signed with.
    note: str
    keys: tuple[str, ...]


class Witness:
    """Of one server; any number of threads may share it."""

    def __init__(self, fetch: Fetch, seen: Seen | None, remember: Callable[[Seen], None]) -> None:
        """`seen` is what an earlier process left behind, by `remember`."""
        self._fetch, self._remember = fetch, remember
        self._lock = threading.Lock()
        self._keys: dict[str, Key] = {}
        self._newest: Checkpoint | None = None
        if seen is not None:
            self._keys = {text: notes.key(text) for text in seen.keys}
            self._newest = notes.checkpoint(notes.parse(seen.note).text)
        self._proven: set[tuple[str, str]] = set()

    def check(self, program: Program, job_id: str) -> None:
        """Whether this is the program that the log names for the job.

        A server that does not say where gives no proof yet. Raises Unproven, Dishonest, Failure.
        """
        if program.leaf is None:
            return
        with self._lock:
            if (job_id, program.digest) in self._proven:
                return
            text = self._fetch(f"log/proof/{program.leaf}").decode("utf-8", "replace")
            try:
                proof = proofs.parse(text)
                tree = self._verified(proof)
                said = leaves.unpacked(proof.extra)
            except (BadNote, ProofRefused, BadLeaf) as error:
                raise Unproven(f"the proof of its program does not hold: {error}") from error
            self._continue(tree, proof.note)
            wanted = {"job": job_id, "program": program.digest}
            named = (facts for kind, facts in said if kind == PROGRAM)
            if not any(wanted.items() <= facts.items() for facts in named):
                raise Unproven("the log does not name this program for this job")
            self._proven.add((job_id, program.digest))

    def _verified(self, proof: proofs.Proof) -> Checkpoint:
        """The checkpoint of a proof that holds. A key that is new must be announced by the server;
        that it is the same log follows from its tree, which continues the one seen before."""
        if self._keys:
            try:
                return proofs.verify(proof, proof.extra, self._keys.values())
            except BadNote:
                pass
        said = self._fetch("log/keys").decode("utf-8", "replace").split()
        fresh = {text: notes.key(text) for text in said[:KEYS_MAX]}
        tree = proofs.verify(proof, proof.extra, fresh.values())
        self._keys = fresh
        return tree

    def _continue(self, tree: Checkpoint, note: str) -> None:
        """Keep the newest checkpoint; raises Dishonest where one does not continue the other."""
        newest = self._newest
        if newest == tree:
            return
        try:
            if newest is not None:
                log.continues(newest, tree, self._tile)
        except Broken as error:
            raise Dishonest(str(error)) from error
        self._newest = tree
        self._remember(Seen(note=note, keys=tuple(self._keys)))

    def _tile(self, tile: Tile) -> bytes:
        return self._fetch(f"log/tile/{tile.path}")
