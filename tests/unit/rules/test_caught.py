"""This file is where lies come home, and whoever was banned for nothing is heard."""

from __future__ import annotations

import msgspec
import pytest
from crowd import (
    NOW,
    answered,
    caught,
    chosen,
    computed,
    ended,
    known,
    made,
    sent,
    settled,
    standard,
    step,
    unit,
    with_answer,
)

from grid.canonical import digest
from grid.items import Mode, Standing, WorkUnit
from grid.states import AssimilateState, Outcome, Purpose, Support
from grid.states import FileDeleteState as Deletion
from grid.states import ValidateState as Validate
from grid.transition import Adjust, Quarantine, Transition
from grid.validator.snapshot import Snapshot

RIGHT, WRONG, OTHER = "right", "wrong", "other"
CHROMIUM, FIREFOX, WEBKIT = "chromium/130", "firefox/128", "webkit/2"
MERGED = {"assimilate_state": AssimilateState.DONE}


def disputed(*answers: tuple[str, str], principals: list[int] | None = None):
    """A work unit with these (output, engine) answers that the server has computed: right."""
    who = principals or list(range(1, len(answers) + 1))
    results = [
        answered(n, output, principal, engine=engine)
        for n, ((output, engine), principal) in enumerate(zip(answers, who, strict=True), 1)
    ]
    return standard(*results, computed(90, RIGHT))


def crowd(**fields: object) -> Snapshot:
    """Volunteers 1 to 9 who have survived much, in a job whose seal is open: nothing secret."""
    return known(300, sealed=False, **fields)


def banned(snapshot: Snapshot) -> set[int]:
    return {who for who, each in snapshot.standings.items() if each.banned_at is not None}


# One liar


def test_a_lone_lie_sets_checks_to_nothing_and_bans_nobody():
    one, after, _ = step(disputed((RIGHT, CHROMIUM), (WRONG, CHROMIUM)), NOW, crowd())
    assert after.standing(2) == Standing(volunteer_id=2, checks2=0, compared=301, lies=1)
    assert after.standing(1).checks2 == 302
    assert [each.lied for each in one.results] == [False, True, False]


@pytest.mark.parametrize(
    ("lies", "compared", "is_banned"),
    [
        # told before  compared before  banned
        (0,            0,               False),
        (1,            0,               True),
        (1,            398,             True),
        (1,            399,             False),
        (2,            598,             True),
        (2,            599,             False),
        (9,            100_000,         False),
    ],
)  # fmt: skip
def test_lies_ban_from_the_second_on_and_above_five_in_a_thousand(lies, compared, is_banned):
    before = crowd()
    standings = {**before.standings, 2: Standing(volunteer_id=2, compared=compared, lies=lies)}
    before = msgspec.structs.replace(before, standings=standings)
    _, after, batch = step(disputed((RIGHT, CHROMIUM), (WRONG, CHROMIUM)), NOW, before)
    assert banned(after) == ({2} if is_banned else set())
    reasons = [each.ban for each in batch if isinstance(each, Adjust) and each.ban]
    assert reasons == (["wrong answers"] if is_banned else [])


def test_whether_a_lone_wrong_answer_is_a_lie_or_a_bug_only_an_equal_engine_tells():
    one, after, batch = step(disputed((RIGHT, CHROMIUM), (WRONG, FIREFOX)), NOW, crowd())
    assert after.standing(2) == Standing(volunteer_id=2, checks2=0, compared=301)
    assert not any(isinstance(each, Quarantine) for each in batch)
    later = with_answer(one, answered(3, RIGHT, engine=FIREFOX))
    assert step(later, NOW, after)[1].standing(2).lies == 1


def test_volunteers_who_agree_against_one_cost_it_its_checks_but_prove_no_lie():
    one = standard(answered(1, RIGHT), answered(2, RIGHT), answered(3, WRONG))
    rested, after, _ = step(one, NOW, known({1: 3000, 2: 3000, 3: 3}, sealed=False))
    assert rested.support is Support.AGREED
    assert after.standing(3) == Standing(volunteer_id=3, checks2=0, compared=4)


