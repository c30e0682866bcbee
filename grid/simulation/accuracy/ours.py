"""This file is where a crowd is judged by this project's rules.

The rules' own functions weigh, choose the next step and pass sentence; what `settle` does with rows
is done here with objects, one answer at a time.
"""

from __future__ import annotations

from collections import deque

from grid.items import Mode
from grid.simulation.accuracy.floor import Floor
from grid.simulation.accuracy.people import Said, Setting, Unit, Volunteer
from grid.trust import NEWCOMER_CHECKS2
from grid.validator.checks import (
    AGREEMENT2,
    CONFIRMATION2,
    PROBES_MAX,
    colluded,
    is_habit,
)
from grid.validator.credibility import Vote, Weighed, accepted, weigh
from grid.validator.extras import DECOY_SHARE, PROBATION_COPIES, TRAPS
from grid.validator.modes import PROMISES
from grid.validator.snapshot import Budget
from grid.validator.step import Moment, Step, next_step

#: How long a work unit waits for those behind it to become better known, in work units' time.
WAIT = 3.0
#: Within what time a dispute's traps go out.
TRAP_SPREAD = 20.0
#: Extra copies that dispatch looks at for one volunteer.
EXTRAS_LOOKED_AT_MAX = 6
#: Trusted runs that any job may have, however small.
FLOOR_TRUSTED = 200
#: A change of standing worth another look at waiting work: one part in ten.
WORTH_A_LOOK = 0.1


