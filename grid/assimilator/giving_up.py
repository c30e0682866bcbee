"""This file is where it is told why a work unit gave up, in words that its requester can act on."""

from __future__ import annotations

from datetime import UTC, datetime

from grid.items import Policy
from grid.states import ErrorMask


def reason(ordinal: int, mask: ErrorMask, policy: Policy) -> str:
    """What failed, how often, and what to change; what hosts said of it is not part of it."""
    names = ", ".join(str(bit.name).lower().replace("_", " ") for bit in mask)
    said = "; ".join(_said(policy)[bit] for bit in mask)
    return f"work unit {ordinal} gave up ({names}): {said}"


def _said(policy: Policy) -> dict[ErrorMask, str]:
    return {
        ErrorMask.TOO_MANY_ERROR_RESULTS: (
            f"the program failed on {policy.max_error_results} of its copies; read what the hosts "
            "said, and try the spec on a small data set, or smaller work units if it ran out of "
            "time or memory"
        ),
        ErrorMask.TOO_MANY_SUCCESS_RESULTS: (
            f"{policy.max_success_results} answers came back and too few of them agree; mode "
            '"standard" has the server settle such disputes, and a larger max_success_results '
            "asks more volunteers"
        ),
        ErrorMask.TOO_MANY_TOTAL_RESULTS: (
            f"{policy.max_total_results} copies came back without a verdict, failed or unsolved; "
            "smaller work units are easier to solve, and a larger max_total_results asks more "
            "volunteers"
        ),
        ErrorMask.TOO_MANY_ABANDONED_RESULTS: (
            f"{policy.max_abandoned_results} volunteers left or fell silent over it; smaller work "
            f"units fit into a visit, and a delay_bound_s above {policy.delay_bound_s} gives "
            "slow hosts more time"
        ),
        ErrorMask.CANCELLED: "its job was cancelled",
        ErrorMask.PAST_DEADLINE: (
            f"it was not decided by {_time(policy.deadline_at)}, the job's deadline; a larger "
            "deadline_s gives volunteers more time"
        ),
    }


def _time(seconds: int | None) -> str:
    return f"{datetime.fromtimestamp(seconds or 0, UTC):%Y-%m-%d %H:%M:%S} UTC"
