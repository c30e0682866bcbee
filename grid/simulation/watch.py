"""This file is where invariants are checked step by step, looking only at what has changed.

A watch outlives the store's crashes: what it has seen committed must still be there afterwards.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection

from grid.assimilator.ending import OPEN_STATES
from grid.auditlog.entries import About
from grid.db import credit_sums, evidence, queries
from grid.db.evidence import Line
from grid.db.store import Store
from grid.items import WorkUnit
from grid.simulation import invariants
from grid.simulation.invariants import Place, Told, demand
from grid.simulation.journal import Journal

#: Sums over all results, of credit and of comparisons, are added up at each look of so many: that
#: reads everything, and a sum that is once wrong stays so.
SUMS_EVERY = 20


class Watch:
    """What was seen so far of a store's work units and log."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        #: Work units that were not at rest, as last seen, and what will tell that they changed.
        self._busy: dict[int, WorkUnit] = {}
        self._marks: dict[int, str] = {}
        self._abouts: dict[int, About] = {}
        self._line = self._newest = 0
        self._log = hashlib.sha256()
        #: What the log has told so far.
        self._found: list[Told] = []
        #: Commitments in the log, and those that work units were seen with.
        self._told: set[str] = set()
        self._owed: set[str] = set()
        #: Verdicts that stand in the log, and in the work units.
        self._standing: dict[Place, str] = {}
        #: How often a verdict was taken back.
        self._retracted: Counter[Place] = Counter()
        self._decided: dict[Place, str] = {}
        self.looks = 0
        #: Digests of what was reported, by result: whatever was acknowledged must stay.
        self.acknowledged: dict[int, str] = {}

    @property
    def decided(self) -> int:
        """Work units that were decided when it last looked."""
        return len(self._decided)

    def look(self, store: Store) -> None:
        """Check what has changed since the last look; raises Broken."""
        self.looks += 1
        with store.read() as connection:
            marks = evidence.marks(connection)
            new = evidence.workunit_ids(connection, after=self._newest)
            differing = {number for number, _ in self._marks.items() ^ marks.items()}
            changed = sorted(differing.union(new))
            units = queries.workunits(connection, changed)
            texts = evidence.outputs(connection, units.values())
            jobs = queries.jobs(connection, {unit.job_id for unit in units.values()})
            lines = evidence.lines(connection, after=self._line)
            made = evidence.made(connection)
            owners = credit_sums.owners(connection, jobs)
        demand(len(units) == len(changed), "no work unit is lost", set(changed) - set(units))
        open_jobs = {n for n, one in jobs.items() if one.job.job_state in OPEN_STATES}
        views = {n: invariants.view(one.job, owners[n]) for n, one in jobs.items()}
        for unit in units.values():
            invariants.unit_is_sound(unit, texts)
            invariants.credit_is_due(unit, views[unit.job_id])
            if unit.job_id in open_jobs:
                invariants.nobody_forgets(unit)
                invariants.rules_are_settled(unit, views[unit.job_id])
            self._compare(unit, unit.id in marks)
        self._marks, self._newest = marks, max(new, default=self._newest)
        self._abouts |= {
            number: store.keyring.about(facts.job)
            for number, facts in jobs.items()
            if number not in self._abouts
        }
        for unit in units.values():
            answers, decided = invariants.told_of([unit], self._abouts)
            self._owed.update(answers)
            self._decided.pop((self._abouts[unit.job_id].public_id, unit.ordinal), None)
            self._decided |= decided
        self._read(lines)
        invariants.none_is_lost(made)
        if self._told != self._owed:  # a late copy of a work unit at rest, perhaps
            self._owed = self._all_owed(store)
        demand(self._told == self._owed, "every answer is in the log", *(self._told ^ self._owed))
        if self._standing != self._decided:
            demand(False, "log = state", *(self._standing.items() ^ self._decided.items()))
        if self.looks % SUMS_EVERY == 0:
            self._add_up(store)

    def _add_up(self, store: Store) -> None:
        with store.read() as connection:
            units = queries.workunits(connection, evidence.workunit_ids(connection))
            tallies, sums = evidence.tallies(connection), credit_sums.sums(connection)
        invariants.standings_add_up(tallies)
        invariants.credit_is_conserved(units.values(), self._abouts, sums, self._found)

    def look_at_all(self, store: Store) -> None:
        """Check everything, also against what was seen before; raises Broken."""
        self.look(store)
        with store.read() as connection:
            lines = evidence.lines(connection)
            units = queries.workunits(connection, evidence.workunit_ids(connection))
        digest = hashlib.sha256()
        for line in lines:
            digest.update(_spelled(line))
        demand(digest.digest() == self._log.digest(), "the log only grows")
        invariants.check(store, self._found)
        kept = {one.id: one.report_digest for unit in units.values() for one in unit.results}
        for number, said in self.acknowledged.items():
            demand(kept.get(number) == said, "what was acknowledged is there", f"result {number}")

    def _all_owed(self, store: Store) -> set[str]:
        with store.read() as connection:
            units = queries.workunits(connection, evidence.workunit_ids(connection))
        return set(invariants.told_of(units.values(), self._abouts)[0])

    def _compare(self, unit: WorkUnit, busy: bool) -> None:
        before = self._busy.pop(unit.id, None)
        if before is not None:
            invariants.moved(before, unit)
        if busy:
            self._busy[unit.id] = unit

    def _read(self, lines: Collection[Line]) -> None:
        found = invariants.lines_are_sound(lines)
        self._found += found
        for line in lines:
            self._line = line.id
            self._log.update(_spelled(line))
            self._journal.log(line)
        new = invariants.commitments(found)
        once = len(set(new)) == len(new) and not self._told.intersection(new)
        demand(once, "each answer is committed to once")
        self._told.update(new)
        self._standing = invariants.standing(self._standing, found)
        invariants.verdicts_come_to_rest(self._retracted, found)


def _spelled(line: Line) -> bytes:
    return f"{line.id} {line.kind} {line.facts}\n".encode()
