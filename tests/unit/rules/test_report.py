"""This file is where a report is accepted, late, or refused by name."""

from __future__ import annotations

import msgspec
import pytest
from crowd import NOW, answered, ended, sent, unit, waiting

from grid.leases import Lease
from grid.report import LATE, Refusal, Report, judge, renew
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


UNKNOWN_RESULT, NOT_YOURS, BAD_LEASE, ALREADY_REPORTED, BAD_OUTPUT, TOO_LATE = Refusal
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


def test_a_good_report_ends_the_result_with_what_was_said():
    result = sent(1)
    judged = judge(said(elapsed_ms=5), result, unit(result), NOW)
    assert judged.accepted
    assert judged.reason is None
    changed = after(unit(result), [judged.transition], next_id=9).results[0]
    assert changed.server_state is ServerState.OVER
    assert changed.outcome is Outcome.SUCCESS
    assert (changed.output_digest, changed.elapsed_ms) == ("aa" * 32, 5)
    assert changed.received_at == NOW


def test_the_same_report_again_is_accepted_and_changes_nothing():
    result = sent(1)
    first = judge(said(), result, unit(result), NOW)
    changed = after(unit(result), [first.transition], next_id=9)
    again = judge(said(salt="ff" * 16, elapsed_ms=99), changed.results[0], changed, NOW + 9999)
    assert again.accepted
    assert again.transition is None


def test_another_output_on_the_same_lease_is_refused():
    result = sent(1)
    first = judge(said(), result, unit(result), NOW)
    changed = after(unit(result), [first.transition], next_id=9)
    other = judge(said(output_digest="bb" * 32), changed.results[0], changed, NOW)
    assert other.reason == Refusal.ALREADY_REPORTED


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


def test_an_impossible_output_is_refused_by_name_and_ends_the_copy():
    result, bad = sent(1), said(outcome=Outcome.VALIDATE_ERROR, output_digest=None, message="no")
    judged = judge(bad, result, unit(result), NOW)
    assert (judged.accepted, judged.reason) == (False, BAD_OUTPUT)
    changed = after(unit(result), [judged.transition], next_id=9)
    assert changed.results[0].outcome is Outcome.VALIDATE_ERROR
    again = judge(bad, changed.results[0], changed, NOW)
    assert (again.accepted, again.reason, again.transition) == (False, BAD_OUTPUT, None)
    assert judge(said(), changed.results[0], changed, NOW).reason == ALREADY_REPORTED
