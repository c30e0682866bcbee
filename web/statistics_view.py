"""This file is where it is decided what anyone gets to see of a job summed up for pictures.

While a job is sealed there are two numbers, which its view has as well. Which work units are
decided, who took part and when answers came would tell whoever computes which of its answers was
checked.
"""

from __future__ import annotations

import msgspec

from grid.db.listings import Counts
from grid.db.rows import JobFacts
from grid.db.statistics import LETTERS, Summary
from grid.identifiers import Kind
from web.public_view import API, Names, View, is_open, link


def statistics(
    facts: JobFacts, counts: Counts, summary: Summary | None, names: Names, now: int
) -> View:
    """A job summed up; `summary` is left out unless its seal has opened."""
    job = facts.job
    public_id = names.of(Kind.JOB, job.id)
    view: View = {
        "job": public_id,
        "sealed": not is_open(job, now),
        "work_units": job.workunit_count,
        "decided": counts.decided,
        "_links": {
            "self": link(f"{API}/jobs/{public_id}/statistics"),
            "job": link(f"{API}/jobs/{public_id}"),
        },
    }
    if summary is None or not is_open(job, now):
        return view
    valid = sum(one.valid for one in summary.engines)
    compared = valid + sum(one.invalid for one in summary.engines)
    return {
        **view,
        "units": summary.units,
        "letters": {letter: name for name, letter in LETTERS.items()},
        "minutes": [list(one) for one in summary.minutes],
        "engines": msgspec.to_builtins(summary.engines),
        "principals": summary.principals,
        "agreement": round(valid / compared, 6) if compared else None,
    }
