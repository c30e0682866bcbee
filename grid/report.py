"""This file is where a result comes back: accepted, late, or not yours."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from grid import canonical
from grid.items import Result, WorkUnit
from grid.leases import Lease
from grid.states import Outcome, ServerState
from grid.transition import Entity, Transition


class Refusal(StrEnum):
    """Why a report changes nothing."""

    UNKNOWN_RESULT = "unknown_result"
    NOT_YOURS = "not_yours"
    #: Not signed for this result, host and epoch.
    BAD_LEASE = "bad_lease"
    #: Its host has a key, and this was not signed with it.
    BAD_SIGNATURE = "bad_signature"
    #: Something else was reported on this lease before.
    ALREADY_REPORTED = "already_reported"
    #: No honest program gives this output; the copy is over, and another host gets one.
    BAD_OUTPUT = "bad_output"
    #: The deadline has passed and the work unit is settled.
    TOO_LATE = "too_late"


#: Reason given with an accepted report whose deadline had passed.
LATE = "late"
#: A lease ends after so many delay bounds however often it is renewed: a host that never answers
#: may not keep a copy from others for ever.
RENEWED_BOUNDS_MAX = 10


class Report(Struct, frozen=True, kw_only=True):
    """What a host says of one result, after the bytes were looked at."""

    result_id: int
    host_id: int
    #: None when the text was no lease of ours for this result and host.
    lease: Lease | None
    #: SUCCESS, CLIENT_ERROR, ABANDONED, UNSOLVED when the output says so, or VALIDATE_ERROR when no
    #: honest program gives it.
    outcome: Outcome
    #: Only when SUCCESS.
    output_digest: str | None = None
    #: What went wrong; at most 500 characters.
    message: str | None = None
    elapsed_ms: int | None = None
    #: 16 fresh random bytes as hex.
    salt: str
    #: Whether its host may be taken to have said so: it has no key, or signed it.
    authentic: bool = True

    @property
    def digest(self) -> str:
        """SHA-256 of what was said, so that a repeat can be told from a change."""
        said = {"outcome": self.outcome, "output": self.output_digest, "message": self.message}
        return canonical.digest(canonical.dumps_facts(said))


class Judged(Struct, frozen=True, kw_only=True):
    """What becomes of a report."""

    accepted: bool
    #: A Refusal, LATE, or None.
    reason: str | None = None
    #: None when nothing changes: refused, or the same was said before.
    transition: Transition | None = None
    #: What the log will hold of an accepted answer, and when that came in; None for all else.
    commitment: str | None = None
    at: int = 0


def judge(report: Report, result: Result | None, unit: WorkUnit | None, now: int) -> Judged:
    """Decide about one report; never raises, whatever a stranger sent.

    The same report again is accepted again and changes nothing.
    """
    if result is None or unit is None:
        return _refused(Refusal.UNKNOWN_RESULT)
    if result.host_id != report.host_id:
        return _refused(Refusal.NOT_YOURS)
    if report.lease is None or report.lease.epoch != result.epoch:
        return _refused(Refusal.BAD_LEASE)
    if not report.authentic:
        return _refused(Refusal.BAD_SIGNATURE)
    if result.report_digest is not None:
        same = result.report_digest == report.digest
        return _answer(report) if same else _refused(Refusal.ALREADY_REPORTED)
    silent = result.outcome is Outcome.NO_REPLY
    if result.server_state is ServerState.OVER and not silent:
        return _refused(Refusal.ALREADY_REPORTED)
    late = silent or (result.report_deadline is not None and result.report_deadline < now)
    if late and (unit.settled or report.outcome is Outcome.ABANDONED):
        return _refused(Refusal.TOO_LATE)
    return _answer(report, LATE if late else None, _take(report, result, now))


def refuse_put(
    result: Result | None, unit: WorkUnit | None, lease: Lease, now: int
) -> Refusal | None:
    """Why an output may not be put under this lease; None when it may.

    It may as long as a report under the lease could still be heard.
    """
    if result is None or unit is None:
        return Refusal.UNKNOWN_RESULT
    if result.host_id != lease.host_id:
        return Refusal.NOT_YOURS
    if lease.epoch != result.epoch:
        return Refusal.BAD_LEASE
    silent = result.outcome is Outcome.NO_REPLY
    if result.report_digest or (result.server_state is ServerState.OVER and not silent):
        return Refusal.ALREADY_REPORTED
    late = silent or (result.report_deadline is not None and result.report_deadline < now)
    return Refusal.TOO_LATE if late and unit.settled else None


def renew(result: Result, lease: Lease | None, delay_bound_s: int, now: int) -> Transition | None:
    """A later deadline for a copy that is still being computed; None when it no longer is."""
    if lease is None or lease.epoch != result.epoch or result.host_id != lease.host_id:
        return None
    deadline = result.report_deadline
    if result.server_state is not ServerState.IN_PROGRESS or deadline is None or deadline < now:
        return None
    latest = (result.sent_at or now) + RENEWED_BOUNDS_MAX * delay_bound_s
    return Transition(
        entity=Entity.RESULT,
        id=result.id,
        before={"server_state": ServerState.IN_PROGRESS, "report_deadline": deadline},
        after={"report_deadline": max(deadline, min(now + delay_bound_s, latest))},
        because="its host is still at it",
    )


def _answer(
    report: Report, reason: str | None = None, transition: Transition | None = None
) -> Judged:
    bad = report.outcome is Outcome.VALIDATE_ERROR
    return Judged(
        accepted=not bad, reason=Refusal.BAD_OUTPUT if bad else reason, transition=transition
    )


def _refused(reason: Refusal) -> Judged:
    return Judged(accepted=False, reason=reason)


def _take(report: Report, result: Result, now: int) -> Transition:
    return Transition(
        entity=Entity.RESULT,
        id=result.id,
        before={
            "server_state": result.server_state,
            "outcome": result.outcome,
            "report_digest": None,
        },
        after={
            "server_state": ServerState.OVER,
            "outcome": report.outcome,
            "received_at": now,
            "output_digest": report.output_digest,
            "report_digest": report.digest,
            "elapsed_ms": report.elapsed_ms,
            "message": report.message,
            "salt": report.salt,
        },
        because=f"reported {report.outcome}",
    )
