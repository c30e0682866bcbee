"""This file is where one simulated host lives: it asks, computes, reports, fails, leaves."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from grid.dispatch import WhyNoWork
from grid.simulation.answers import Place, Traits, text_of
from grid.simulation.draws import lognormal
from grid.simulation.letters import Copy, Letter, Reply, Said
from grid.simulation.scenario import Scenario
from grid.states import Outcome

#: Seconds of computing for a work unit: the design size of 2–20 s.
COMPUTE_MEDIAN_S, COMPUTE_SIGMA = 6.0, 0.5
#: How much slower a slow host is: past its deadline as often as not.
SLOW_TIMES = 25
#: Copies held at a time.
WANT_MAX = 4
#: Waits between two questions in vain: the first, and the longest.
IDLE_S, IDLE_MAX_S = 4, 128
#: Vain questions after which a visitor leaves.
BOREDOM = 8
#: Of those who leave with copies in hand, so many give them back; the others just go.
POLITE_SHARE = 0.5
#: Hosts that renew leases on what takes long; the others come in late.
DILIGENT_SHARE = 0.7
#: Hosts that say what they hold, so that they are told again of what was lost on the way.
TELLING_SHARE = 0.7
#: Renewals within one delay bound.
RENEWALS_PER_BOUND = 3
#: A host that has several answers ready sends each in a letter of its own, this often.
APART_SHARE = 0.2
#: Output that no program gives: a fraction, and not the one spelling of anything.
GARBAGE = '{"answer": 0.5}'


class Surroundings(Protocol):
    """What a host can do."""

    scenario: Scenario

    def later(self, seconds: int, what: Callable[[], None]) -> None:
        """Do something so many seconds from now."""

    def send(self, letter: Letter, answered: Callable[[Reply], None]) -> None:
        """Say something to the server until it answers."""

    def answer(self, member: Member, place: Place) -> int:
        """Compute, or make something up."""

    def gone(self, member: Member) -> None:
        """Say nothing more for now."""

    def banned(self, member: Member) -> bool:
        """Learn that one is; whether it leaves for good."""


class Member:
    """One host with what it holds; comes and goes in visits."""

    def __init__(
        self,
        traits: Traits,
        address: str,
        stream: Random,
        around: Surroundings,
        reliable: bool = False,
        account: int | None = None,
    ) -> None:
        #: Which of the accounts it belongs to.
        self.account = account
        self.traits, self.address, self.stream = traits, address, stream
        self._around, self._reliable = around, reliable
        self.host_id = 0
        #: Answers that the server has accepted.
        self.accepted = 0
        slower = SLOW_TIMES if traits.slow else 1
        self._median_s = slower * lognormal(stream, COMPUTE_MEDIAN_S, COMPUTE_SIGMA)
        self._want = 1 if traits.slow else stream.randint(1, WANT_MAX)
        self._tells = stream.random() < TELLING_SHARE
        self._diligent = stream.random() < DILIGENT_SHARE
        #: What it holds, by result: whatever it has not spoken of yet.
        self._held: dict[str, Copy] = {}
        self._ready: list[Said] = []
        #: Results that it has spoken of, until it is heard.
        self._unheard: set[str] = set()
        #: Copies it will still compute in this visit; None for no end.
        self._stay: int | None = None
        self._vain = 0
        self._visit, self._present = 0, False
        self._banned = False

    def begin(self, stay: int | None) -> None:
        """Come for `stay` copies; forget whatever was held before."""
        self._visit += 1
        self._present = True
        self._stay, self._vain = stay, 0
        self._held.clear()
        self._ready.clear()
        self._ask()

    def _ask(self) -> None:
        want = self._want if self._stay is None else min(self._want, self._stay)
        if not want and not self._ready:
            self._leave()
            return
        said, self._ready = tuple(self._ready), []
        letters = [said]
        if len(said) > 1 and self.stream.random() < APART_SHARE:
            letters = [(one,) for one in said]
        for some in letters[:-1]:
            self._send(Letter(host_id=self.host_id, said=some))
        self._unheard.update(one.result_id for one in said)
        holding = tuple(sorted({*self._held, *self._unheard})) if self._tells else None
        last = Letter(host_id=self.host_id, said=letters[-1], want=want, holding=holding)
        visit = self._visit
        self._send(last, lambda reply: self._heard(reply, visit))

    def _send(self, letter: Letter, then: Callable[[Reply], None] | None = None) -> None:
        def heard(reply: Reply) -> None:
            self.accepted += sum(accepted for accepted, _ in reply.judged)
            self._unheard.difference_update(one.result_id for one in letter.said)
            if then is not None:
                then(reply)

        self._around.send(letter, heard)

    def _heard(self, reply: Reply, visit: int) -> None:
        if visit != self._visit:
            return
        if reply.why_no_work == WhyNoWork.BANNED and not self._banned:
            self._banned = True
            if self._around.banned(self):
                self._forget()
                return
        if self._stay == 0:
            self._leave()
            return
        if not reply.copies:
            self._wait()
            return
        self._vain = 0
        at = 0
        for copy in reply.copies:
            self._held[copy.result_id] = copy
            at += self._seconds()
            self._plan(at, copy)
        if at * RENEWALS_PER_BOUND > self._around.scenario.delay_bound_s and self._diligent:
            self._around.later(self._heartbeat_s(), lambda: self._renew(visit))

    def _wait(self) -> None:
        self._vain += 1
        if self._stay is not None and self._vain > BOREDOM:
            self._leave()
            return
        pause = min(IDLE_MAX_S, IDLE_S << min(self._vain - 1, 8))
        visit = self._visit
        self._around.later(
            pause + self.stream.randint(0, IDLE_S),
            lambda: self._ask() if visit == self._visit else None,
        )

    def _seconds(self) -> int:
        return max(1, round(lognormal(self.stream, self._median_s, 0.2)))

    def _heartbeat_s(self) -> int:
        return max(1, self._around.scenario.delay_bound_s // RENEWALS_PER_BOUND)

    def _plan(self, seconds: int, copy: Copy) -> None:
        visit = self._visit
        self._around.later(seconds, lambda: self._finish(copy) if visit == self._visit else None)

    def _finish(self, copy: Copy) -> None:
        held = self._held.pop(copy.result_id)
        if self._stay is not None:
            self._stay -= 1
        said = self._say(held)
        if said is not None:
            self._ready.append(said)
        if not self._held:
            self._ask()

    def _say(self, copy: Copy) -> Said | None:
        """What comes of a copy; None when nobody will ever know."""
        fate = Outcome.SUCCESS if self._reliable else self._fate()
        if fate is Outcome.NO_REPLY:
            return None
        if fate is Outcome.SUCCESS:
            return self._said(copy, fate, text_of(self._around.answer(self, copy.place)))
        if fate is Outcome.VALIDATE_ERROR:  # the host thinks that it has done well
            return self._said(copy, Outcome.SUCCESS, GARBAGE)
        return self._said(copy, fate)

    def _fate(self) -> Outcome:
        """How a copy ends, as far as it is up to the host."""
        scenario, drawn = self._around.scenario, self.stream.random()
        for share, outcome in (
            (scenario.forgotten, Outcome.NO_REPLY),
            (scenario.given_back, Outcome.ABANDONED),
            (scenario.errors, Outcome.CLIENT_ERROR),
            (scenario.garbage, Outcome.VALIDATE_ERROR),
        ):
            if drawn < share:
                return outcome
            drawn -= share
        return Outcome.SUCCESS

    def _said(self, copy: Copy, outcome: Outcome, text: str | None = None) -> Said:
        return Said(result_id=copy.result_id, lease=copy.lease, outcome=outcome, text=text)

    def _renew(self, visit: int) -> None:
        if visit != self._visit or not self._held:
            return
        held = tuple(self._held.values())
        renew = tuple((copy.result_id, copy.lease) for copy in held)
        letter = Letter(host_id=self.host_id, renew=renew)
        self._send(letter)
        self._around.later(self._heartbeat_s(), lambda: self._renew(visit))

    def _leave(self) -> None:
        """Go: what is held is given back, or just kept."""
        if self._held and self.stream.random() < POLITE_SHARE:
            back = tuple(self._said(copy, Outcome.ABANDONED) for copy in self._held.values())
            self._send(Letter(host_id=self.host_id, said=back))
        self._forget()
        self._around.gone(self)

    def _forget(self) -> None:
        self._held.clear()
        self._visit += 1
        self._present = False

    def break_off(self) -> None:
        """Close the page in the middle of it, if it is open."""
        if self._present:
            self._leave()
