"""This file is where hosts come from, and who they are."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import msgspec

from grid.items import Mode
from grid.simulation.answers import Traits
from grid.simulation.draws import Draws, lognormal
from grid.simulation.member import Member, Surroundings
from grid.simulation.scenario import Crowd, Scenario

#: Residents arrive within this time.
ARRIVAL_S = 120
#: Work units of a visit: half the visitors do fewer than this, some do hundreds.
VISIT_MEDIAN, VISIT_SIGMA = 10.0, 1.0
#: Visitors who come again, and after how long on average.
RETURNING_SHARE, RETURN_MEAN_S = 0.3, 900
#: How soon a visitor that left is followed by a new one, on average.
FOLLOW_MEAN_S = 6
#: Visits that end in the middle of computing, on average so long after they began.
BREAK_SHARE, BREAK_MEAN_S = 0.3, 60
#: Accounts that hosts may belong to.
ACCOUNTS = 3
#: How soon whoever was banned is back as somebody new, on average.
COME_BACK_MEAN_S = 30
#: The address that crowds share: one /24, one principal.
SHARED_ADDRESS = "44.0.0.7"

#: Lets a member take part; it begins its visit of so many copies once it is enrolled.
Enrol = Callable[[Member, int | None], None]


class Town:
    """Sends members and takes them back."""

    def __init__(self, scenario: Scenario, draws: Draws, around: Surroundings, enrol: Enrol):
        self._scenario, self._draws = scenario, draws
        self._around, self._enrol = around, enrol
        self._stream = draws.stream("town")
        self.members: list[Member] = []

    def open(self) -> None:
        """Send as many as the scenario wants, one by one."""
        for _ in range(self._scenario.hosts):
            self._around.later(self._stream.randint(0, ARRIVAL_S), self._arrive)

    def rescue(self, count: int) -> None:
        """Send quick, honest hosts that stay and share nothing with anybody."""
        for _ in range(count):
            self._enrol(self._new(reliable=True), None)

    def gone(self, member: Member) -> None:
        """A visitor has left: it will be back, or another takes its place."""
        stream = self._stream
        if stream.random() < RETURNING_SHARE:
            pause = 1 + round(stream.expovariate(1 / RETURN_MEAN_S))
            self._around.later(pause, lambda: self._visit(member, member.begin))
        else:
            self._around.later(1 + round(stream.expovariate(1 / FOLLOW_MEAN_S)), self._arrive)

    def banned(self, member: Member) -> bool:
        """Somebody was caught: whether it goes, to come back as somebody else."""
        stream = self._draws.stream("banned", member.traits.identity)
        if stream.random() >= self._scenario.coming_back:
            return False
        pause = 1 + round(stream.expovariate(1 / COME_BACK_MEAN_S))
        self._around.later(pause, lambda: self._arrive(member.traits))
        return True

    def _arrive(self, like: Traits | None = None) -> None:
        member = self._new(like=like)
        self._visit(member, lambda stay: self._enrol(member, stay))

    def _visit(self, member: Member, begin: Callable[[int | None], None]) -> None:
        if self._scenario.crowd is Crowd.RESIDENTS:
            begin(None)
            return
        begin(1 + round(lognormal(self._stream, VISIT_MEDIAN, VISIT_SIGMA)))
        if self._stream.random() < BREAK_SHARE:
            seconds = 1 + round(self._stream.expovariate(1 / BREAK_MEAN_S))
            self._around.later(seconds, member.break_off)

    def _new(self, reliable: bool = False, like: Traits | None = None) -> Member:
        """A member of its own kind, or of one that was here before."""
        identity = len(self.members) + 1
        stream = self._draws.stream("member", identity)
        traits = Traits(identity=identity) if reliable else self._traits(identity, stream)
        if like is not None:
            traits = msgspec.structs.replace(like, identity=identity)
        crowded = not reliable and stream.random() < self._scenario.crowded
        address = SHARED_ADDRESS if crowded else _address(identity)
        account = None if reliable or like is not None else self._account(identity)
        member = Member(traits, address, stream, self._around, reliable, account)
        self.members.append(member)
        return member

    def _account(self, identity: int) -> int | None:
        """Which account a host belongs to; whoever comes back has none."""
        stream = self._draws.stream("account", identity)
        belongs = stream.random() < self._scenario.accounts
        return stream.randrange(ACCOUNTS) if belongs else None

    def _traits(self, identity: int, stream: Random) -> Traits:
        scenario = self._scenario
        saboteur, flaky, engine, slow = (stream.random() for _ in range(4))
        return Traits(
            identity=identity,
            saboteur=saboteur < scenario.share and scenario.mode is not Mode.TRUSTED,
            flaky=flaky < scenario.flaky,
            bad_engine=engine < scenario.bad_engine,
            slow=slow < scenario.slow,
        )


def _address(identity: int) -> str:
    """An address in a /24 of its own."""
    high, low = divmod(identity, 62_500)
    return f"{20 + high}.{low // 250}.{low % 250}.7"
