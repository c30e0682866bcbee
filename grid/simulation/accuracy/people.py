"""This file is where the volunteers of a measured crowd come from, lie, and go."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from random import Random

import msgspec
from msgspec import Struct


class Behaviour(StrEnum):
    """How saboteurs choose when to lie."""

    #: Each by itself, with a wrong answer of its own.
    INDEPENDENT = "independent"
    #: All on the same work units, with the same wrong answer.
    COLLUDING = "colluding"
    #: As colluders, each once it is as well known as a verdict of two needs.
    SLEEPING = "sleeping"
    #: As colluders, on work units of which every other holder is a fellow.
    OMNISCIENT = "omniscient"
    #: As colluders, when what is public says that most of the job is decided.
    READING = "reading"


class Crowd(StrEnum):
    """How long volunteers stay."""

    #: Whoever is here stays to the end: some 500 work units an identity.
    RESIDENTS = "residents"
    #: Visits are lognormal with a median of 10 work units; three in ten come back later, and three
    #: in ten share an address with others.
    VISITORS = "visitors"


class Trait(StrEnum):
    HONEST = "honest"
    #: Means well on a machine that errs, each time in its own way.
    FLAKY = "flaky"
    SABOTEUR = "saboteur"


#: Share of honest hosts whose machine errs, and of their answers that are wrong.
FLAKY_SHARE, FLAKY_RATE = 0.03, 0.01
ENGINES = (("chromium/156", 0.65), ("firefox/152", 0.20), ("webkit/26", 0.15))
VISIT_MEDIAN_UNITS, VISIT_SIGMA = 10, 1.0
RETURNING_SHARE, SHARED_ADDRESS_SHARE, SHARED_ADDRESSES = 0.3, 0.3, 40
#: Hosts of a campus, and the principal that they are together.
CAMPUS_HOSTS, CAMPUS = 1_000, -1_000
#: Half checks from which a sleeper thinks itself trusted: two such make a verdict.
AWAKE_CHECKS2 = 40
#: The wrong answer that fellows agree on; 0 is right, any other number is a lie of one's own.
COMMON_LIE = -1


class Volunteer:
    """One identity with all that is known of it."""

    __slots__ = (
        "answers", "banned", "checks2", "compared", "engine", "lies", "looked2", "number",
        "principal", "trait", "units_left", "waiting",
    )  # fmt: skip

    def __init__(self, number: int, principal: int, trait: Trait, engine: str) -> None:
        self.number, self.principal, self.trait, self.engine = number, principal, trait, engine
        self.checks2 = self.compared = self.lies = 0
        self.banned = False
        #: Work units it has answered and that stand, and those that wait for a verdict.
        self.answers: dict[int, Unit] = {}
        self.waiting: dict[int, Unit] = {}
        #: Its half checks when its waiting work was last looked at.
        self.looked2 = 0
        self.units_left = 1 << 60


class Said:
    """One volunteer's answer to one work unit, and what it has counted for."""

    __slots__ = ("answer", "compared", "lied", "valid", "who", "worth2")

    def __init__(self, who: Volunteer, answer: int) -> None:
        self.who, self.answer = who, answer
        self.worth2 = 0
        self.compared = self.lied = False
        self.valid: bool | None = None


class Unit:
    """One work unit."""

    __slots__ = (
        "alive", "answer", "asked", "below", "chance", "due", "extras", "holders", "number",
        "said", "second", "trusted",
    )  # fmt: skip

    def __init__(self, number: int, chance: float, second: bool) -> None:
        self.number, self.chance, self.second = number, chance, second
        self.said: list[Said] = []
        #: None while undecided.
        self.answer: int | None = None
        self.trusted = self.below = self.extras = False
        #: Copies that are out or about to go out.
        self.alive = 1
        self.due: float | None = None
        self.holders: list[Volunteer] = []
        #: Their principals.
        self.asked: set[int] = set()


class Setting(Struct, frozen=True, kw_only=True):
    """A crowd and what its saboteurs do."""

    crowd: Crowd
    share: float
    behaviour: Behaviour
    #: How often saboteurs lie, where they would.
    rate: float
    #: Share of work units that every `bug_engine` gets wrong, in the same way.
    bug_rate: float = 0.0
    #: Whoever is banned comes back at once as somebody new.
    comes_back: bool = False
    #: Whether CAMPUS_HOSTS more sit behind one address, the first of them a saboteur.
    campus: bool = False


def newcomer(number: int, setting: Setting, chance: Random) -> Volunteer:
    """Somebody new."""
    drawn = chance.random()
    trait = Trait.HONEST
    if drawn < setting.share:
        trait = Trait.SABOTEUR
    elif drawn < setting.share + (1 - setting.share) * FLAKY_SHARE:
        trait = Trait.FLAKY
    drawn, engine = chance.random(), ENGINES[-1][0]
    for name, share in ENGINES:
        if drawn < share:
            engine = name
            break
        drawn -= share
    principal = number
    if setting.crowd is Crowd.VISITORS and chance.random() < SHARED_ADDRESS_SHARE:
        principal = -1 - chance.randrange(SHARED_ADDRESSES)
    return Volunteer(number, principal, trait, engine)


def campus(setting: Setting, chance: Random) -> Iterator[Volunteer]:
    """A thousand behind one address, one of whom lies."""
    honest = msgspec.structs.replace(setting, share=0.0)
    for number in range(CAMPUS_HOSTS):
        one = newcomer(number, honest, chance)
        one.principal = CAMPUS
        if number == 0:
            one.trait = Trait.SABOTEUR
        yield one


def visit_units(chance: Random) -> int:
    """How many work units a visit lasts."""
    return max(1, round(math.exp(chance.gauss(math.log(VISIT_MEDIAN_UNITS), VISIT_SIGMA))))


def answerer(
    setting: Setting, chance: Random, decided_share: Callable[[], float]
) -> Callable[[Volunteer, Unit], int]:
    """What a volunteer answers to a work unit."""
    behaviour, rate = setting.behaviour, setting.rate
    own_lie = iter(range(1, 1 << 60))

    def lies(who: Volunteer, unit: Unit) -> bool:
        if behaviour is Behaviour.INDEPENDENT:
            return chance.random() < rate
        if unit.chance >= rate:
            return False
        if behaviour is Behaviour.SLEEPING:
            return who.checks2 >= AWAKE_CHECKS2
        if behaviour is Behaviour.READING:
            return decided_share() > 0.5
        if behaviour is Behaviour.OMNISCIENT:
            return all(one.trait is Trait.SABOTEUR for one in unit.holders)
        return True

    def answer(who: Volunteer, unit: Unit) -> int:
        if who.trait is Trait.SABOTEUR:
            if not lies(who, unit):
                return 0
            return next(own_lie) if behaviour is Behaviour.INDEPENDENT else COMMON_LIE
        if setting.bug_rate and who.engine == ENGINES[1][0] and unit.chance < setting.bug_rate:
            return COMMON_LIE
        if who.trait is Trait.FLAKY and chance.random() < FLAKY_RATE:
            return next(own_lie)
        return 0

    return answer
