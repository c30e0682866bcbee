"""This file is where it is decided what anyone gets to see of trust: admins, and whoever it is of.

How a volunteer stands is told from jobs whose seal has opened: whoever saw a figure move behind an
answer in a sealed job would know which of its answers was checked.
"""

from __future__ import annotations

import msgspec

from grid.db.appeals import Own, Suspected, Volunteer
from grid.db.rows import JobFacts
from grid.identifiers import Kind
from web.public_view import API, Names, View, link

#: Reasons of the rules, in plain words for whom they concern; an admin's own are shown as they are.
WORDS = {
    "the same wrong answer as another": (
        "Several of its answers were wrong, and the same wrong answers came from somebody else."
    ),
    "wrong answers": "More of its answers were wrong than a faulty machine explains.",
}
APPEAL = (
    "Nothing that it answered counts, and it gets no work. If that is a mistake, ask the server's "
    "admin to lift the ban of {volunteer}."
)


def volunteer(one: Volunteer, names: Names) -> View:
    """A volunteer as an admin sees it."""
    public_id = names.of(Kind.VOLUNTEER, one.id)
    base = f"{API}/admin/volunteers/{public_id}"
    return {
        "id": public_id,
        "account": one.account,
        "hosts": one.hosts,
        "banned": _ban(one.banned_at, one.ban_reason),
        "_links": {"ban": link(f"{base}/ban"), "unban": link(f"{base}/unban")},
    }


def own(one: Own, host_id: int, names: Names) -> View:
    """How whoever asks stands."""
    banned = _ban(one.banned_at, one.ban_reason)
    public_id = names.of(Kind.VOLUNTEER, one.volunteer_id)
    appeal = APPEAL.format(volunteer=public_id)
    return {
        "id": names.of(Kind.HOST, host_id),
        "volunteer": public_id,
        "banned": banned and {**banned, "words": _in_words(one.ban_reason), "appeal": appeal},
        "answers": {
            "valid": one.valid,
            "invalid": one.invalid,
            "void": one.void,
            "certain_lies": one.lies,
            "in_sealed_jobs": one.sealed,
        },
        "checks_survived": one.checks2 / 2,
        "machine": {
            "engine": one.engine,
            "capabilities": one.capabilities,
            "speed": one.speed_milli / 1000,
        },
        "no_work_of": [names.of(Kind.JOB, number) for number in one.quarantined],
        "_links": {
            "self": link(f"{API}/hosts/me"),
            "credit": link(f"{API}/volunteers/me"),
            "jobs": link(f"{API}/jobs"),
        },
    }


def suspected(one: Suspected) -> View:
    """An engine that gets nothing of a job, as an admin sees it."""
    return dict(msgspec.to_builtins(one))


def frozen(facts: JobFacts, names: Names) -> View:
    """A frozen job, as an admin sees it."""
    public_id = names.of(Kind.JOB, facts.job.id)
    return {
        "id": public_id,
        "name": facts.job.name,
        "job_type": facts.job.job_type,
        "version": facts.job.version,
        "frozen": facts.job.frozen,
        "_links": {
            "job": link(f"{API}/jobs/{public_id}"),
            "resume": link(f"{API}/admin/jobs/{public_id}/resume"),
            "cancel": link(f"{API}/jobs/{public_id}/cancel"),
        },
    }


def _ban(since: int | None, reason: str | None) -> View | None:
    return None if since is None else {"since": since, "reason": reason or ""}


def _in_words(reason: str | None) -> str:
    return WORDS.get(reason or "", reason or "")
