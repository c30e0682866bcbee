"""This file is where it is said what to do about a job that does not go on as it should."""

from __future__ import annotations

from typing import Any

#: Words of a failure → what helps. The first that is found counts.
HELPS = (
    ("ran out of", "clone the job with smaller work units."),
    ("too many error", "read what the hosts said, then clone the job on a small data set first."),
    ("too many success", 'clone the job in mode "standard", in which the server settles disputes.'),
    ("too many total", 'clone the job in mode "standard", in which the server settles disputes.'),
    ("too many abandoned", "clone the job with smaller work units, which fit into a visit."),
    ("past deadline", "clone the job with a later deadline, or when more volunteers are here."),
    ("groups", "clone the job with fewer groups: a coarser key, or a condition before it."),
    ("overflow", "clone the job with a wider type: CAST(… AS double) or a decimal."),
)


def of(view: dict[str, Any]) -> str:
    """What a job's requester can do next, in one sentence; "" where all is well."""
    if view["frozen"]:
        return "an admin looks at this job type and lets the job go on; nothing is lost until then."
    if view["state"] == "failed":
        said = str(view["failure"] or "").lower()
        return next(
            (help_ for words, help_ in HELPS if words in said),
            "clone the job, change what the message names, and submit it again.",
        )
    if view["state"] == "cancelled":
        return "clone the job to submit the same again."
    if view["state"] == "paused":
        return "resume it; what was decided so far is kept."
    return ""
