"""This file is where a report is accepted, late, or refused by name."""

from __future__ import annotations

import msgspec
import pytest
from crowd import NOW, answered, ended, sent, unit, waiting

from grid.leases import Lease
from grid.report import LATE, RENEWED_BOUNDS_MAX, Refusal, Report, judge, refuse_put, renew
from grid.states import AssimilateState, Outcome, ServerState
from grid.transition import after


def lease(number: int = 1, host: int = 1, epoch: int = 1) -> Lease:
    return Lease(result_id=number, host_id=host, deadline=NOW + 600, epoch=epoch)


def said(**fields) -> Report:
    base = Report(
        result_id=1,
        host_id=1,
        lease=lease(),
        outcome=Outcome.SUCCESS,
        output_digest="aa" * 32,
        salt="00" * 16,
    )
    return msgspec.structs.replace(base, **fields)


UNKNOWN_RESULT, NOT_YOURS, BAD_LEASE, BAD_SIGNATURE, ALREADY_REPORTED, BAD_OUTPUT, TOO_LATE = (
    Refusal
)
SETTLED = {"canonical_result_id": 9, "assimilate_state": AssimilateState.DONE}


@pytest.mark.parametrize(
    ("report", "result", "settled", "reason"),
    [
        # what is said, about what, of which work unit, refused as
        (said(), None, {}, UNKNOWN_RESULT),
        (said(host_id=2), sent(1), {}, NOT_YOURS),
        (said(), waiting(1), {}, NOT_YOURS),
        (said(lease=None), sent(1), {}, BAD_LEASE),
        (said(lease=lease(epoch=2)), sent(1), {}, BAD_LEASE),
        (said(authentic=False), sent(1), {}, BAD_SIGNATURE),
        (said(authentic=False, outcome=Outcome.VALIDATE_ERROR), sent(1), {}, BAD_SIGNATURE),
        (said(authentic=False), answered(1, "other"), {}, BAD_SIGNATURE),
        (said(), answered(1, "other"), {}, ALREADY_REPORTED),
        (said(outcome=Outcome.CLIENT_ERROR), answered(1, "other"), {}, ALREADY_REPORTED),
        (said(), sent(1, deadline=NOW - 1), SETTLED, TOO_LATE),
        (said(outcome=Outcome.ABANDONED), sent(1, deadline=NOW - 1), {}, TOO_LATE),
    ],
)  # fmt: skip
def test_a_bad_report_is_refused_by_name_and_changes_nothing(report, result, settled, reason):
    one = None if result is None else unit(result, **settled)
    judged = judge(report, result, one, NOW)
    assert (judged.accepted, judged.reason, judged.transition) == (False, reason, None)


@pytest.mark.parametrize(
    "report",
    [
        said(elapsed_ms=5),
        said(outcome=Outcome.CLIENT_ERROR, output_digest=None, message="no", elapsed_ms=7),
    ],
)
def test_everything_that_was_said_is_kept_and_nothing_else_is_touched(report):
    result = sent(1)
    judged = judge(report, result, unit(result), NOW)
    assert (judged.accepted, judged.reason) == (True, None)
    changed = after(unit(result), [judged.transition], next_id=9).results[0]
    assert changed == msgspec.structs.replace(
        result,
        server_state=ServerState.OVER,
        outcome=report.outcome,
        received_at=NOW,
        output_digest=report.output_digest,
        report_digest=report.digest,
        elapsed_ms=report.elapsed_ms,
        message=report.message,
        salt=report.salt,
    )


def test_the_same_report_again_is_accepted_and_changes_nothing():
    result = sent(1)
    first = judge(said(), result, unit(result), NOW)
    changed = after(unit(result), [first.transition], next_id=9)
    again = judge(said(salt="ff" * 16, elapsed_ms=99), changed.results[0], changed, NOW + 9999)
    assert again.accepted
    assert again.transition is None


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


def test_a_late_answer_is_accepted_until_the_work_unit_is_settled():
    late = [sent(1, deadline=NOW - 1), timed_out()]
    for result in late:
        judged = judge(said(), result, unit(result), NOW)
        assert (judged.accepted, judged.reason) == (True, LATE)
        assert after(unit(result), [judged.transition], 9).results[0].outcome is Outcome.SUCCESS
        decided = unit(result, canonical_result_id=9, assimilate_state=AssimilateState.READY)
        assert judge(said(), result, decided, NOW).accepted
        assert judge(said(), result, unit(result, **SETTLED), NOW).reason == Refusal.TOO_LATE


def timed_out():
    return msgspec.structs.replace(ended(1, Outcome.NO_REPLY), report_digest=None)


def test_an_answer_in_time_is_accepted_even_when_the_work_unit_is_settled():
    assert judge(said(), sent(1), unit(sent(1), **SETTLED), NOW).accepted


def test_a_report_on_a_work_unit_that_is_gone_is_about_nothing():
    assert judge(said(), sent(1), None, NOW).reason is UNKNOWN_RESULT


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
    assert judge(said(), result, unit(result, **SETTLED), NOW).reason is None
    assert renew(result, lease(), 600, NOW) is None


