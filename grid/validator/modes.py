"""This file is where it stands what each mode of a job promises, and what it spends for that."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from grid.items import Mode, Policy


class Promise(Struct, frozen=True, kw_only=True):
    """What an answer needs before it is accepted."""

    #: Largest tolerated probability that an accepted answer is wrong.
    max_error: float
    #: Different principals behind an answer, at least.
    principals_min: int
    #: Share of answers with one principal behind them that get a second copy all the same.
    hidden_second: float
    #: Share of accepted work units that the server computes again.
    recheck: float
    #: Trusted runs per work unit, beyond a floor and rechecks: with the copies that visitors are
    #: asked for in this mode, 5 % of the volunteers' computing.
    trusted_share: float


PROMISES = {
    Mode.STANDARD: Promise(
        max_error=1e-4, principals_min=2, hidden_second=0.0, recheck=0.01, trusted_share=0.16
    ),
    Mode.ECONOMY: Promise(
        max_error=1e-3, principals_min=1, hidden_second=0.10, recheck=0.02, trusted_share=0.11
    ),
    Mode.STRICT: Promise(
        max_error=1e-6, principals_min=2, hidden_second=0.0, recheck=0.02, trusted_share=0.22
    ),
}

#: Modes whose verdicts rest on credibility; the others count votes.
BELIEVING = frozenset(PROMISES)


def usual(default: Mode, one_decides: bool) -> Mode:
    """The mode of a job that names none, by the operator's default for public ones.

    Where one wrong work unit makes the whole output wrong, that is strict in the place of a weaker
    belief. Who has votes counted, or trusted hosts only, has chosen no belief: that stays.
    """
    return Mode.STRICT if one_decides and default in BELIEVING else default


def promise(policy: Policy) -> Promise:
    """What this policy promises; only for modes of BELIEVING."""
    found = PROMISES[policy.mode]
    if policy.target_error_ppb is None:
        return found
    return msgspec.structs.replace(found, max_error=policy.target_error_ppb / 1e9)