@pytest.mark.parametrize(
    ("support", "gained"),
    [(Support.AGREED, 1), (Support.TRUSTED, 2), (Support.BELOW_TARGET, 0)],
)
def test_an_agreement_is_worth_half_a_check_and_a_trusted_run_a_whole_one(support, gained):
    answers = [answered(1, RIGHT), answered(2, RIGHT)]
    snapshot = known(3000, sealed=False)
    if support is Support.TRUSTED:
        answers.append(computed(90, RIGHT))
    if support is Support.BELOW_TARGET:
        snapshot = known(0, room=False)
    rested, after, _ = step(standard(*answers), NOW + 90, snapshot)
    assert rested.support is support
    assert after.standing(1).checks2 - snapshot.standing(1).checks2 == gained


def test_a_recheck_makes_the_half_check_whole_and_counts_nothing_twice():
    agreed, after, _ = step(standard(answered(1, RIGHT), answered(2, RIGHT)), NOW, known(3000))
    proven, last, _ = step(with_answer(agreed, computed(90, RIGHT)), NOW, after)
    assert [each.checks2 for each in proven.results[:2]] == [2, 2]
    assert last.standing(1) == Standing(volunteer_id=1, checks2=3002, compared=3001)
    assert not [each for each in step(proven, NOW, last)[2] if isinstance(each, Adjust)]


def adjusted(one: WorkUnit, snapshot: Snapshot) -> dict[int, tuple[bool, int]]:
    """Volunteer → whether its checks start from zero, and how many half checks are added then."""
    batch = step(one, NOW, snapshot)[2]
    adjusts = [each for each in batch if isinstance(each, Adjust)]
    return {each.volunteer_id: (each.reset, each.checks2) for each in adjusts}


def test_whoever_begins_again_from_zero_has_nothing_to_give_back():
    one = agreed(WRONG, WRONG, snapshot=known(3000))
    assert [each.checks2 for each in one.results[:2]] == [1, 1]
    overturned = adjusted(with_answer(one, computed(90, RIGHT)), known(3000))
    assert overturned == {1: (True, 0), 2: (True, 0)}


@pytest.mark.parametrize("outputs", [(RIGHT, WRONG), (WRONG, RIGHT)])
def test_what_one_volunteer_got_right_beside_a_wrong_answer_counts_after_its_fall(outputs):
    first, second = outputs
    trap = answered(2, second, 1, volunteer_id=1, purpose=Purpose.TRAP)
    both = standard(answered(1, first), trap, computed(90, RIGHT))
    assert adjusted(both, known(3000))[1] == (True, 2)


def test_a_lone_source_gains_nothing_by_itself_nor_does_its_rate_of_lies_fall():
    one = unit(answered(1, RIGHT), mode=Mode.ECONOMY)
    before = known(9000, seed="seed5")
    rested, after, _ = step(one, NOW, before)
    assert rested.support is Support.AGREED
    assert after.standing(1) == before.standing(1)


@pytest.mark.parametrize(("after", "gained"), [(0, 2), (1, 0)])
def test_whoever_could_read_the_output_proves_nothing_by_giving_it(after, gained):
    late = answered(2, RIGHT, purpose=Purpose.TRAP, received_at=NOW + 9 + after)
    before = known(8, output_at=NOW + 9, completed=True)
    _, crowd, _ = step(standard(answered(1, RIGHT), late, computed(90, RIGHT)), NOW + 20, before)
    assert crowd.standing(1).checks2 == 10
    assert crowd.standing(2).checks2 == 8 + gained
    assert crowd.standing(2).compared == 8 + bool(gained)


def test_whoever_repeats_a_known_lie_is_caught_whenever_that_is():
    late = answered(2, WRONG, purpose=Purpose.TRAP, received_at=NOW + 10)
    right = answered(3, RIGHT, purpose=Purpose.TRAP, received_at=NOW + 11)
    before = known(8, output_at=NOW + 9, completed=True)
    one = standard(answered(1, WRONG), late, right, computed(90, RIGHT))
    assert banned(step(one, NOW + 20, before)[1]) == {1, 2}


def test_what_two_newcomers_agree_on_below_target_is_no_comparison():
    before = known(0, room=False)
    one = standard(answered(1, RIGHT), answered(2, RIGHT))
    rested, after, _ = step(one, NOW + 90, before)
    assert rested.support is Support.BELOW_TARGET
    assert after.standing(1) == before.standing(1)


# Two who tell the same


