"""This file is where chance comes from: tosses that follow from a job's secret seed.

The log commits to the seed when the job is submitted and shows it when its seal opens, so that
anybody can see afterwards that no toss was chosen.
"""

from __future__ import annotations

import hashlib
import hmac


def toss(seed: str, what: str, *numbers: int) -> float:
    """A number from 0 (included) to 1, fixed by the seed and what it is tossed for."""
    text = " ".join([what, *map(str, numbers)]).encode()
    drawn = hmac.new(seed.encode(), text, hashlib.sha256).digest()
    return int.from_bytes(drawn[:7], "big") / (1 << 56)


def commitment(seed: str) -> str:
    """What the log shows of a seed before it is revealed: SHA-256 of its text."""
    return hashlib.sha256(seed.encode()).hexdigest()