class Ours(Floor):
    """Economy, standard or strict mode."""

    def __init__(self, setting: Setting, work_units: int, seed: int, mode: Mode) -> None:
        super().__init__(setting, work_units, seed)
        self._promise = PROMISES[mode]
        self._typical2 = 0
        self._trusted = self._disputes = self._retracted = self._traps = 0
        self._due: deque[Unit] = deque()
        self._moved: dict[int, Volunteer] = {}
        #: Engine → the work unit it is suspected for.
        self._quarantined: dict[str, Unit] = {}
        #: Engine → tries since then; those that had all of them.
        self._probes: dict[str, int] = {}
        self._convicted: set[str] = set()
        #: Extra copies of decided work: for anybody, and for newcomers.
        self._secret: deque[tuple[Unit, float]] = deque()
        self._known: deque[tuple[Unit, float]] = deque()

    def first(self) -> int:
        return 1

    def counts(self) -> dict[str, int]:
        below = [unit for unit in self.units if unit.below]
        return {
            "trusted": self._trusted,
            "disputes": self._disputes,
            "below": len(below),
            "below_wrong": sum(unit.answer != 0 for unit in below),
            "retracted": self._retracted,
        }

    def chosen_for_second(self) -> bool:
        return self.chance.random() < self._promise.hidden_second

    def may_have(self, who: Volunteer, unit: Unit) -> bool:
        if who.engine in self._quarantined:
            return False
        if who.checks2 >= NEWCOMER_CHECKS2 or self._typical2 < NEWCOMER_CHECKS2:
            return True
        return all(one.checks2 >= NEWCOMER_CHECKS2 for one in unit.holders)

    def secret(self, who: Volunteer) -> Unit | None:
        probe = self._quarantined.get(who.engine)
        if (
            probe is not None
            and self._probes[who.engine] < PROBES_MAX
            and who.principal not in probe.asked
        ):
            self._probes[who.engine] += 1
            return probe
        queues = [self._secret]
        if who.checks2 < NEWCOMER_CHECKS2 and who.engine not in self._quarantined:
            queues.insert(0, self._known)
        for queue in queues:
            for _ in range(min(len(queue), EXTRAS_LOOKED_AT_MAX)):
                unit, ready = queue.popleft()
                if unit.answer is None:
                    continue
                held = who.principal in unit.asked
                if not held and ready <= self.now:
                    return unit
                queue.append((unit, ready))
        return None

    def answered(self, unit: Unit, said: Said) -> None:
        if unit.answer is not None:
            self._conclude(unit)
            if not unit.trusted and said.valid is False and not self._accepted(unit):
                self._compute(unit, dispute=True)
            return
        said.who.waiting[unit.number] = unit
        self._look(unit)

    def tick(self, online: list[Volunteer]) -> None:
        known = sorted(one.checks2 for one in online)
        self._typical2 = known[len(known) // 2] if known else 0
        moved, self._moved = self._moved, {}
        for who in moved.values():
            if abs(who.checks2 - who.looked2) >= max(1, who.looked2 * WORTH_A_LOOK):
                who.looked2 = who.checks2
                for unit in list(who.waiting.values()):
                    if unit.answer is None and unit.due is not None and self._accepted(unit):
                        self._look(unit)
        while self._due and ((due := self._due[0].due) is None or due <= self.now):
            unit = self._due.popleft()
            if unit.due is not None and unit.answer is None:
                unit.due = None
                self._look(unit, waited=True)

    def _votes(self, unit: Unit) -> list[Said]:
        standing = [one for one in unit.said if not one.who.banned]
        if not self._convicted:
            return standing
        free = {one.answer for one in standing if one.who.engine not in self._convicted}
        return [
            one for one in standing if one.who.engine not in self._convicted or one.answer in free
        ]

    def _weigh(self, unit: Unit) -> Weighed:
        return weigh(
            [
                Vote(one.answer, one.who.principal, one.who.checks2, one.who.engine)
                for one in self._votes(unit)
            ]
        )

    def _accepted(self, unit: Unit) -> bool:
        weighed = self._weigh(unit)
        stands = unit.answer is None or (weighed.groups and weighed.best.answer == unit.answer)
        return bool(stands) and accepted(weighed, self._promise)

    def _stands(self, unit: Unit) -> bool:
        """Whether a verdict outlives a ban; one below the target is labelled already."""
        if not unit.below:
            return self._accepted(unit)
        groups = self._weigh(unit).groups
        return len(groups) == 1 and groups[0].principals >= self._promise.principals_min

    def _look(self, unit: Unit, waited: bool = False) -> None:
        """What `validator.ruling` asks of an undecided work unit."""
        weighed = self._weigh(unit)
        moment = Moment(
            alive=unit.alive > 0,
            typical_checks2=self._typical2,
            room=Budget.room(
                self._trusted, FLOOR_TRUSTED, len(self.units), self._promise.trusted_share
            ),
            waited=waited,
            second=unit.second,
        )
        step = next_step(weighed, self._promise, moment)
        if step in (Step.ACCEPT, Step.BELOW_TARGET):
            self._decide(unit, weighed.best.answer, below=step is Step.BELOW_TARGET)
        elif step is Step.COPY:
            self.ask_again(unit)
        elif step is Step.TRUSTED:
            self._compute(unit, dispute=len(weighed.groups) > 1)
        elif unit.alive == 0 and unit.due is None:
            unit.due = self.now + WAIT
            self._due.append(unit)

    def _decide(self, unit: Unit, answer: object, below: bool = False) -> None:
        assert isinstance(answer, int), "answers are numbers here"
        self.decided += unit.answer is None
        unit.answer, unit.below, unit.due = answer, below, None
        for one in unit.said:
            one.who.waiting.pop(unit.number, None)
        self._conclude(unit)
        if unit.trusted:
            self._known_work(unit)
        elif not below:
            if self.chance.random() < DECOY_SHARE:
                self._secret.append((unit, self.now + self.chance.random() * TRAP_SPREAD))
            if self.chance.random() < self._promise.recheck:
                self._compute(unit, dispute=False)

    def _compute(self, unit: Unit, dispute: bool) -> None:
        """The server computes it."""
        self._trusted += 1
        self._disputes += dispute
        again = unit.trusted
        unit.trusted = True
        if not again:
            self._decide(unit, 0)

    def _known_work(self, unit: Unit) -> None:
        if unit.extras:
            return
        unit.extras = True
        lie = any(one.answer != 0 for one in unit.said)
        if lie and Budget.trap_room(self._traps, len(self.units)):
            self._traps += TRAPS
            for _ in range(TRAPS):
                self._secret.append((unit, self.now + self.chance.random() * TRAP_SPREAD))
        elif not lie:
            self._known.extend([(unit, self.now)] * PROBATION_COPIES)

    def _conclude(self, unit: Unit) -> None:
        """What `validator.checks` makes of a decided work unit."""
        votes = unit.said if unit.trusted else self._votes(unit)
        agreeing = {one.who.principal for one in votes if one.answer == unit.answer}
        worth2 = AGREEMENT2 if len(agreeing) > 1 and not unit.below else 0
        if unit.trusted:
            worth2 = CONFIRMATION2
        for one in votes:
            who, right = one.who, one.answer == unit.answer
            if not right and one.valid is not False and who.engine not in self._quarantined:
                self._reset(who)
            one.valid = right
            if worth2 and not one.compared:
                one.compared = True
                who.compared += 1
            gained = (worth2 if right else 0) - one.worth2
            if gained:
                one.worth2 += gained
                who.checks2 = max(0, who.checks2 + gained)
                self._moved[who.number] = who
            if right:
                who.answers[unit.number] = unit
            else:
                who.answers.pop(unit.number, None)
        if unit.trusted and len(agreeing) < len({one.who.principal for one in votes}):
            self._sentence(unit, votes)

    def _sentence(self, unit: Unit, votes: list[Said]) -> None:
        innocent = {one.who.engine for one in votes if one.valid}
        lies: dict[int, list[Said]] = {}
        for one in votes:
            if one.valid is False:
                lies.setdefault(one.answer, []).append(one)
        for same in lies.values():
            proven = colluded([(one.who.principal, one.who.engine) for one in same], innocent)
            for one in same:
                who = one.who
                told = not one.lied and who.engine in innocent
                if told:
                    one.lied = True
                    who.lies += 1
                if proven or (told and is_habit(who.lies, who.compared)):
                    self._ban(who)
            if not proven:
                self._suspect(unit, same, innocent)
        for engine, cause in list(self._quarantined.items()):
            if cause is not unit:
                continue
            if engine in innocent:
                del self._quarantined[engine]
                self._convicted.discard(engine)
            elif self._probes[engine] >= PROBES_MAX and engine not in self._convicted:
                self._convicted.add(engine)
                for who in [one for one in self.people if one.engine == engine]:
                    self._void(who)

    def _suspect(self, unit: Unit, same: list[Said], innocent: set[str]) -> None:
        if not innocent:  # where nobody is right, the reference may be wrong
            return
        for engine in {one.who.engine for one in same} - innocent - set(self._quarantined):
            if len({one.who.principal for one in same if one.who.engine == engine}) > 1:
                self._quarantined[engine] = unit
                self._probes[engine] = 0

    def _reset(self, who: Volunteer) -> None:
        who.checks2 = 0
        for unit in list(who.answers.values()):
            if not unit.trusted and not unit.below and unit.answer is not None:
                behind = {
                    one.who.principal for one in self._votes(unit) if one.answer == unit.answer
                }
                if len(behind) == 1:
                    self._reopen(unit)

    def _ban(self, who: Volunteer) -> None:
        if who.banned:
            return
        who.banned = True
        self._void(who)

    def _void(self, who: Volunteer) -> None:
        """Open again what does not stand without a volunteer's answers."""
        for unit in list(who.answers.values()):
            if unit.answer is not None and not unit.trusted and not self._stands(unit):
                self._reopen(unit)
        for unit in list(who.waiting.values()):
            if unit.answer is None:
                self._look(unit)

    def _reopen(self, unit: Unit) -> None:
        self._retracted += 1
        self.decided -= 1
        unit.answer, unit.below, unit.due = None, False, None
        for one in unit.said:
            one.who.answers.pop(unit.number, None)
            one.valid = None
            if not one.who.banned:
                one.who.waiting[unit.number] = unit
        self._look(unit)