@pytest.mark.parametrize(
    ("answers", "principals", "who"),
    [
        # answers                                                     principals  banned
        ([(WRONG, CHROMIUM), (WRONG, FIREFOX)],                       [1, 2],     set()),
        ([(WRONG, CHROMIUM), (WRONG, FIREFOX), (RIGHT, WEBKIT)],      [1, 2, 3],  {1, 2}),
        ([(WRONG, CHROMIUM), (WRONG, FIREFOX), (RIGHT, WEBKIT)],      [1, 1, 3],  set()),
        ([(WRONG, CHROMIUM), (OTHER, FIREFOX), (RIGHT, WEBKIT)],      [1, 2, 3],  set()),
        ([(WRONG, CHROMIUM), (WRONG, CHROMIUM)],                      [1, 2],     set()),
        ([(WRONG, CHROMIUM), (WRONG, "chromium/131")],                [1, 2],     set()),
        ([(WRONG, CHROMIUM), (WRONG, CHROMIUM), (RIGHT, CHROMIUM)],   [1, 2, 3],  {1, 2}),
        ([(WRONG, CHROMIUM), (WRONG, CHROMIUM), (RIGHT, FIREFOX)],    [1, 2, 3],  set()),
    ],
)  # fmt: skip
def test_the_same_wrong_answer_of_two_bans_both_where_it_cannot_be_one_engines_bug(
    answers, principals, who
):
    _, after, batch = step(disputed(*answers, principals=principals), NOW, crowd())
    assert banned(after) == who
    reasons = {each.ban for each in batch if isinstance(each, Adjust) and each.ban}
    assert reasons == ({"the same wrong answer as another"} if who else set())


def test_while_no_volunteer_got_it_right_it_may_be_the_reference_and_a_trap_tells():
    one, after, _ = step(disputed((WRONG, CHROMIUM), (WRONG, FIREFOX)), NOW, known(300))
    assert banned(after) == set()
    trap = made(one, Purpose.TRAP)[0]
    honest = answered(trap.id, RIGHT, 5, volunteer_id=5, engine=WEBKIT, purpose=Purpose.TRAP)
    _, last, _ = step(with_answer(one, honest), NOW, after)
    assert banned(last) == {1, 2}


# A ban, and an appeal


def agreed(*outputs: str, snapshot: Snapshot, **fields: object):
    results = [answered(n, output) for n, output in enumerate(outputs, 1)]
    one = settled(standard(*results, **fields), snapshot=snapshot)
    return msgspec.structs.replace(one, **MERGED)


def test_a_ban_voids_what_its_volunteer_said_and_opens_the_work_unit_again():
    snapshot = known(3000)
    one = agreed(RIGHT, RIGHT, snapshot=snapshot)
    assert one.support is Support.AGREED
    rested = settled(one, snapshot=caught(snapshot, 1))
    assert [each.validate_state for each in rested.results[:2]] == [
        Validate.VOID,
        Validate.INCONCLUSIVE,
    ]
    assert (rested.canonical_result_id, rested.support) == (None, Support.NONE)
    assert rested.assimilate_state is AssimilateState.INIT
    assert made(rested, Purpose.COPY)


def test_what_a_trusted_run_covers_stays_when_its_volunteer_is_banned():
    snapshot = known(3000)
    one = settled(disputed((RIGHT, CHROMIUM), (RIGHT, CHROMIUM)), snapshot=snapshot)
    rested = settled(one, snapshot=caught(snapshot, 1))
    assert rested.canonical_result_id == one.canonical_result_id == 1
    assert rested.results[0].validate_state is Validate.VALID


def test_a_verdict_that_stands_without_the_banned_is_not_merged_again():
    snapshot = known(3000)
    one = agreed(RIGHT, RIGHT, RIGHT, snapshot=snapshot)
    assert one.canonical_result_id == 1
    rested = settled(one, snapshot=caught(snapshot, 1))
    assert (rested.canonical_result_id, chosen(rested)) == (2, chosen(one))
    assert rested.assimilate_state is AssimilateState.DONE
    assert rested.results[0].validate_state is Validate.VOID


