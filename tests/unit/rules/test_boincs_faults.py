"""This file is where each known fault of BOINC's server is shown to be mended here.

Where a fault is one of the store or of HTTP, its test stands there:

- floor(min_quorum/2)+1 equal answers are enough
    test_three_right_answers_beat_two_wrong_ones
- quorum 2 and 3 have the same worst-case error
    test_what_is_accepted_is_doubted_less_than_promised
- one trust coin per request covers many jobs
    test_each_result_has_a_coin_of_its_own
- what a caught host said before stands
    test_what_the_caught_said_before_is_taken_back_and_the_log_says_so
- no spot-checks
    test_a_share_of_accepted_work_is_computed_again
- one result per user is off, and identities are free
    test_two_answers_of_one_principal_are_one
- a quota doubles on what is merely reported
    test_a_host_that_only_fails_is_soon_sent_one_result_in_ten_minutes_and_can_recover
- "ghosts": no receipt for an assignment
    test_what_a_host_never_heard_of_is_given_to_it_again_at_once
- the feeder caps dispatch
    test_two_equal_answers_make_a_result_canonical_in_the_transaction_that_takes_them
- six synced commits a job
    test_a_command_that_fails_does_not_break_up_its_batch
- the assimilator exits on a handler's error
    test_a_job_whose_merge_fails_fails_alone
- db_purge destroys the evidence
    test_years_after_its_job_a_work_unit_still_tells_its_whole_story
- no-reply results count towards max_total
    test_leaving_kills_no_work_unit_and_has_a_bound_of_its_own
"""

from __future__ import annotations

import ast
from itertools import permutations, product
from pathlib import Path

import msgspec
import pytest
from crowd import NOW, answered, caught, chosen, ended, known, made, settled, standard, step, unit
from hypothesis import given
from hypothesis import strategies as st

from grid.auditlog import entries
from grid.auditlog.entries import About, EntryKind
from grid.canonical import digest
from grid.items import Mode
from grid.states import AssimilateState, ErrorMask, Outcome, Purpose, ServerState, Support
from grid.states import ValidateState as Validate
from grid.transition import merged
from grid.validator.credibility import Vote, accepted, weigh
from grid.validator.modes import PROMISES

TESTS = Path(__file__).parents[2]
RIGHT, WRONG = "right", "wrong"


def test_three_right_answers_beat_two_wrong_ones():
    for order in set(permutations([WRONG, WRONG, RIGHT, RIGHT, RIGHT])):
        answers = [answered(n, output) for n, output in enumerate(order, 1)]
        for came_in in range(3, 6):
            one = settled(unit(*answers[:came_in], min_quorum=3, target_nresults=3))
            right = order[:came_in].count(RIGHT) == 3
            assert chosen(one) == (digest(b"right") if right else None)
        states = {RIGHT: Validate.VALID, WRONG: Validate.INVALID}
        assert [each.validate_state for each in one.results] == [states[each] for each in order]


@pytest.mark.parametrize("min_quorum", [2, 3, 4])
def test_a_minority_never_decides_however_it_came_in(min_quorum):
    for order in product((WRONG, RIGHT), repeat=2 * min_quorum - 1):
        answers = [answered(n, output) for n, output in enumerate(order, 1)]
        one = settled(unit(*answers, min_quorum=min_quorum, max_success_results=99))
        winner = max((RIGHT, WRONG), key=order.count)
        assert chosen(one) == digest(winner.encode())


@given(st.lists(st.sampled_from([0, 0, 4, 40, 400]), min_size=1, max_size=8))
def test_what_is_accepted_is_doubted_less_than_promised(crowd):
    """Two newcomers or three are wrong far too often, whatever a quorum says."""
    weighed = weigh([Vote("a", who, checks2, "x/1") for who, checks2 in enumerate(crowd)])
    for promised in PROMISES.values():
        if accepted(weighed, promised):
            assert weighed.doubt <= promised.max_error
        if crowd == [0] * len(crowd):
            assert not accepted(weighed, promised)


