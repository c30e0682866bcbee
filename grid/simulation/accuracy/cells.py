"""This file is where it stands what is measured, in which order, and what is aimed at."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec
from msgspec import Struct

from grid.items import Mode
from grid.simulation.accuracy.floor import Floor
from grid.simulation.accuracy.measured import Measured
from grid.simulation.accuracy.ours import FLOOR_TRUSTED, Ours
from grid.simulation.accuracy.people import Behaviour, Crowd, Setting
from grid.simulation.accuracy.rivals import Adaptive, FixedQuorum
from grid.validator.modes import PROMISES

WORK_UNITS = 100_000
#: A sweep only looks for the rate that hurts most.
SWEEP_WORK_UNITS = 20_000
SHARES = (0.01, 0.05, 0.10, 0.20, 0.35)
#: Shares measured with all seeds; the others get SEEDS_FEW.
SHARES_IN_FULL = (0.20, 0.35)
SEEDS, SEEDS_FEW = 20, 3
#: Trusted runs a work unit that a budget allows: a floor, a share, and rechecks beside them.
PROMISE = PROMISES[Mode.STANDARD]
TRUSTED_MAX = PROMISE.trusted_share + FLOOR_TRUSTED / WORK_UNITS + PROMISE.recheck
#: How often saboteurs lie; the first is about one lie an identity.
RATES = {
    Crowd.RESIDENTS: (0.002, 0.01, 0.05, 0.25, 1.0),
    Crowd.VISITORS: (0.06, 0.01, 0.25, 1.0),
}


class Scheme(StrEnum):
    """A way of verifying."""

    STANDARD = "standard"
    ECONOMY = "economy"
    STRICT = "strict"
    QUORUM_2 = "quorum 2"
    QUORUM_3 = "quorum 3"
    ADAPTIVE = "adaptive"


#: Ways of verifying that ours are measured against.
RIVALS = (Scheme.QUORUM_2, Scheme.QUORUM_3, Scheme.ADAPTIVE)


class Special(StrEnum):
    """What else may be wrong with a crowd."""

    NOTHING = ""
    #: Whoever is banned comes back at once as somebody new.
    COMES_BACK = "comes back"
    #: One engine, that of every fifth host, gets `rate` of all work units wrong.
    ENGINE_BUG = "engine bug"
    #: One address has a thousand hosts behind it, one of them a saboteur.
    CAMPUS = "campus"


class Cell(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the table: a scheme against a crowd."""

    scheme: Scheme
    crowd: Crowd
    behaviour: Behaviour
    share: float
    special: Special = Special.NOTHING

    @property
    def seeds(self) -> int:
        """How many seeds it deserves."""
        return SEEDS if self.share in SHARES_IN_FULL else SEEDS_FEW


class Job(Struct, frozen=True, kw_only=True):
    """One measurement: a cell at one rate with one seed."""

    cell: Cell
    rate: float
    seed: int
    work_units: int

    def measure(self) -> Measured:
        """Play it."""
        cell = self.cell
        bug = cell.special is Special.ENGINE_BUG
        setting = Setting(
            crowd=cell.crowd,
            share=cell.share,
            behaviour=cell.behaviour,
            rate=0.0 if bug else self.rate,
            bug_rate=self.rate if bug else 0.0,
            comes_back=cell.special is Special.COMES_BACK,
            campus=cell.special is Special.CAMPUS,
        )
        return floor(cell.scheme, setting, self.work_units, self.seed).measure()


def floor(scheme: Scheme, setting: Setting, work_units: int, seed: int) -> Floor:
    """A crowd at work under a scheme."""
    if scheme is Scheme.ADAPTIVE:
        return Adaptive(setting, work_units, seed)
    if scheme in (Scheme.QUORUM_2, Scheme.QUORUM_3):
        return FixedQuorum(setting, work_units, seed, 2 if scheme is Scheme.QUORUM_2 else 3)
    return Ours(setting, work_units, seed, Mode(str(scheme)))


def cells() -> list[Cell]:
    """The whole table, what is promised first."""
    found = [
        Cell(scheme=scheme, crowd=crowd, behaviour=behaviour, share=share)
        for share in reversed(SHARES)
        for scheme in Scheme
        for crowd in Crowd
        for behaviour in Behaviour
    ]
    return [*sorted(found, key=lambda cell: cell.share not in SHARES_IN_FULL), *specials()]


def specials() -> Iterator[Cell]:
    """Crowds with another fault, in standard mode."""
    for crowd in Crowd:
        for behaviour in (Behaviour.INDEPENDENT, Behaviour.COLLUDING):
            for special, share in ((Special.COMES_BACK, 0.35), (Special.CAMPUS, 0.0)):
                yield Cell(
                    scheme=Scheme.STANDARD,
                    crowd=crowd,
                    behaviour=behaviour,
                    share=share,
                    special=special,
                )
        yield Cell(
            scheme=Scheme.STANDARD,
            crowd=crowd,
            behaviour=Behaviour.COLLUDING,
            share=0.0,
            special=Special.ENGINE_BUG,
        )


def sweep(cell: Cell) -> Iterator[Job]:
    """The measurements that find a cell's worst rate."""
    for rate in RATES[cell.crowd]:
        yield Job(cell=cell, rate=rate, seed=0, work_units=SWEEP_WORK_UNITS)


class Target(Struct, frozen=True):
    """What a cell is held to; None for no limit."""

    error_upper: float | None = None
    #: The rate itself, where the bound is finer than all seeds together could show.
    error: float | None = None
    copies: float | None = None
    trusted: float | None = None
    trusted_share: float | None = None
    #: Hosts banned that neither lie nor err.
    honest_banned: int = 0

    def misses(self, measured: Measured) -> list[str]:
        """What is missed."""
        units = measured.work_units
        found = {
            "error": (measured.error_upper, self.error_upper),
            "error rate": (measured.error, self.error),
            "copies": (measured.copies / units, self.copies),
            "trusted runs": (measured.trusted / units, self.trusted),
            "server's share": (measured.trusted / measured.copies, self.trusted_share),
            "honest banned": (measured.honest_banned, self.honest_banned),
        }
        return [name for name, (was, limit) in found.items() if limit is not None and was > limit]


def target(cell: Cell) -> Target | None:
    """What was aimed at for this cell; None for rivals. Readers have a `model` besides."""
    if cell.scheme in RIVALS:
        return None
    if cell.special is not Special.NOTHING:
        return Target(3e-5, trusted=TRUSTED_MAX)
    standard = cell.scheme is Scheme.STANDARD
    omniscient = standard and cell.behaviour is Behaviour.OMNISCIENT
    limits = {Scheme.STANDARD: 8e-4 if omniscient else 3e-5, Scheme.ECONOMY: 4e-4}
    limit = limits.get(cell.scheme)
    rate = 1e-6 if cell.scheme is Scheme.STRICT else None
    if cell.crowd is Crowd.VISITORS:
        return Target(limit, rate, copies=3.5, trusted_share=0.05)
    if omniscient:
        return Target(limit)
    copies = {Scheme.STANDARD: 2.6, Scheme.ECONOMY: 1.7}
    return Target(limit, rate, copies=copies.get(cell.scheme), trusted=0.02 if standard else None)


def model(cell: Cell) -> Cell | None:
    """The colluders than whom these readers shall do no better."""
    if cell.scheme in RIVALS or cell.behaviour is not Behaviour.READING:
        return None
    return msgspec.structs.replace(cell, behaviour=Behaviour.COLLUDING)
