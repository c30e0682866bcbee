"""This file is where what the log says of a job is found, and proven to be in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from grid.auditlog import merkle, notes
from grid.auditlog.entries import EntryKind
from grid.auditlog.leaves import unpacked
from grid.auditlog.merkle import EMPTY_ROOT
from grid.auditlog.notes import Checkpoint
from grid.daemons import recorder
from grid.db import leaves, published
from grid.db.record import store as record
from web.server import Server

#: Kinds of entry about a job as a whole.
WHOLE = (EntryKind.JOB, EntryKind.PROGRAM, EntryKind.OUTPUT)


class Told:
    """Leaves of the log under one signed checkpoint."""

    def __init__(self, server: Server, numbers: list[int], *, revealed: bool) -> None:
        self._server, self.leaves, self.revealed = server, numbers, revealed
        #: The checkpoint as it was signed, and the keys that sign, one a line.
        self.note, self.tree = _checkpoint(server, max(numbers, default=-1))
        with server.store.read() as connection:
            self.keys = "".join(f"{one}\n" for one in leaves.announced(connection, leaves.LOG))

    def proven(self, number: int) -> tuple[bytes, list[bytes]]:
        """A leaf, and its path to the checkpoint's root."""
        store = self._server.store
        with store.read() as connection:
            subtrees = published.subtrees(connection, store.log, self.tree.size)
            path = merkle.inclusion_proof(number, self.tree.size, subtrees)
            return published.leaf(connection, store.log, number), path


def of_job(server: Server, name: str) -> Told:
    """Everything that the log says of a job, as far as it is published now."""
    revealed = is_revealed(server, name)
    with server.store.record.read() as connection:
        numbers = record.leaves_of(connection, name)
    return Told(server, numbers, revealed=revealed)


def is_revealed(server: Server, name: str) -> bool:
    """Whether a job's verdicts are in the published log, which follows a second behind its seal."""
    recorder.do_pass(server.store, server.store.now())
    with server.store.record.read() as connection:
        return bool(record.leaves_of_kind(connection, name, EntryKind.REVEAL))


def of_summary(server: Server, name: str) -> Told:
    """What shows a job as a whole: its submission, its program, its seed and its outputs."""
    numbers = _telling(server, name, (*WHOLE, EntryKind.REVEAL))
    return Told(server, sorted(numbers), revealed=True)


def of_unit(server: Server, name: str, ordinal: int) -> Told:
    """What shows one work unit: its job's submission and program, and what was said of itself."""
    numbers = _telling(server, name, WHOLE)
    with server.store.record.read() as connection:
        numbers |= set(record.leaves_of_unit(connection, name, ordinal))
    return Told(server, sorted(numbers), revealed=True)


def said_of_unit(server: Server, name: str, ordinal: int) -> list[tuple[str, dict[str, Any], int]]:
    """Kind, facts and leaf of every entry about one work unit, in the log's order."""
    recorder.do_pass(server.store, server.store.now())
    with server.store.record.read() as connection:
        numbers = record.leaves_of_unit(connection, name, ordinal)
    found = []
    with server.store.read() as connection:
        for number in numbers:
            for kind, facts in unpacked(published.leaf(connection, server.store.log, number)):
                if facts.get("job") == name and facts.get("work_unit") == ordinal:
                    found.append((kind, dict(facts), number))
    return found


def _telling(server: Server, name: str, kinds: Sequence[EntryKind]) -> set[int]:
    with server.store.record.read() as connection:
        found = [record.leaves_of_kind(connection, name, kind) for kind in kinds]
    return {number for several in found for number in several}


def _checkpoint(server: Server, last: int) -> tuple[str, Checkpoint]:
    """The newest witnessed checkpoint that covers leaf `last`, or else the newest of all."""
    for name in (published.WITNESSED, published.CHECKPOINT):
        found = published.checkpoint(server.store.log, name)
        if found is not None and found[1].size > last:
            return found
    return "", Checkpoint("", 0, EMPTY_ROOT)


class Vouched(Struct, frozen=True, kw_only=True):
    """The newest checkpoint, in short."""

    size: int = 0
    witnesses: list[str] = []
    age_s: int = 0


def vouched(server: Server) -> Vouched:
    """How large the log is, who cosigned it, and how long ago it was signed."""
    newest = published.checkpoint(server.store.log)
    if newest is None:
        return Vouched()
    witnessed = published.checkpoint(server.store.log, published.WITNESSED)
    age_s = server.store.now() - (server.store.log.signed_at(published.CHECKPOINT) or 0)
    return Vouched(
        size=newest[1].size,
        witnesses=[] if witnessed is None else cosigners(witnessed[0]),
        age_s=max(age_s, 0),
    )


def cosigners(note: str) -> list[str]:
    """Names of the witnesses whose lines a checkpoint carries; nothing of them is checked here."""
    if not note:
        return []
    lines = notes.parse(note)
    origin = notes.checkpoint(lines.text).origin
    return [one.name for one in lines.signatures if one.name != origin]
