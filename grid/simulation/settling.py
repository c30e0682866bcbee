"""This file is where each decision is asked for twice: under what it knew, nothing may be left.

That is the fourth law, in every mode, about what the store has written rather than what a rule
foresaw. Snapshots move on between commits, so those are kept that decisions were made under.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from grid.comparators import by_digest
from grid.db import queries
from grid.db.snapshots import Snapshots
from grid.db.transaction import Transaction
from grid.items import WorkUnit
from grid.settings import Settings
from grid.simulation.invariants import demand
from grid.transition import CreateResults, Entity, Freeze, Instruction, Transition
from grid.validator import grouping, settle
from grid.validator.snapshot import Snapshot

#: Leftovers wait for their daemon; and a copy that was shared out in the same transaction leaves a
#: time to look again that is needed no more.
LATER = {"file_delete_state", "due_at"}


class Remembering(Snapshots):
    """Snapshots that know which decisions were made under them, until they are checked."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._made: list[tuple[Snapshot, tuple[Instruction, ...]]] = []

    def spend(self, snapshot: Snapshot, job_id: int, batch: Iterable[Instruction]) -> Snapshot:
        """As ever; called once for each work unit that something was decided about."""
        kept = tuple(batch)
        self._made.append((snapshot, kept))
        return super().spend(snapshot, job_id, kept)

    def check(self, transaction: Transaction) -> None:
        """Ask again about all that was decided in this transaction; raises Broken."""
        made, self._made = self._made, []
        units = _units(transaction, [batch for _, batch in made])
        last = {number: under for under, number in zip(made, units, strict=True) if number}
        if not last:
            return
        found = queries.workunits(transaction.connection, last)
        for number, (snapshot, batch) in last.items():
            if any(isinstance(one, Freeze) for one in batch):
                snapshot = msgspec.structs.replace(snapshot, frozen=True)
            is_settled(found[number], snapshot, transaction.now)


def is_settled(unit: WorkUnit, snapshot: Snapshot, now: int) -> None:
    """Nothing is moved or made when the rules are asked once more; raises Broken.

    Whoever a verdict made better or worse known is not so in this snapshot yet, so standings and
    quarantines are left out; and so are those fields that are somebody else's to move.
    """
    left = [
        one
        for one in settle(unit, grouping(by_digest), snapshot, now)
        if isinstance(one, CreateResults)
        or (isinstance(one, Transition) and not one.after.keys() <= LATER)
    ]
    demand(not left, "rules settle", *left, unit)


def _units(transaction: Transaction, batches: list[tuple[Instruction, ...]]) -> list[int | None]:
    """The work unit that each of these batches changes; None where it changes people alone."""
    named = [_named(batch) for batch in batches]
    unknown = {number for unit, number in named if unit is None and number is not None}
    results = _unit_of(transaction, unknown)
    return [results.get(number or 0) if unit is None else unit for unit, number in named]


def _named(batch: tuple[Instruction, ...]) -> tuple[int | None, int | None]:
    """The work unit if the batch names it, else one of its results."""
    result = None
    for one in batch:
        if isinstance(one, CreateResults):
            return one.workunit_id, None
        if isinstance(one, Transition) and one.entity is Entity.WORKUNIT:
            return one.id, None
        if isinstance(one, Transition) and one.entity is Entity.RESULT:
            result = one.id
    return None, result


def _unit_of(transaction: Transaction, results: set[int]) -> Mapping[int, int]:
    found = {number: queries.result(transaction.connection, number) for number in results}
    return {number: one.workunit_id for number, one in found.items() if one is not None}
