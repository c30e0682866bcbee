"""This file is where the reference draws random numbers: Threefry-2x32 of twenty rounds.

By the description of Salmon, Moraes, Dror and Shaw ("Parallel random numbers: as easy as 1, 2, 3",
2011), and of the normal distribution's inverse by Wichura (1988), algorithm AS 241.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

from grid.codegen.reference.libm import ln

Key = tuple[int, int]

WORD = 2**32
#: Skein's parity of a key, and the rotations of four rounds, by turns.
PARITY = 0x1BD11BDA
ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
ROUNDS = 20

#: Wichura's quotients of polynomials, the highest powers first: in the middle, and in both parts of
#: the tails.
MIDDLE = (
    (2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
     13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608),
    (5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
     5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0),
)  # fmt: skip
NEAR = (
    (7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177,
     1.27045825245236838258, 3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959,
     1.42343711074968357734),
    (1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966,
     0.14810397642748007459, 0.68976733498510000455, 1.6763848301838038494,
     2.05319162663775882187, 1.0),
)  # fmt: skip
FAR = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386,
     0.026532189526576123093, 0.29656057182850489123, 1.7848265399172913358,
     5.4637849111641143699, 6.6579046435011037772),
    (2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5,
     7.868691311456132591e-4, 0.0148753612908506148525, 0.13692988092273580531,
     0.59983220655588793769, 1.0),
)  # fmt: skip


def threefry(key: Key, counter: Key) -> Key:
    """The two words of 32 bits that the counter gives under the key."""
    schedule = (*key, key[0] ^ key[1] ^ PARITY)
    one, two = ((counter[at] + key[at]) % WORD for at in (0, 1))
    for turn in range(ROUNDS // 4):
        for bits in ROTATIONS[turn % 2]:
            one = (one + two) % WORD
            two = ((two << bits) % WORD | two >> (32 - bits)) ^ one
        one = (one + schedule[(turn + 1) % 3]) % WORD
        two = (two + schedule[(turn + 2) % 3] + turn + 1) % WORD
    return one, two


def stream(seed: int, number: int) -> Key:
    """The key of the stream of this number under a seed; both are below 2^53."""
    return threefry((seed % WORD, seed // WORD), (number % WORD, number // WORD))


def uniform(key: Key, step: int, draw: int) -> float:
    """A multiple of 2^-53 in [0, 1)."""
    one, two = threefry(key, (step, draw))
    return ((one >> 5) * 2**26 + (two >> 6)) * 2.0**-53


def normal(key: Key, step: int, draw: int) -> float:
    """A number of the standard normal distribution."""
    one, two = threefry(key, (step, draw))
    return inverse(((one >> 6) * 2**26 + (two >> 6) + 0.5) * 2.0**-52)


def resample(key: Key, size: int, count: int) -> list[int]:
    """So many places below `count`."""
    blocks = (threefry(key, (at, 0)) for at in range(0, size, 2))
    return [word * count // WORD for block in blocks for word in block][:size]


def shuffle(key: Key, size: int, chosen: int) -> list[int]:
    """The places below `size` that come first when so many are chosen, in their order."""
    order = list(range(size))
    for at in range(chosen):
        other = at + threefry(key, (at, 1))[0] * (size - at) // WORD
        order[at], order[other] = order[other], order[at]
    return order[:chosen]


def inverse(p: float) -> float:
    """Where the normal distribution function is p, for 0 < p < 1; to 16 digits."""
    q = p - 0.5
    if abs(q) <= 0.425:
        return (
            q * _polynomial(MIDDLE[0], 0.180625 - q * q) / _polynomial(MIDDLE[1], 0.180625 - q * q)
        )
    tail = math.sqrt(-ln(p if q < 0 else 1 - p))
    above, below, r = (*NEAR, tail - 1.6) if tail <= 5 else (*FAR, tail - 5)
    return math.copysign(_polynomial(above, r) / _polynomial(below, r), q)


def _polynomial(factors: Sequence[float], x: float) -> float:
    return reduce(lambda total, factor: total * x + factor, factors)
