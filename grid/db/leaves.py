"""This file is where the log's entries wait for their places, and its last leaves are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select

from grid import canonical
from grid.auditlog import entries
from grid.auditlog.entries import EntryKind
from grid.auditlog.leaves import Entry, packed
from grid.auditlog.merkle import leaf_hash
from grid.db import apply as writes
from grid.db.tables import JobRow, LeafRow, LogKeyRow, OutboxRow, table
from grid.db.transaction import Transaction

#: What keys are for: checkpoints, and what reports are answered with.
LOG, PROMISE = "log", "promise"
#: Leaves that may hold an answer of one second, at most so many are looked through.
LEAVES_OF_A_MOMENT_MAX = 64


class Waiting(Struct, frozen=True, kw_only=True):
    """An entry that may leave, and has no place yet."""

    id: int
    kind: str
    facts: Mapping[str, object]
    decided_at: int
    #: The job it tells of, if any.
    job_id: int | None = None


class Made(Struct, frozen=True, kw_only=True):
    """A leaf that has no place yet."""

    row: LeafRow
    #: Jobs whose program it names.
    programs: tuple[int, ...]


class Leaf(Struct, frozen=True, kw_only=True):
    """A leaf that lies in the database still."""

    number: int
    data: bytes
    hash: bytes


def waiting(connection: Connection, limit: int) -> list[Waiting]:
    """Entries that no seal keeps back, in the order of their decisions (index `outbox_open`)."""
    outbox = table(OutboxRow)
    found = connection.execute(
        select(outbox.c.id, outbox.c.kind, outbox.c.facts, outbox.c.decided_at, outbox.c.job_id)
        .where(~outbox.c.sealed)
        .order_by(outbox.c.id)
        .limit(limit)
    )
    return [
        Waiting(
            id=row.id,
            kind=row.kind,
            facts=msgspec.json.decode(row.facts),
            decided_at=row.decided_at,
            job_id=row.job_id,
        )
        for row in found
    ]


def made(said: Sequence[Waiting], first: int) -> list[Made]:
    """The leaves that these entries become, from number `first` on."""
    pairs: list[Entry] = [(one.kind, one.facts) for one in said]
    leaves, at = [], 0
    for number, (count, data) in enumerate(packed(pairs, canonical.dumps_facts), first):
        held = said[at : at + count]
        times = [one.decided_at for one in held if one.kind == EntryKind.COMMIT]
        row = LeafRow(
            number=number,
            data=data,
            hash=leaf_hash(data),
            first_commit_at=min(times, default=None),
            last_commit_at=max(times, default=None),
        )
        jobs = (one.job_id for one in held if one.kind == EntryKind.PROGRAM)
        programs = tuple(one for one in jobs if one is not None)
        leaves.append(Made(row=row, programs=programs))
        at += count
    return leaves


def size(connection: Connection) -> int:
    """How many leaves have their places."""
    last = connection.scalar(select(func.max(table(LeafRow).c.number)))
    return 0 if last is None else int(last) + 1


def filed(connection: Connection) -> int:
    """How many leaves, from the first on, lie in files and no longer here."""
    leaves = table(LeafRow)
    first = connection.scalar(select(func.min(leaves.c.number)).where(leaves.c.hash.is_not(None)))
    return size(connection) if first is None else int(first)


def some(connection: Connection, first: int, count: int) -> list[Leaf]:
    """Leaves from number `first` on that lie here, `count` at most."""
    leaves = table(LeafRow)
    found = connection.execute(
        select(leaves.c.number, leaves.c.data, leaves.c.hash)
        .where(leaves.c.number >= first, leaves.c.number < first + count)
        .where(leaves.c.hash.is_not(None))
        .order_by(leaves.c.number)
    )
    return [Leaf(number=row.number, data=row.data, hash=row.hash) for row in found]


def hashes(connection: Connection, first: int, count: int) -> list[bytes]:
    """Their hashes alone."""
    leaves = table(LeafRow)
    found = connection.scalars(
        select(leaves.c.hash)
        .where(leaves.c.number >= first, leaves.c.number < first + count)
        .where(leaves.c.hash.is_not(None))
        .order_by(leaves.c.number)
    )
    return list(found)


def with_commits_of(connection: Connection, at: int) -> list[int]:
    """Numbers of the leaves that may commit to an answer of this second (index `leaf_commits`)."""
    leaves = table(LeafRow)
    found = connection.execute(
        select(leaves.c.number, leaves.c.first_commit_at)
        .where(leaves.c.last_commit_at >= at)
        .order_by(leaves.c.last_commit_at, leaves.c.number)
        .limit(LEAVES_OF_A_MOMENT_MAX)
    )
    return [row.number for row in found if row.first_commit_at <= at]


def sequence(
    transaction: Transaction, leaves: Sequence[Made], said: Sequence[Waiting], expected: int
) -> int:
    """Give leaves their places behind `expected` others; how many entries they hold, none when
    another process was quicker."""
    if size(transaction.connection) != expected:
        return 0
    rows = [one.row for one in leaves]
    writes.add_leaves(transaction.connection, rows, [one.id for one in said])
    for one in leaves:
        writes.set_program_leaf(transaction.connection, one.programs, one.row.number)
    return len(said)


def of_program(connection: Connection, job_id: int) -> int | None:
    """The leaf that names a job's program; None while it has no place."""
    jobs = table(JobRow)
    return connection.scalar(select(jobs.c.program_leaf).where(jobs.c.id == job_id))


def announced(connection: Connection, purpose: str) -> list[str]:
    """The keys of a purpose that the log has announced, newest first."""
    keys = table(LogKeyRow)
    found = select(keys.c.vkey).where(keys.c.purpose == purpose).order_by(keys.c.place)
    return list(connection.scalars(found))


def announce(transaction: Transaction, purpose: str, vkeys: Sequence[str]) -> bool:
    """Have the log say which keys of a purpose there are, newest first, if it does not say so;
    whether it did not."""
    known = announced(transaction.connection, purpose)
    if known == list(vkeys):
        return False
    event = "made" if not known else "rotated" if set(known) < set(vkeys) else "retired"
    line = entries.key(purpose, event, vkeys, transaction.now)
    writes.log(transaction.connection, [line], transaction.now)
    writes.set_log_keys(transaction.connection, purpose, vkeys)
    return True


def drop_filed(transaction: Transaction, below: int) -> int:
    """Forget the bytes of leaves below a number, which lie in files; of how many."""
    return writes.drop_leaves_below(transaction.connection, below)
