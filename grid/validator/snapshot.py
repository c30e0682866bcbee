"""This file is where it stands what a verdict may know beside the work unit: how things are now."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from grid.items import Standing


class Budget:
    """What a job may spend on more than copies for verdicts, by its work units so far."""

    #: Traps per work unit: 5 % of the copies.
    TRAP_SHARE = 0.11
    #: Traps that every job may set.
    TRAPS_MIN = 100

    @classmethod
    def room(cls, spent: float, floor: float, work_units: int, share: float) -> bool:
        """Whether there may be another trusted run; `spent` and `floor` counted in such runs,
        `share` of them a work unit."""
        return spent < floor + share * work_units

    @classmethod
    def trap_room(cls, traps: int, work_units: int) -> bool:
        """Whether another dispute may become traps."""
        return traps < cls.TRAPS_MIN + cls.TRAP_SHARE * work_units


class Snapshot(Struct, frozen=True, kw_only=True):
    """How far everybody is believed, and what the job may still spend."""

    #: By volunteer; whoever is missing has survived no check.
    standings: Mapping[int, Standing] = {}
    #: Engines that get nothing of this job → the work unit that made them suspect.
    quarantined: Mapping[str, int] = {}
    #: Those of them that had their chances: what they alone say counts for nothing.
    convicted: frozenset[str] = frozenset()
    #: Half checks of the volunteer in the middle of those online.
    typical_checks2: int = 0
    #: Whether the job may spend another trusted run, and another trap.
    room: bool = True
    trap_room: bool = True
    #: Whether so many trusted runs wait that whoever wants another one waits as well.
    busy: bool = False
    #: The job's seed.
    seed: str = ""
    #: Whether its seal is shut: only then are traps, probation and decoys secret.
    sealed: bool = True
    #: When it opened; None while it is shut.
    opened_at: int | None = None
    #: When its output could first be read; None while it cannot.
    output_at: int | None = None
    #: The volunteer whom the job's own hosts belong to: they earn nothing by it, nor belief.
    owner: int | None = None
    #: Whether the job has its output: only what may find liars is asked for any more.
    completed: bool = False
    #: Whether not even that: it gave up, or its traps have had their time.
    over: bool = False
    #: Whether it was paused because its reference is suspect.
    frozen: bool = False
    #: How long a work unit waits for those behind it to become better known, in seconds.
    wait_s: int = 30
    #: Longest random delay before the next copy of a work unit, in seconds.
    delay_s: int = 5

    def standing(self, volunteer_id: int | None) -> Standing:
        """How far a volunteer is believed."""
        known = None if volunteer_id is None else self.standings.get(volunteer_id)
        return known or Standing(volunteer_id=volunteer_id or 0)

    def caught(self, volunteer_id: int | None) -> bool:
        """Whether a volunteer is banned."""
        return self.standing(volunteer_id).banned_at is not None
