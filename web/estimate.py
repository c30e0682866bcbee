"""This file is where it is estimated what a job will cost: bytes, results, seconds, honestly.

Bytes are the stored sizes of the blobs that its program reads. Seconds come from what was measured
of its job type on hosts of this grid. Results a work unit were measured by the simulation
(docs/verification.md: visitors, a fifth of them colluding, ten work units an identity).
"""

from __future__ import annotations

from msgspec import Struct

from grid.items import Mode

#: A home link: what a volunteer's browser loads in a second.
LINK_BITS_PER_S = 50_000_000
#: Below this share of the time spent computing, a job is bound by its transfer.
COMPUTING_SHARE = 0.25


class Cost(Struct, frozen=True, kw_only=True):
    """What a mode costs, and what it reached."""

    mode: Mode
    #: Wrong answers that it tolerates, of all.
    tolerates: float
    #: Wrong answers that were accepted, at most, with 95 % confidence.
    reached: float
    #: Results a work unit, by volunteers.
    results: float
    #: Trusted runs of the server a work unit.
    trusted: float


#: The table behind the choice of a mode; a test holds it against docs/verification.md.
MEASURED = (
    Cost(mode=Mode.ECONOMY, tolerates=1e-3, reached=2.3e-5, results=3.00, trusted=0.1121),
    Cost(mode=Mode.STANDARD, tolerates=1e-4, reached=1.9e-5, results=3.37, trusted=0.1365),
    Cost(mode=Mode.STRICT, tolerates=1e-6, reached=1.5e-6, results=4.49, trusted=0.2222),
)
RESULTS = {one.mode: one.results for one in MEASURED}


class Estimate(Struct, frozen=True, kw_only=True):
    """What a job will cost."""

    #: Stored bytes that one copy of everything is; a volunteer alone loads so much.
    bytes_per_copy: int
    results: int
    #: Bytes that all volunteers load together.
    bytes_in_all: int
    #: Seconds of one usual host's core for every work unit once; None while nothing was measured.
    one_core_s: float | None
    #: Seconds that loading one copy of everything takes over a home link.
    link_s: float
    #: Seconds with the hosts that are online, loading included; None without hosts or measurement.
    expected_s: float | None
    hosts_online: int
    #: Whether loading takes longer than computing, by far; None while nothing was measured.
    transfer_bound: bool | None


def results_per_unit(mode: Mode, min_quorum: int) -> float:
    """Results that a work unit takes, on average."""
    if mode is Mode.TRUSTED:
        return 1.0
    return RESULTS.get(mode, float(min_quorum))


def estimate(
    *, bytes_per_copy: int, work_units: int, unit_ms: int, results: float, hosts_online: int
) -> Estimate:
    """The cost of `work_units` of `unit_ms` milliseconds (0 when nobody knows), each computed by
    `results` hosts on average."""
    one_core_s = unit_ms * work_units / 1000 if unit_ms else None
    link_s = bytes_per_copy * 8 / LINK_BITS_PER_S
    expected_s, bound = None, None
    if one_core_s is not None:
        both = one_core_s + link_s
        bound = link_s > 0 and one_core_s / both < COMPUTING_SHARE
        if hosts_online:
            hosts = min(hosts_online, max(1, round(work_units * results)))
            expected_s = both * results / hosts
    return Estimate(
        bytes_per_copy=bytes_per_copy,
        results=round(work_units * results),
        bytes_in_all=round(bytes_per_copy * results),
        one_core_s=one_core_s,
        link_s=link_s,
        expected_s=expected_s,
        hosts_online=hosts_online,
        transfer_bound=bound,
    )
