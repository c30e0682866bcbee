"""This file is where copies go out and answers come in, in virtual time."""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections import deque
from random import Random

from grid.simulation.accuracy.measured import Measured
from grid.simulation.accuracy.people import (
    RETURNING_SHARE,
    Crowd,
    Said,
    Setting,
    Trait,
    Unit,
    Volunteer,
    answerer,
    campus,
    newcomer,
    visit_units,
)

#: Volunteers here at the same time.
VOLUNTEERS = 200
#: Waiting copies that dispatch looks at for one volunteer.
LOOKED_AT_MAX = 12
#: A volunteer that got nothing asks again after so many work units' time.
RETRY_AFTER = 2
#: Times between copies, in work units' time: the random delay before the next copy at most.
DELAY_MAX = 3.0


class Floor(ABC):
    """A crowd at work; subclasses decide what answers amount to."""

    def __init__(self, setting: Setting, work_units: int, seed: int) -> None:
        self.setting, self.work_units = setting, work_units
        self.chance = Random(f"{seed} {setting}")  # noqa: S311 - foreseeable is what it must be
        self.people: list[Volunteer] = []
        self.units: list[Unit] = []
        self.decided = self.copies = 0
        self.now = 0.0
        #: Copies for a verdict, with the time before which they do not go out.
        self.again: deque[tuple[Unit, float]] = deque()
        self._answer = answerer(setting, self.chance, lambda: self.decided / work_units)
        #: When, who, what it computes, and whether for a verdict.
        self._heap: list[tuple[float, int, Unit | None, bool]] = []
        self._gone: list[Volunteer] = []
        for who in campus(setting, self.chance) if setting.campus else ():
            self.people.append(who)
            self._enter(who)
        for _ in range(VOLUNTEERS):
            self._arrive()

    def measure(self) -> Measured:
        """Let the crowd work until every work unit is decided."""
        heap = self._heap
        events = 0
        while heap:
            self.now, number, unit, copy = heapq.heappop(heap)
            who = self.people[number]
            if unit is not None:
                unit.alive -= copy
                said = Said(who, self._answer(who, unit))
                unit.said.append(said)
                self.answered(unit, said)
            events += 1
            if events % 20 == 0:
                self.tick([self.people[one[1]] for one in heap])
            if who.banned:
                if self.setting.comes_back:
                    self._come_back(who)
                elif self.setting.crowd is Crowd.VISITORS:
                    self._arrive()
                continue
            if who.units_left <= 0:
                self._gone.append(who)
                self._arrive()
                continue
            extra = self.secret(who)
            given = extra or self._waiting(who) or self._fresh()
            if given is None:
                if self.decided == len(self.units) == self.work_units:
                    break
                who.units_left -= RETRY_AFTER  # a visit is a time, busy or not
                heapq.heappush(heap, (self.now + RETRY_AFTER, number, None, False))
                continue
            given.holders.append(who)
            given.asked.add(who.principal)
            who.units_left -= 1
            self.copies += 1
            done = self.now + 0.5 + self.chance.random()
            heapq.heappush(heap, (done, number, given, extra is None))
        return self._measured()

    @abstractmethod
    def first(self) -> int:
        """How many copies of a new work unit go out at first."""

    @abstractmethod
    def answered(self, unit: Unit, said: Said) -> None:
        """An answer has come in; `said` is in `unit.said`."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """What else was measured."""

    def chosen_for_second(self) -> bool:
        """Whether a new work unit gets a second copy in any case."""
        return False

    def secret(self, _who: Volunteer) -> Unit | None:
        """A copy for another end than a verdict."""
        return None

    def may_have(self, _who: Volunteer, _unit: Unit) -> bool:
        """Whether dispatch lets a volunteer have a copy of a work unit it has not had."""
        return True

    def tick(self, _online: list[Volunteer]) -> None:
        """Some time has passed."""
        return

    def ask_again(self, unit: Unit) -> None:
        """Another copy of a work unit will go out, after a random delay."""
        unit.alive += 1
        self.again.append((unit, self.now + self.chance.random() * DELAY_MAX))

    def _waiting(self, who: Volunteer) -> Unit | None:
        queue = self.again
        for _ in range(min(len(queue), LOOKED_AT_MAX)):
            unit, ready = queue.popleft()
            if unit.answer is not None:
                unit.alive -= 1
                continue
            held = who.principal in unit.asked
            if held or ready > self.now or not self.may_have(who, unit):
                queue.append((unit, ready))
                continue
            return unit
        return None

    def _fresh(self) -> Unit | None:
        if len(self.units) == self.work_units:
            return None
        unit = Unit(len(self.units), self.chance.random(), self.chosen_for_second())
        self.units.append(unit)
        for _ in range(self.first() - 1):
            self.ask_again(unit)
        return unit

    def _arrive(self) -> None:
        visitors = self.setting.crowd is Crowd.VISITORS
        if visitors and self._gone and self.chance.random() < RETURNING_SHARE:
            place = self.chance.randrange(len(self._gone))
            self._gone[place], self._gone[-1] = self._gone[-1], self._gone[place]
            who = self._gone.pop()
        else:
            who = newcomer(len(self.people), self.setting, self.chance)
            self.people.append(who)
        self._enter(who)

    def _come_back(self, banned: Volunteer) -> None:
        who = newcomer(len(self.people), self.setting, self.chance)
        who.trait = banned.trait
        self.people.append(who)
        self._enter(who)

    def _enter(self, who: Volunteer) -> None:
        if self.setting.crowd is Crowd.VISITORS:
            who.units_left = visit_units(self.chance)
        heapq.heappush(self._heap, (self.now + self.chance.random(), who.number, None, False))

    def _measured(self) -> Measured:
        traits = [(one.trait, one.banned) for one in self.people]
        return Measured(
            work_units=self.work_units,
            wrong=sum(unit.answer != 0 for unit in self.units),
            copies=self.copies,
            saboteurs=sum(trait is Trait.SABOTEUR for trait, _ in traits),
            saboteurs_banned=traits.count((Trait.SABOTEUR, True)),
            flaky_banned=traits.count((Trait.FLAKY, True)),
            honest_banned=traits.count((Trait.HONEST, True)),
            identities=len(self.people),
            **self.counts(),
        )