def test_renewing_moves_the_deadline_on_and_never_back():
    result = sent(1, deadline=NOW + 50)
    moved = renew(result, lease(), delay_bound_s=600, now=NOW)
    assert moved is not None
    assert moved.after == {"report_deadline": NOW + 600}
    kept = renew(result, lease(), delay_bound_s=10, now=NOW)
    assert kept is not None
    assert kept.after == {"report_deadline": NOW + 50}


@pytest.mark.parametrize(
    ("result", "held"),
    [
        (sent(1), None),
        (sent(1), lease(epoch=7)),
        (sent(1), lease(host=2)),
        (sent(1, deadline=NOW - 1), lease()),
        (answered(1, "a"), lease()),
        (waiting(1), lease()),
    ],
)
def test_only_a_living_lease_of_the_holder_is_renewed(result, held):
    assert renew(result, held, delay_bound_s=600, now=NOW) is None


@pytest.mark.parametrize(
    "meanwhile", [{"server_state": ServerState.OVER}, {"report_deadline": NOW + 700}]
)
def test_a_renewal_of_what_has_changed_since_is_lost(meanwhile):
    result = sent(1, deadline=NOW + 50)
    renewal = renew(result, lease(), 600, NOW)
    assert after(unit(result), [renewal], 9).results[0].report_deadline == NOW + 600
    with pytest.raises(ValueError, match="no longer"):
        after(unit(msgspec.structs.replace(result, **meanwhile)), [renewal], next_id=9)


def test_a_lease_can_be_renewed_until_the_second_it_ends():
    assert renew(sent(1, deadline=NOW), lease(), 600, NOW) is not None


@pytest.mark.parametrize("sent_ago_s", [0, 100, 600 * RENEWED_BOUNDS_MAX - 1])
def test_renewals_end_so_many_bounds_after_the_copy_was_sent(sent_ago_s):
    result = msgspec.structs.replace(sent(1, deadline=NOW + 1), sent_at=NOW - sent_ago_s)
    latest = NOW - sent_ago_s + 600 * RENEWED_BOUNDS_MAX
    assert renew(result, lease(), 600, NOW).after == {
        "report_deadline": max(NOW + 1, min(NOW + 600, latest))
    }


def test_a_copy_of_unknown_age_is_renewed_like_a_fresh_one():
    result = msgspec.structs.replace(sent(1, deadline=NOW + 1), sent_at=None)
    assert renew(result, lease(), 600, NOW).after == {"report_deadline": NOW + 600}


def test_an_impossible_output_is_refused_by_name_and_ends_the_copy():
    result, bad = sent(1), said(outcome=Outcome.VALIDATE_ERROR, output_digest=None, message="no")
    judged = judge(bad, result, unit(result), NOW)
    assert (judged.accepted, judged.reason) == (False, BAD_OUTPUT)
    changed = after(unit(result), [judged.transition], next_id=9)
    assert changed.results[0].outcome is Outcome.VALIDATE_ERROR
    again = judge(bad, changed.results[0], changed, NOW)
    assert (again.accepted, again.reason, again.transition) == (False, BAD_OUTPUT, None)
    assert judge(said(), changed.results[0], changed, NOW).reason == ALREADY_REPORTED


@pytest.mark.parametrize(
    ("result", "settled", "held", "reason"),
    [
        # of which result, of which work unit, under what lease, refused as
        (None, {}, lease(), UNKNOWN_RESULT),
        (waiting(1), {}, lease(), NOT_YOURS),
        (sent(1), {}, lease(host=2), NOT_YOURS),
        (sent(1), {}, lease(epoch=2), BAD_LEASE),
        (answered(1, "other"), {}, lease(), ALREADY_REPORTED),
        (ended(1, Outcome.ABANDONED), {}, lease(), ALREADY_REPORTED),
        (ended(1, Outcome.CLIENT_ERROR, report_digest=None), {}, lease(), ALREADY_REPORTED),
        (sent(1), {}, lease(), None),
        (sent(1), SETTLED, lease(), None),
        (sent(1, deadline=NOW), SETTLED, lease(), None),
        (sent(1, deadline=NOW - 1), {}, lease(), None),
        (sent(1, deadline=NOW - 1), SETTLED, lease(), TOO_LATE),
        (ended(1, Outcome.NO_REPLY, report_digest=None), {}, lease(), None),
        (ended(1, Outcome.NO_REPLY, report_digest=None), SETTLED, lease(), TOO_LATE),
    ],
)  # fmt: skip
def test_an_output_may_be_put_as_long_as_its_report_would_be_heard(result, settled, held, reason):
    one = None if result is None else unit(result, **settled)
    assert refuse_put(result, one, held, NOW) is reason


def test_an_output_of_a_work_unit_that_is_gone_is_refused_by_name():
    assert refuse_put(sent(1), None, lease(), NOW) is UNKNOWN_RESULT
    assert refuse_put(None, unit(sent(1)), lease(), NOW) is UNKNOWN_RESULT
