"""This file is where the transitioner is held to its laws, whatever work unit it is asked about."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from crowd import NOW, answered, ended, sent, unit, waiting
from hypothesis import example, given
from hypothesis import strategies as st

from grid import transitioner
from grid.items import Result, WorkUnit
from grid.states import (
    AssimilateState,
    ErrorMask,
    FileDeleteState,
    Outcome,
    Purpose,
    ServerState,
    Support,
    ValidateState,
)
from grid.transition import CreateResults, Entity, Instruction, Transition, after
from grid.transitioner import RETRY_PRIORITY, Needs

DONE = {"canonical_result_id": 1, "assimilate_state": AssimilateState.DONE}
OTHER_ENDS = sorted(set(Purpose) - {Purpose.COPY, Purpose.TRUSTED})
COPIES = st.one_of(
    st.sampled_from([None, NOW - 1, NOW, NOW + 1]).map(
        lambda deadline: (
            lambda number: msgspec.structs.replace(sent(number), report_deadline=deadline)
        )
    ),
    st.sampled_from(ValidateState).map(
        lambda state: lambda number: answered(number, "a", state=state)
    ),
    st.sampled_from(sorted(set(Outcome) - {Outcome.INIT, Outcome.SUCCESS})).map(
        lambda outcome: lambda number: ended(number, outcome)
    ),
    st.just(waiting),
)
SMALL = st.integers(1, 5)
NEEDS = st.builds(
    Needs,
    copies=st.integers(0, 4),
    not_before=st.sampled_from([0, NOW + 9]),
    trusted=st.booleans(),
    due_at=st.none() | st.just(NOW + 60),
    completed=st.booleans(),
    over=st.booleans(),
)


def one_of(instructions: list, kind: type) -> list:
    return [each for each in instructions if isinstance(each, kind)]


def made_for(result: Result, purpose: Purpose) -> Result:
    return msgspec.structs.replace(result, purpose=purpose)


@st.composite
def units(draw: st.DrawFn, purposes: Sequence[Purpose] = tuple(Purpose)) -> WorkUnit:
    """A work unit with any copies, open, decided or given up, at rest or not."""
    results = [
        made_for(copy(number), draw(st.sampled_from(purposes)))
        for number, copy in enumerate(draw(st.lists(COPIES, max_size=7)), 1)
    ]
    bounds = ("max_error_results", "max_total_results", "max_success_results")
    fields: dict[str, object] = {name: draw(SMALL) for name in (*bounds, "max_abandoned_results")}
    fields |= {
        "deadline_at": draw(st.sampled_from([None, None, NOW, NOW + 1])),
        "due_at": draw(st.sampled_from([None, NOW + 60])),
    }
    if draw(st.booleans()):
        fields |= draw(
            st.sampled_from([{"canonical_result_id": 1}, {"error_mask": ErrorMask.CANCELLED}])
        )
        fields["support"] = draw(st.sampled_from(Support))
        fields["assimilate_state"] = draw(
            st.sampled_from([AssimilateState.READY, AssimilateState.DONE])
        )
        fields["file_delete_state"] = draw(st.sampled_from(FileDeleteState))
    return unit(*results, **fields)


@st.composite
def situations(draw: st.DrawFn, purposes: Sequence[Purpose] = tuple(Purpose)):
    """A work unit and what the validator may ask for it: nothing more once that is answered."""
    before, needs = draw(units(purposes)), draw(NEEDS)
    if before.decided:
        proven = needs.over or before.support is Support.TRUSTED
        needs = msgspec.structs.replace(needs, copies=0, trusted=needs.trusted and not proven)
    return before, needs


def asked_of(before: WorkUnit, needs: Needs) -> tuple[list[Instruction], list[Instruction]]:
    return transitioner.decide(before, needs, NOW), transitioner.cancel(before)


DOUBTFUL = [
    answered(number, "ab"[number % 2], state=ValidateState.INCONCLUSIVE) for number in (1, 2)
]


@given(situations())
@example((unit(*DOUBTFUL, max_success_results=2), Needs(copies=1)))
def test_whatever_is_changed_the_rule_says_what_it_saw_there(situation):
    before, needs = situation
    rows: dict[object, object] = {(Entity.RESULT, one.id): one for one in before.results}
    rows[Entity.WORKUNIT, before.id] = before
    for asked in asked_of(before, needs):
        for change in one_of(asked, Transition):
            row = rows[change.entity, change.id]
            assert set(change.after) <= set(change.before)
            assert all(getattr(row, field) == value for field, value in change.before.items())


@given(situations())
def test_only_an_undecided_work_unit_gives_up_and_says_so(situation):
    before, needs = situation
    for asked in asked_of(before, needs):
        gave_up = [one for one in one_of(asked, Transition) if "error_mask" in one.after]
        assert not (gave_up and before.decided)
        for one in gave_up:
            assert one.before["canonical_result_id"] is None
            assert one.before["error_mask"] is ErrorMask.NONE
            assert one.after["assimilate_state"] is AssimilateState.READY
        wrong = {one.id for one in one_of(asked, Transition) if "validate_state" in one.after}
        unsettled = {
            one.id for one in before.results if one.validate_state is ValidateState.INCONCLUSIVE
        }
        cancelled = any(one.after["error_mask"] is ErrorMask.CANCELLED for one in gave_up)
        assert wrong == (unsettled if gave_up and not cancelled else set())


@given(situations())
def test_exactly_the_copies_past_their_deadline_are_timed_out_whatever_else_happens(situation):
    before, needs = situation
    silent = {
        one.id
        for one in before.results
        if one.server_state is ServerState.IN_PROGRESS
        and one.report_deadline is not None
        and one.report_deadline < NOW
    }
    rested = after(before, transitioner.decide(before, needs, NOW), next_id=99)
    timed_out = {
        now.id
        for was, now in zip(before.results, rested.results, strict=False)
        if (was.outcome, now.outcome) == (Outcome.INIT, Outcome.NO_REPLY)
    }
    assert timed_out == silent


@given(situations())
def test_what_was_never_sent_is_called_back_once_nobody_needs_it(situation):
    before, needs = situation
    rested = after(before, transitioner.decide(before, needs, NOW), next_id=99)
    for was, now in zip(before.results, rested.results, strict=False):
        if was.server_state is ServerState.UNSENT:
            needless = rested.decided and (
                was.purpose is Purpose.COPY
                or (was.purpose is Purpose.TRUSTED and before.support is Support.TRUSTED)
                or (was.purpose is not Purpose.TRUSTED and needs.over)
                or before.canonical_result_id is None
            )
            assert (now.outcome is Outcome.DIDNT_NEED) == needless
        elif was.server_state is ServerState.OVER:
            assert (was.server_state, was.outcome) == (now.server_state, now.outcome)


@given(situations([Purpose.COPY]))
@example((unit(), Needs(copies=2, trusted=True)))
def test_as_many_copies_are_made_as_answers_are_lacking_and_the_total_allows(situation):
    before, needs = situation
    asked = transitioner.decide(before, needs, NOW)
    made = [one for one in one_of(asked, CreateResults) if one.purpose is Purpose.COPY]
    rested = after(before, asked, next_id=99)
    counted = {Outcome.INIT, Outcome.SUCCESS, Outcome.CLIENT_ERROR, Outcome.VALIDATE_ERROR}
    copies = [one for one in rested.results if one.purpose is Purpose.COPY]
    void = ValidateState.VOID
    total = sum(one.outcome in counted and one.validate_state is not void for one in copies)
    alive = sum(one.server_state is not ServerState.OVER for one in copies)
    first = 0 if before.results or not needs.copies else before.policy.target_nresults
    if made:
        assert not rested.error_mask
        assert total <= before.policy.max_total_results
        assert alive == max(needs.copies, first) or total == before.policy.max_total_results
        assert [one.not_before for one in made] == [needs.not_before]
    elif not rested.decided:
        assert alive >= needs.copies or total >= before.policy.max_total_results


@given(
    situations([Purpose.COPY]),
    st.lists(st.tuples(COPIES, st.sampled_from(OTHER_ENDS)), max_size=5),
)
def test_results_for_other_ends_count_neither_as_copies_nor_as_errors(situation, others):
    before, needs = situation
    extra = [made_for(copy(50 + at), purpose) for at, (copy, purpose) in enumerate(others)]
    crowded = msgspec.structs.replace(before, results=(*before.results, *extra))
    plain, more = (transitioner.decide(one, needs, NOW) for one in (before, crowded))
    if before.results:
        counts = [
            [one.count for one in one_of(asked, CreateResults) if one.purpose is Purpose.COPY]
            for asked in (plain, more)
        ]
        assert counts[0] == counts[1]
    masks = [after(one, asked, 99).error_mask for one, asked in ((before, plain), (crowded, more))]
    assert masks[0] is masks[1]


@given(situations())
def test_one_trusted_run_is_out_at_a_time(situation):
    before, needs = situation
    asked = transitioner.decide(before, needs, NOW)
    rested = after(before, asked, next_id=99)
    ordered = [one for one in one_of(asked, CreateResults) if one.purpose is Purpose.TRUSTED]
    under_way = any(
        was.purpose is Purpose.TRUSTED and now.server_state is not ServerState.OVER
        for was, now in zip(before.results, rested.results, strict=False)
    )
    expected = needs.trusted and not under_way and not rested.error_mask
    assert [(one.count, one.not_before) for one in ordered] == ([(1, 0)] if expected else [])


@given(situations())
def test_a_work_unit_is_looked_at_again_when_only_time_can_move_it_on(situation):
    before, needs = situation
    rested = after(before, transitioner.decide(before, needs, NOW), next_id=99)
    times = {needs.due_at, before.policy.deadline_at} - {None}
    assert rested.due_at == (None if rested.decided else min(times, default=None))
    assert transitioner.decide(rested, needs, NOW) == []


@pytest.mark.parametrize(
    ("purpose", "support", "job", "called_back"),
    [
        (Purpose.COPY,      Support.AGREED,  {},                  True),
        (Purpose.COPY,      Support.TRUSTED, {},                  True),
        (Purpose.TRUSTED,   Support.AGREED,  {},                  False),
        (Purpose.TRUSTED,   Support.TRUSTED, {},                  True),
        (Purpose.TRAP,      Support.TRUSTED, {},                  False),
        (Purpose.PROBATION, Support.TRUSTED, {},                  False),
        (Purpose.DECOY,     Support.AGREED,  {},                  False),
        (Purpose.TRUSTED,   Support.AGREED,  {"completed": True}, False),
        (Purpose.TRAP,      Support.TRUSTED, {"completed": True}, False),
        (Purpose.PROBE,     Support.TRUSTED, {"completed": True}, False),
        (Purpose.PROBATION, Support.TRUSTED, {"completed": True}, True),
        (Purpose.DECOY,     Support.AGREED,  {"completed": True}, True),
        (Purpose.TRUSTED,   Support.AGREED,  {"over": True},      False),
        (Purpose.TRAP,      Support.TRUSTED, {"over": True},      True),
        (Purpose.PROBE,     Support.TRUSTED, {"over": True},      True),
    ],
)  # fmt: skip
def test_a_verdict_calls_back_what_was_made_for_it_alone(purpose, support, job, called_back):
    one = unit(made_for(waiting(2), purpose), **DONE, support=support)
    rested = after(one, transitioner.decide(one, Needs(**job), NOW), next_id=9)
    assert (rested.results[0].outcome is Outcome.DIDNT_NEED) == called_back
    ready = rested.file_delete_state is FileDeleteState.READY
    assert ready == called_back, "and what is left may go in the same step"


def test_the_first_copies_are_told_from_those_made_again_which_go_before_others():
    (first,) = transitioner.decide(unit(priority=7), Needs(copies=2), NOW)
    assert (first.first, first.count, first.priority) == (True, 2, 7)
    (beside,) = transitioner.decide(unit(sent(1), priority=7), Needs(copies=2), NOW)
    assert (beside.first, beside.count, beside.priority) == (False, 1, 7)
    (again,) = transitioner.decide(unit(answered(1, "a"), priority=7), Needs(copies=1), NOW)
    assert (again.first, again.count, again.priority) == (False, 1, 7 + RETRY_PRIORITY)
    assert RETRY_PRIORITY > 0


@pytest.mark.parametrize("silent", [1, 2, 3])
def test_copies_timed_out_just_now_count_for_nothing_but_leaving(silent):
    overdue = [sent(number, deadline=NOW - 1) for number in range(1, silent + 1)]
    asked = transitioner.decide(unit(*overdue, max_total_results=2), Needs(copies=2), NOW)
    assert [one.count for one in one_of(asked, CreateResults)] == [2]
    bounded = unit(*overdue, max_abandoned_results=silent)
    rested = after(bounded, transitioner.decide(bounded, Needs(copies=2), NOW), next_id=99)
    assert rested.error_mask is ErrorMask.TOO_MANY_ABANDONED_RESULTS


def test_an_impossible_output_counts_towards_the_total():
    one = unit(answered(1, "a"), ended(2, Outcome.VALIDATE_ERROR), max_total_results=2)
    rested = after(one, transitioner.decide(one, Needs(copies=1), NOW), next_id=9)
    assert rested.error_mask is ErrorMask.TOO_MANY_TOTAL_RESULTS


@pytest.mark.parametrize(("deadline_at", "over"), [(None, False), (NOW, True), (NOW + 1, False)])
def test_a_job_past_its_deadline_gives_up_what_is_undecided(deadline_at, over):
    one = unit(sent(1), deadline_at=deadline_at)
    rested = after(one, transitioner.decide(one, Needs(copies=1), NOW), next_id=9)
    assert rested.error_mask is (ErrorMask.PAST_DEADLINE if over else ErrorMask.NONE)


def test_answers_of_a_cancelled_work_unit_are_not_called_wrong():
    open_one = unit(answered(1, "a", state=ValidateState.INCONCLUSIVE), sent(2))
    cancelled = after(open_one, transitioner.cancel(open_one), next_id=9)
    assert cancelled.results[0].validate_state is ValidateState.INCONCLUSIVE
    assert cancelled.assimilate_state is AssimilateState.READY


@pytest.mark.parametrize(
    ("copies", "needs", "ready"),
    [
        ([sent(2)], Needs(), False),
        ([sent(2, deadline=NOW - 1)], Needs(), True),
        ([sent(2, deadline=NOW - 1), sent(3)], Needs(), False),
        ([sent(2, deadline=NOW - 1), sent(3, deadline=NOW - 1)], Needs(), True),
        ([sent(2), sent(3)], Needs(), False),
        ([waiting(2)], Needs(), True),
        ([made_for(waiting(2), Purpose.TRAP)], Needs(), False),
        ([], Needs(trusted=True), False),
    ],
)
def test_leftovers_stay_while_anything_is_out_or_about_to_be(copies, needs, ready):
    one = unit(answered(1, "a", state=ValidateState.VALID), *copies, **DONE)
    asked = transitioner.decide(one, needs, NOW)
    rested = after(one, asked, next_id=9)
    assert (rested.file_delete_state is FileDeleteState.READY) == ready
    for change in one_of(asked, Transition):
        assert set(change.after) == set(change.before)
    assert [now.outcome for now in rested.results if now.purpose is Purpose.TRAP] == [
        Outcome.INIT for was in copies if was.purpose is Purpose.TRAP
    ]
