"""This file is where the rules are held to what planted bugs have shown nobody else to check."""

from __future__ import annotations

import msgspec
import pytest
from crowd import NOW, ended, sent, unit

from grid.leases import Lease
from grid.report import RENEWED_BOUNDS_MAX, Refusal, Report, judge, renew
from grid.states import (
    AssimilateState,
    Outcome,
    ServerState,
)
from grid.transition import after

LEASE = Lease(result_id=1, host_id=1, deadline=NOW + 600, epoch=1)
DONE = {"canonical_result_id": 1, "assimilate_state": AssimilateState.DONE}


def said(**fields: object) -> Report:
    base = Report(
        result_id=1,
        host_id=1,
        lease=LEASE,
        outcome=Outcome.SUCCESS,
        output_digest="aa" * 32,
        salt="5a" * 16,
    )
    return msgspec.structs.replace(base, **fields)


# What comes back


def test_a_report_about_half_a_fact_is_about_nothing():
    assert judge(said(), None, unit(), NOW).reason is Refusal.UNKNOWN_RESULT
    assert judge(said(), sent(1), None, NOW).reason is Refusal.UNKNOWN_RESULT


@pytest.mark.parametrize("outcome", sorted(set(Outcome) - {Outcome.INIT, Outcome.NO_REPLY}))
def test_a_copy_that_is_over_takes_no_report_but_when_it_was_silent(outcome):
    over = msgspec.structs.replace(ended(1, outcome), report_digest=None)
    judged = judge(said(), over, unit(over), NOW)
    assert (judged.accepted, judged.reason) == (False, Refusal.ALREADY_REPORTED)
    assert judged.transition is None


@pytest.mark.parametrize(("late_by", "reason"), [(-1, None), (0, None), (1, "late")])
def test_the_second_of_the_deadline_is_still_in_time(late_by, reason):
    result = sent(1, deadline=NOW - late_by)
    judged = judge(said(), result, unit(result), NOW)
    assert (judged.accepted, judged.reason) == (True, reason)
    given_back = judge(said(outcome=Outcome.ABANDONED), result, unit(result), NOW)
    assert given_back.accepted == (reason is None)


def test_a_copy_without_a_deadline_is_never_late():
    result = msgspec.structs.replace(sent(1), report_deadline=None)
    assert judge(said(), result, unit(result, **DONE), NOW).reason is None
    assert renew(result, LEASE, 600, NOW) is None


def test_everything_that_was_said_is_kept_and_nothing_else_is_touched():
    result = sent(1)
    report = said(outcome=Outcome.CLIENT_ERROR, output_digest=None, message="no", elapsed_ms=7)
    judged = judge(report, result, unit(result), NOW)
    changed = after(unit(result), [judged.transition], next_id=9).results[0]
    assert changed == msgspec.structs.replace(
        result,
        server_state=ServerState.OVER,
        outcome=Outcome.CLIENT_ERROR,
        received_at=NOW,
        report_digest=report.digest,
        elapsed_ms=7,
        message="no",
        salt="5a" * 16,
    )


@pytest.mark.parametrize(
    "other",
    [said(outcome=Outcome.CLIENT_ERROR), said(output_digest="bb" * 32), said(message="else")],
)
def test_whatever_else_is_said_is_no_repeat(other):
    result = sent(1)
    first = judge(said(), result, unit(result), NOW)
    changed = after(unit(result), [first.transition], next_id=9)
    assert judge(other, changed.results[0], changed, NOW).reason is Refusal.ALREADY_REPORTED


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"server_state": ServerState.OVER},
        {"outcome": Outcome.NO_REPLY},
        {"report_digest": "cc" * 32},
    ],
)
def test_a_report_judged_on_facts_that_have_changed_since_is_lost(meanwhile):
    result = sent(1)
    judged = judge(said(), result, unit(result), NOW)
    moved_on = msgspec.structs.replace(result, **meanwhile)
    with pytest.raises(ValueError, match="no longer"):
        after(unit(moved_on), [judged.transition], next_id=9)


# A lease that is renewed


@pytest.mark.parametrize(
    "meanwhile", [{"server_state": ServerState.OVER}, {"report_deadline": NOW + 700}]
)
def test_a_renewal_of_what_has_changed_since_is_lost(meanwhile):
    result = sent(1, deadline=NOW + 50)
    renewal = renew(result, LEASE, 600, NOW)
    assert after(unit(result), [renewal], 9).results[0].report_deadline == NOW + 600
    with pytest.raises(ValueError, match="no longer"):
        after(unit(msgspec.structs.replace(result, **meanwhile)), [renewal], next_id=9)


def test_a_lease_can_be_renewed_until_the_second_it_ends():
    assert renew(sent(1, deadline=NOW), LEASE, 600, NOW) is not None


@pytest.mark.parametrize("sent_ago_s", [0, 100, 600 * RENEWED_BOUNDS_MAX - 1])
def test_renewals_end_so_many_bounds_after_the_copy_was_sent(sent_ago_s):
    result = msgspec.structs.replace(sent(1, deadline=NOW + 1), sent_at=NOW - sent_ago_s)
    latest = NOW - sent_ago_s + 600 * RENEWED_BOUNDS_MAX
    assert renew(result, LEASE, 600, NOW).after == {
        "report_deadline": max(NOW + 1, min(NOW + 600, latest))
    }


def test_a_copy_of_unknown_age_is_renewed_like_a_fresh_one():
    result = msgspec.structs.replace(sent(1, deadline=NOW + 1), sent_at=None)
    assert renew(result, LEASE, 600, NOW).after == {"report_deadline": NOW + 600}