@pytest.mark.parametrize("deletion", [Deletion.READY, Deletion.DONE])
def test_what_was_ready_to_be_deleted_is_needed_again_once_another_output_is_the_right_one(
    deletion,
):
    one = agreed(WRONG, WRONG, snapshot=known(3000))
    one = msgspec.structs.replace(one, file_delete_state=deletion)
    rested = settled(with_answer(one, computed(90, RIGHT)), snapshot=known(3000))
    assert (chosen(rested), rested.assimilate_state) == (digest(b"right"), AssimilateState.READY)
    assert rested.file_delete_state is Deletion.INIT
    same = settled(with_answer(one, computed(90, WRONG)), snapshot=known(3000))
    assert (same.assimilate_state, same.file_delete_state) == (AssimilateState.DONE, deletion)


def test_a_verdict_below_target_does_not_outlive_half_of_those_behind_it():
    young = known(0, room=False)
    one = settled(standard(answered(1, RIGHT), answered(2, RIGHT)), NOW + 90, young)
    assert one.support is Support.BELOW_TARGET
    rested = settled(one, NOW + 90, caught(young, 2))
    assert (rested.canonical_result_id, rested.support) == (None, Support.NONE)


def test_an_appeal_granted_makes_answers_count_again():
    snapshot = known(3000)
    one = agreed(RIGHT, RIGHT, snapshot=snapshot)
    opened = settled(one, snapshot=caught(snapshot, 1))
    restored = settled(opened, snapshot=caught(caught(snapshot, 1), 1, free=True))
    assert (chosen(restored), restored.support) == (digest(b"right"), Support.AGREED)
    assert restored.results[0].validate_state is Validate.VALID
    assert not made(restored, Purpose.COPY)


@pytest.mark.parametrize(
    "answers",
    [
        [(WRONG, CHROMIUM), (RIGHT, CHROMIUM)],
        [(WRONG, CHROMIUM), (WRONG, FIREFOX), (RIGHT, WEBKIT)],
    ],
)
def test_whoever_was_let_off_is_not_banned_again_for_the_same(answers):
    before = crowd()
    liar = {**before.standings, 1: Standing(volunteer_id=1, lies=1)}
    before = msgspec.structs.replace(before, standings=liar)
    one, after, _ = step(disputed(*answers), NOW, before)
    assert 1 in banned(after)
    freed = caught(after, 1, free=True)
    looked_at_again, last, _ = step(one, NOW, freed)
    assert 1 not in banned(last)
    fellow = answered(8, WRONG, engine=WEBKIT, purpose=Purpose.TRAP)
    assert 8 in banned(step(with_answer(looked_at_again, fellow), NOW, last)[1])


def test_in_fixed_mode_a_ban_opens_what_lacks_its_quorum_and_keeps_the_rest():
    snapshot = known(0)
    pair = settled(unit(answered(1, RIGHT), answered(2, RIGHT)), snapshot=snapshot)
    opened = settled(pair, snapshot=caught(snapshot, 2))
    assert opened.canonical_result_id is None
    assert len(made(opened, Purpose.COPY)) == 1
    three = settled(unit(*(answered(n, RIGHT) for n in (1, 2, 3))), snapshot=snapshot)
    assert settled(three, snapshot=caught(snapshot, 2)).canonical_result_id == 1


def test_a_banned_volunteers_late_answer_is_void_at_once():
    snapshot = caught(known(3000), 3)
    one = agreed(RIGHT, RIGHT, snapshot=known(3000))
    rested = settled(with_answer(one, answered(3, WRONG)), snapshot=snapshot)
    assert rested.results[-1].validate_state is Validate.VOID
    assert rested.support is Support.AGREED


@pytest.mark.parametrize("outcome", [Outcome.CLIENT_ERROR, Outcome.NO_REPLY, Outcome.ABANDONED])
def test_what_the_banned_left_without_an_answer_is_judged_by_nobody(outcome):
    one = standard(answered(1, RIGHT), ended(2, outcome), sent(3))
    _, _, batch = step(one, NOW, caught(known(3000), 2, 3))
    assert not [each for each in batch if isinstance(each, Transition) and each.id in (2, 3)]
    proven = with_answer(one, computed(90, RIGHT))
    assert adjusted(proven, known(3000)) == {1: (False, 2)}


def test_an_answer_that_counts_for_nothing_is_compared_with_nothing():
    one = standard(*(answered(number, RIGHT) for number in (1, 2, 3)))
    rested = settled(one, snapshot=caught(known(3000), 3))
    assert [each.compared for each in rested.results[:3]] == [True, True, False]
