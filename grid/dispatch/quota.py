"""This file is where it is decided how many results a host or principal may be sent for now.

A token bucket: it holds `size` results when full and fills within `REFILL_S`. A sent result takes
one out, a valid one puts it back; the size rises on valid and falls on invalid, error and time-out,
never on what is merely reported.
"""

from __future__ import annotations

from msgspec import Struct

#: An empty bucket is full again after so long: a host that was rejected starts anew within a visit.
REFILL_S = 600
#: Levels are kept in thousandths, so that even the smallest bucket fills evenly.
MILLI = 1000


class Quota(Struct, frozen=True, kw_only=True):
    """How a kind of bucket grows and shrinks."""

    start: int
    least: int
    most: int
    #: Added for each valid result.
    rise: int
    #: Halvings for each bad result: one for a host, none for a principal.
    halvings: int
    #: Taken off for each bad result.
    fall: int


#: A host: ten thousand unproven results are a long night alone with a large job; fourteen bad ones
#: in a row leave one result in ten minutes.
HOST_QUOTA = Quota(start=10_000, least=1, most=1_000_000, rise=4, halvings=1, fall=0)
#: A principal may be a thousand honest hosts and one liar: a liar's own bucket is empty long before
#: it has cost the others anything that they notice.
PRINCIPAL_QUOTA = Quota(start=100_000, least=256, most=10_000_000, rise=4, halvings=0, fall=8)


class Bucket(Struct, frozen=True, kw_only=True):
    """How much a host or principal may still be sent."""

    size: int
    left_milli: int
    #: When `left_milli` was so.
    at: int


def available(bucket: Bucket, now: int) -> int:
    """Whole results that it may be sent now."""
    return _filled(bucket, now) // MILLI


def changed(
    bucket: Bucket, quota: Quota, now: int, sent: int = 0, valid: int = 0, bad: int = 0
) -> Bucket:
    """The bucket after so many results were sent, found valid, and found bad."""
    halved = bucket.size >> min(bad * quota.halvings, 60)
    size = min(max(halved + valid * quota.rise - bad * quota.fall, quota.least), quota.most)
    left = _filled(bucket, now) + (valid - sent) * MILLI
    return Bucket(size=size, left_milli=min(max(left, 0), size * MILLI), at=now)


def _filled(bucket: Bucket, now: int) -> int:
    waited_s = min(max(now - bucket.at, 0), REFILL_S)
    gained = waited_s * bucket.size * MILLI // REFILL_S
    return min(bucket.left_milli + gained, bucket.size * MILLI)
