"""This file is where the facts stand by which results are shared out, and the reasons why not."""

from __future__ import annotations

from collections.abc import Set
from enum import StrEnum

from msgspec import Struct

from grid.items import Host, Needs
from grid.states import Purpose
from grid.transition import Transition

#: Leases one host may hold at once: what a page with many Web Workers can use, and no more than
#: one stranger may keep from others.
LEASES_PER_HOST_MAX = 64
#: Leases of all hosts behind one network or account: what 64 such hosts may hold.
LEASES_PER_PRINCIPAL_MAX = 4096
#: Copies of one work unit that a principal may leave, by silence or by giving them back, before
#: it gets no more of them: a reload or a lost connection is forgiven, a habit is not.
LEFT_COPIES_MAX = 5


class WhyNoWork(StrEnum):
    """Why a host got less than it asked for; the more telling ones last."""

    #: Nothing waits to be sent.
    NO_WORK = "no_work"
    #: It is reserved for a job that has nothing to send now.
    RESERVED = "reserved"
    #: All that waits is for hosts with a trusted-host token.
    TRUSTED_ONLY = "trusted_only"
    #: All that waits needs more threads, memory or features than it has.
    NOT_CAPABLE = "not_capable"
    #: All that waits is of owners, topics, job types or jobs that it does not want.
    NOT_WISHED = "not_wished"
    #: All that waits may take longer than it stays.
    LEAVING_SOON = "leaving_soon"
    #: All that waits needs somebody else's answer.
    NEEDS_OTHERS = "needs_others"
    #: It, or its principal, holds as many leases as it may.
    TOO_MANY_LEASES = "too_many_leases"
    #: Too many of its results, or its principal's, were wrong or never came.
    OVER_QUOTA = "over_quota"
    #: Its volunteer is banned.
    BANNED = "banned"


class Wish(Struct, frozen=True, kw_only=True):
    """What a volunteer chooses; what is empty chooses nothing."""

    #: Internal ids of requesters' accounts, the dearest first. None for any; empty for none there.
    owners: tuple[int, ...] | None = None
    refuse_owners: frozenset[int] = frozenset()
    topics: frozenset[str] = frozenset()
    refuse_topics: frozenset[str] = frozenset()
    job_types: frozenset[str] = frozenset()
    #: Subscribed to these jobs alone, while any of them is open.
    jobs: frozenset[int] = frozenset()
    #: Results it can hold at once; None for as many as anybody may.
    slots: int | None = None
    #: When it leaves; None for not foreseen.
    until: int | None = None
    #: The selector to order work by; "" for the server's.
    selector: str = ""

    @property
    def choosy(self) -> bool:
        """Whether it may refuse work."""
        return bool(
            self.owners is not None
            or self.refuse_owners
            or self.topics
            or self.refuse_topics
            or self.job_types
            or self.jobs
            or self.until is not None
        )


class Offer(Struct, frozen=True, kw_only=True):
    """A job, as far as sharing out its work is concerned."""

    job_id: int
    account_id: int | None
    job_type: str
    priority: int
    #: What it was when its results were made: theirs is measured against it.
    asked_priority: int = 0
    topics: frozenset[str] = frozenset()
    needs: Needs = Needs()
    #: Goes to trusted hosts only.
    trusted_only: bool = False
    #: And of those only to hosts of the job's own account.
    owner_only: bool = False
    delay_bound_s: int
    min_engines: int = 1
    #: Milliseconds of a work unit at the usual speed; 0 when nobody knows.
    unit_ms: int = 0
    #: Engines that are suspected of computing its program wrongly.
    quarantined: frozenset[str] = frozenset()
    #: Whether these are its last work units, and swift hosts should have them.
    tail: bool = False


class Candidate(Struct, frozen=True, kw_only=True):
    """A result that waits for a host."""

    result_id: int
    workunit_id: int
    offer: Offer
    purpose: Purpose = Purpose.COPY
    #: Beyond its job's: what is asked anew goes first.
    raised: int = 0
    #: The only engine it is for; None for any.
    engine: str | None = None
    #: Principals that hold or answered a copy of its work unit, or have left too many.
    held_by: frozenset[int] = frozenset()
    #: Kinds of engine behind its work unit: of copies out or answered.
    kinds: frozenset[str] = frozenset()
    #: Whether a newcomer holds or answered a copy of its work unit.
    newcomer: bool = False


class Ask(Struct, frozen=True, kw_only=True):
    """A host that wants work, by the server's own count of what it has."""

    host: Host
    want: int
    wish: Wish = Wish()
    #: Leases that it holds, and that its whole principal holds.
    leases: int = 0
    group_leases: int = 0
    #: Results that its bucket and its principal's still allow.
    allowed: int = LEASES_PER_HOST_MAX
    group_allowed: int = LEASES_PER_PRINCIPAL_MAX
    #: Half checks that its volunteer has survived.
    checks2: int = 0
    banned: bool = False
    #: The open job that it is reserved for.
    reserved_job_id: int | None = None
    #: Thousandths of the fleet's median speed.
    speed_milli: int = 1000


class Fleet(Struct, frozen=True, kw_only=True):
    """Who else is here: principals seen lately."""

    #: With proven volunteers.
    proven: Set[int] = frozenset()
    #: Of those, the ones no slower than the median.
    swift: Set[int] = frozenset()


class Given(Struct, frozen=True, kw_only=True):
    """What one host gets."""

    transitions: tuple[Transition, ...]
    why_no_work: WhyNoWork | None = None


def kind_of(engine: str) -> str:
    """An engine's name without its version."""
    return engine.partition("/")[0]
