"""This file is where it is decided what an open work unit needs next."""

from __future__ import annotations

import math
from enum import StrEnum

from msgspec import Struct

from grid.trust import odds
from grid.validator.credibility import Weighed, accepted
from grid.validator.modes import Promise

#: Principals asked before a work unit counts as one that volunteers cannot settle.
PRINCIPALS_MAX = 6
#: Answers after which even a newcomer's lone disagreement goes to a trusted run.
LONE_DISSENT_MAX = 4


class Step(StrEnum):
    """What to do about a work unit that has no verdict."""

    #: Its best answer becomes canonical.
    ACCEPT = "accept"
    #: The same, but its error is above the target: the budget for trusted runs is spent.
    BELOW_TARGET = "below_target"
    #: Another volunteer is asked.
    COPY = "copy"
    #: The server computes it.
    TRUSTED = "trusted"
    #: Nothing now: an answer is under way, or those behind it may become better known.
    WAIT = "wait"


class Moment(Struct, frozen=True, gc=False):
    """What the next step depends on beside the answers."""

    #: Whether a copy or a trusted run is out, or about to be.
    alive: bool
    #: Half checks that the volunteer who answers next has survived, most likely.
    typical_checks2: int
    #: Whether the job's budget has a trusted run left.
    room: bool
    #: Whether the set time for becoming better known is over.
    waited: bool
    #: Whether this work unit was chosen for a second copy however well the first is believed.
    second: bool
    #: Whether all that is alive is a copy that nobody has come for in a long time.
    stale: bool = False
    #: Whether enough kinds of engine stand behind the best answer.
    diverse: bool = True
    #: Whether the server can compute it at all: its own runs of it have not failed too often.
    able: bool = True


def next_step(weighed: Weighed, promise: Promise, moment: Moment) -> Step:
    """The next step of a work unit without a verdict and without a trusted answer."""
    groups = weighed.groups
    hidden = moment.second and len(groups) == 1 and groups[0].principals == 1
    if accepted(weighed, promise) and moment.diverse and not hidden:
        return Step.ACCEPT
    if moment.alive:
        return _unheard(weighed, promise, moment) if moment.stale else Step.WAIT
    if len(groups) > 1:
        return _dispute(weighed, moment)
    if not groups or hidden or groups[0].principals < promise.principals_min:
        return Step.COPY
    return _agreement(weighed, promise, moment)


def _unheard(weighed: Weighed, promise: Promise, moment: Moment) -> Step:
    """Nobody has come for the copy: the server steps in, so that every job ends."""
    if moment.able and (moment.room or len(weighed.groups) > 1):
        return Step.TRUSTED
    enough = len(weighed.groups) == 1 and weighed.best.principals >= promise.principals_min
    return Step.BELOW_TARGET if enough else Step.WAIT


def _dispute(weighed: Weighed, moment: Moment) -> Step:
    """A trusted run, but for a newcomer's lone disagreement: that buys another copy."""
    asked = sum(group.principals for group in weighed.groups)
    lone = all(group.newcomers and group.principals == 1 for group in weighed.groups[1:])
    if lone and not weighed.best.newcomers and asked < LONE_DISSENT_MAX:
        return Step.COPY
    if moment.room and moment.able:
        return Step.TRUSTED
    if asked < PRINCIPALS_MAX or not moment.able:
        return Step.COPY
    return Step.TRUSTED if moment.waited else Step.WAIT


def _agreement(weighed: Weighed, promise: Promise, moment: Moment) -> Step:
    missing = _missing(weighed, promise, moment.typical_checks2)
    most = PRINCIPALS_MAX - weighed.best.principals
    if not moment.diverse and most > 0:
        return Step.COPY
    if missing == 1 and most > 0:
        return Step.COPY
    if not moment.waited:
        return Step.WAIT
    if moment.room and moment.able:
        return Step.TRUSTED
    return Step.COPY if missing <= most else Step.BELOW_TARGET


def _missing(weighed: Weighed, promise: Promise, typical_checks2: int) -> int:
    """How many more equal answers of typical volunteers would reach the promise; at least 1."""
    lacking = (1 - promise.max_error) / promise.max_error / weighed.best.odds
    return max(1, math.ceil(math.log(max(lacking, 1.0)) / math.log(odds(typical_checks2))))
