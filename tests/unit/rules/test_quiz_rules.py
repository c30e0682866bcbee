"""This file is where it stands when quizzes are made, and what an answer to one means."""

from __future__ import annotations

import msgspec
import pytest
from crowd import NOW, answered, chosen, computed, known, made, standard, step, with_answer

from grid.auditlog import entries
from grid.auditlog.entries import EntryKind
from grid.canonical import digest
from grid.items import Standing, WorkUnit
from grid.states import Purpose, Support
from grid.transition import CreateResults
from grid.validator import quizzes
from grid.validator.extras import TRAPS

RIGHT, WRONG = "right", "wrong"


def quiz(*results: object, number: int = 1) -> WorkUnit:
    """A quiz whose known answer is right."""
    return msgspec.structs.replace(standard(*results, computed(90, RIGHT)), ordinal=-number)


@pytest.mark.parametrize(
    ("made", "waiting", "work_units", "trap_room", "wanted"),
    [
        (0,   0, 1,    True,  True),
        (0,   0, 0,    True,  False),
        (3,   1, 1,    True,  True),
        (3,   2, 1,    True,  False),
        (5,   0, 1,    True,  False),
        (5,   0, 1000, True,  True),
        (53,  0, 1000, True,  True),
        (54,  0, 1000, True,  False),
        (0,   0, 1000, False, False),
    ],
)  # fmt: skip
def test_quizzes_are_few_and_made_as_they_are_taken(made, waiting, work_units, trap_room, wanted):
    assert quizzes.wanted(made, waiting, work_units, trap_room) is wanted


def test_a_quiz_follows_from_its_number_and_the_jobs_seed():
    seeds = [quizzes.seed_of("a seed", number) for number in range(1, 100)]
    assert seeds == [quizzes.seed_of("a seed", number) for number in range(1, 100)]
    assert len(set(seeds)) == 99 and all(0 <= each < quizzes.SEED_BELOW for each in seeds)
    assert quizzes.seed_of("another", 1) != seeds[0]
    places = {quizzes.imitated("a seed", number, 5) for number in range(1, 200)}
    assert places == set(range(5))


def test_a_quiz_is_asked_of_one_host_a_newcomer_or_as_drawn_of_anybody():
    drawn = {Purpose.QUIZ: 0, Purpose.PROBATION: 0}
    for number in range(1, 1001):
        one, _, _ = step(quiz(number=number), NOW, known(0, seed="a seed"))
        assert (chosen(one), one.support) == (digest(b"right"), Support.TRUSTED)
        (asked,) = [each for each in one.results if each.purpose is not Purpose.TRUSTED]
        drawn[asked.purpose] += 1
        assert step(one, NOW, known(0, seed="a seed"))[2] == []
    assert abs(drawn[Purpose.QUIZ] - 500) < 4 * 16, "every other one, as drawn"


@pytest.mark.parametrize("purpose", [Purpose.QUIZ, Purpose.PROBATION])
def test_who_gets_a_quiz_right_has_survived_a_check(purpose):
    one = quiz(answered(1, RIGHT, purpose=purpose))
    _, after, _ = step(one, NOW, known({1: 3}))
    assert after.standing(1) == Standing(volunteer_id=1, checks2=5, compared=4)


@pytest.mark.parametrize("purpose", [Purpose.QUIZ, Purpose.PROBATION])
def test_who_gets_a_quiz_wrong_begins_again_and_it_becomes_a_trap(purpose):
    one, after, _ = step(quiz(answered(1, WRONG, purpose=purpose)), NOW, known({1: 300}))
    assert after.standing(1) == Standing(volunteer_id=1, checks2=0, compared=301)
    assert len(made(one, Purpose.TRAP)) == TRAPS
    honest = answered(2, RIGHT, purpose=Purpose.TRAP)
    rested, after, _ = step(with_answer(one, honest), NOW + 1, after)
    assert after.standing(1).lies == 1, "an equal engine got it right: it was no bug"
    again = answered(3, WRONG, purpose=Purpose.TRAP)
    _, after, _ = step(with_answer(rested, again), NOW + 2, after)
    assert {who for who in (1, 2, 3) if after.caught(who)} == {1, 3}


def test_traps_for_a_wrong_answer_to_a_quiz_stay_within_their_budget():
    one = quiz(answered(1, WRONG, purpose=Purpose.QUIZ))
    assert not made(step(one, NOW, known(300, trap_room=False))[0], Purpose.TRAP)


@pytest.mark.parametrize("fields", [{"completed": True}, {"sealed": False}, {"over": True}])
def test_a_job_that_has_its_output_or_an_open_seal_asks_no_quiz(fields):
    assert len(step(quiz(), NOW, known(300, **fields))[0].results) == 1


def test_the_server_never_computes_a_quiz_also_when_its_answer_is_overruled():
    overruled = msgspec.structs.replace(computed(90, RIGHT), validate_state="void")
    answers = [answered(n, WRONG, purpose=Purpose.QUIZ) for n in (1, 2)]
    for checks2 in (0, 9000):
        for number in range(200):
            one = msgspec.structs.replace(
                standard(*answers, overruled), ordinal=-1, id=number, canonical_result_id=90
            )
            rested, _, _ = step(one, NOW + 90, known(checks2, seed="a seed"))
            assert not made(rested, Purpose.TRUSTED)


def test_the_log_says_of_a_quiz_what_was_known_and_that_it_was_asked():
    one = quiz()
    rested, after, batch = step(one, NOW, known(0))
    about = entries.About(job_id=1, public_id="job", public=True, key=b"key")
    lines = entries.of_unit(one, rested, batch, about, after, NOW)
    assert [line.kind for line in lines] == [EntryKind.TRAP, EntryKind.VERDICT]
    assert all(line.sealed for line in lines)
    trap, verdict = (line.facts for line in lines)
    assert (trap["work_unit"], trap["copies"], trap["quiz"]) == (-1, 1, True)
    assert (verdict["work_unit"], verdict["canonical"]) == (-1, digest(b"right"))
    asked = [each for each in batch if isinstance(each, CreateResults)]
    assert len(asked) == 1