def test_each_result_has_a_coin_of_its_own():
    """Fifty work units of one request: some drawn, most not, and nobody can tell which."""
    snapshot = known(9000, seed="a seed")
    drawn = []
    for number in range(50):
        lone = msgspec.structs.replace(unit(answered(1, RIGHT), mode=Mode.ECONOMY), id=number)
        drawn.append(not settled(lone, snapshot=snapshot).decided)
    assert 0 < sum(drawn) < 25
    other = msgspec.structs.replace(snapshot, seed="another")
    assert drawn != [
        not settled(
            msgspec.structs.replace(unit(answered(1, RIGHT), mode=Mode.ECONOMY), id=number),
            snapshot=other,
        ).decided
        for number in range(50)
    ]


def test_what_the_caught_said_before_is_taken_back_and_the_log_says_so():
    snapshot = known(3000)
    one = settled(standard(answered(1, WRONG), answered(2, WRONG)), snapshot=snapshot)
    one = msgspec.structs.replace(one, assimilate_state=AssimilateState.DONE)
    opened, _, batch = step(one, NOW, caught(snapshot, 1))
    assert opened.canonical_result_id is None
    assert opened.assimilate_state is AssimilateState.INIT
    about = About(job_id=1, public_id="job_x", public=True, key=b"k" * 32)
    told = entries.of_unit(one, opened, merged(batch), about, snapshot, NOW)
    (retract,) = [line for line in told if line.kind is EntryKind.RETRACT]
    assert retract.facts["canonical"] == digest(b"wrong")
    assert retract.sealed


def test_a_share_of_accepted_work_is_computed_again():
    snapshot = known(9000, seed="a seed")
    drawn = 0
    for number in range(2000):
        pair = standard(answered(1, RIGHT), answered(2, RIGHT))
        one = settled(msgspec.structs.replace(pair, id=number), snapshot=snapshot)
        assert one.support is Support.AGREED
        drawn += bool(made(one, Purpose.TRUSTED))
    assert 5 <= drawn <= 40


@pytest.mark.parametrize("mode", sorted(Mode))
def test_two_answers_of_one_principal_are_one(mode):
    policy = {"mode": mode, "min_quorum": 2, "target_error_ppb": None}
    alike = unit(answered(1, RIGHT, 7), answered(2, RIGHT, 7), **policy)
    snapshot = known(400 if mode is not Mode.ECONOMY else 200, seed="seed5")
    assert settled(alike, snapshot=snapshot).canonical_result_id is None
    apart = unit(answered(1, RIGHT, 7), answered(2, RIGHT, 8), **policy)
    assert settled(apart, snapshot=known(90_000)).canonical_result_id is not None


def test_leaving_kills_no_work_unit_and_has_a_bound_of_its_own():
    left = [ended(n, (Outcome.NO_REPLY, Outcome.ABANDONED)[n % 2]) for n in range(1, 31)]
    one = settled(unit(*left, max_total_results=3, max_error_results=1))
    assert one.error_mask is ErrorMask.NONE
    assert sum(each.server_state is ServerState.UNSENT for each in one.results) == 2
    bounded = settled(unit(*left, max_abandoned_results=30))
    assert bounded.error_mask is ErrorMask.TOO_MANY_ABANDONED_RESULTS


def test_every_row_of_the_table_has_its_test():
    lines = (__doc__ or "").splitlines()
    named = {line.strip() for line in lines if line.startswith("    test_")}
    assert len(named) == sum(line.startswith("- ") for line in lines) == 13
    known_tests = {
        item.name
        for path in TESTS.rglob("test_*.py")
        for item in ast.walk(ast.parse(path.read_text()))
        if isinstance(item, ast.FunctionDef)
    }
    assert named - known_tests == set()
