"""This file is where it is decided when work is made up whose answer is known, and from what.

Everything about a quiz follows from its number and the job's seed, to which the log commits: once
the seal is open anybody can make it up again.
"""

from __future__ import annotations

from grid.validator.toss import toss

#: Quizzes of any job, however small: for the newcomers it begins with.
QUIZZES_MIN = 4
#: Further ones for each work unit: half of what traps may cost.
QUIZ_SHARE = 0.05
#: While so many copies wait for newcomers, or for whoever is quizzed, there are enough.
WAITING_MAX = 2
#: Seeds are whole numbers that JSON holds exactly.
SEED_BELOW = 2**53


def wanted(made: int, waiting: int, work_units: int, trap_room: bool) -> bool:
    """Whether a job that has made so many quizzes makes another; they count as traps."""
    enough = QUIZZES_MIN + QUIZ_SHARE * work_units
    return trap_room and work_units > 0 and made < enough and waiting < WAITING_MAX


def seed_of(seed: str, number: int) -> int:
    """What the job type makes its quiz of this number from, counted from 1."""
    return int(toss(seed, "quiz", number) * SEED_BELOW)


def imitated(seed: str, number: int, work_units: int) -> int:
    """The ordinal of the work unit in whose place that quiz goes out."""
    return int(toss(seed, "quiz in the place of", number) * work_units)
