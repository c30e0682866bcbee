"""This file is where it stands what may be chosen about a simulated grid."""

from __future__ import annotations

import shlex
from enum import StrEnum

from msgspec import Struct

from grid.items import Mode, Policy


class Crowd(StrEnum):
    """Who the hosts are."""

    #: They stay: hundreds of work units an identity.
    RESIDENTS = "residents"
    #: They open a page for some ten work units, and most never come again.
    VISITORS = "visitors"


class Behaviour(StrEnum):
    """How saboteurs choose what to lie about."""

    #: Each its own wrong answer, at its own times.
    INDEPENDENT = "independent"
    #: All the same wrong answer to the same work units, blindly.
    COLLUDING = "colluding"
    #: The same wrong answer, only where every other known holder is a fellow.
    OMNISCIENT = "omniscient"
    #: Honest until they are trusted, colluding afterwards.
    SLEEPING = "sleeping"
    #: Colluding, but never about a work unit that the public may know to be decided.
    READING = "reading"


class Moment(StrEnum):
    """On which side of a commit the server dies."""

    #: Nothing of it is there afterwards.
    BEFORE = "before"
    #: All of it is there, and nobody was answered.
    AFTER = "after"


class Scenario(Struct, frozen=True, kw_only=True):
    """One simulated grid. Shares and probabilities are 0 … 1; 0 means never.

    The same scenario always comes to the same end, to the byte.
    """

    seed: int
    work_units: int = 200
    #: Jobs that share the work units, as evenly as can be.
    jobs: int = 1
    mode: Mode = Mode.FIXED
    #: Only in fixed mode.
    min_quorum: int = 2
    delay_bound_s: int = 120
    #: Hosts that are there at a time, about.
    hosts: int = 40
    crowd: Crowd = Crowd.RESIDENTS
    #: Share of hosts that sit behind one and the same address.
    crowded: float = 0.0
    #: Share of hosts that belong to one of a few accounts, the requester's own among them.
    accounts: float = 0.0
    #: Share of banned hosts that are back soon as somebody new, who does the same.
    coming_back: float = 0.0
    behaviour: Behaviour = Behaviour.COLLUDING
    #: Share of saboteurs among hosts; an organisation's own machines are none.
    share: float = 0.0
    #: Share of work units that a saboteur lies about where it may.
    lying: float = 0.3
    #: Share of honest hosts whose hardware gives a wrong answer now and then.
    flaky: float = 0.0
    #: Share of hosts whose engine computes some work units wrongly, all in the same way.
    bad_engine: float = 0.0
    #: Share of work units that the server's own trusted process gets wrong.
    bad_reference: float = 0.0
    #: Share of copies whose program fails, whose output is no output, that are given back, that
    #: are never heard of again.
    errors: float = 0.01
    garbage: float = 0.002
    given_back: float = 0.01
    forgotten: float = 0.01
    #: Share of hosts so slow that they miss deadlines.
    slow: float = 0.05
    #: Share of messages that meet a fault: lost, unanswered, doubled, late.
    network: float = 0.0
    #: Share of commits at which the server dies, half of them before, half after.
    crashes: float = 0.0
    #: Further commits at which it dies, counted from 1 over the whole play.
    crashes_at: tuple[tuple[int, Moment], ...] = ()
    #: Invariants are checked after so many steps, and the sums of credit and of comparisons at each
    #: twentieth time; all of them at every crash and at the end.
    check_every: int = 1

    def policy(self) -> Policy:
        """What its jobs ask for."""
        quorum = self.min_quorum if self.mode is Mode.FIXED else 1
        return Policy(
            mode=self.mode,
            min_quorum=quorum,
            target_nresults=quorum,
            delay_bound_s=self.delay_bound_s,
        )

    def command(self) -> str:
        """The command that plays it again."""
        words = ["grid", "simulate"]
        defaults = Scenario(seed=self.seed)
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name == "seed" or value != getattr(defaults, name):
                words += [f"--{name.replace('_', '-')}", spelled(value)]
        return shlex.join(words)


def spelled(value: object) -> str:
    """A choice as a command line spells it."""
    if isinstance(value, tuple):
        return ",".join(f"{commit}:{moment}" for commit, moment in value)
    return str(value)


def crashes_from(text: str) -> tuple[tuple[int, Moment], ...]:
    """`17:before,30:after` → when the server dies; raises ValueError."""
    pairs = (part.split(":") for part in text.split(",") if part)
    return tuple((int(commit), Moment(moment)) for commit, moment in pairs)
