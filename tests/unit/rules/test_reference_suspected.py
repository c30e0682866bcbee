"""This file is where volunteers contradict the reference, and when it becomes the suspect."""

from __future__ import annotations

import msgspec
import pytest
from crowd import (
    NOW,
    answered,
    chosen,
    computed,
    known,
    made,
    settled,
    standard,
    step,
    with_answer,
)

from grid.canonical import digest
from grid.items import Standing
from grid.states import Purpose, Support
from grid.states import ValidateState as Validate
from grid.transition import Freeze
from grid.trust import NEWCOMER_CHECKS2
from grid.validator.snapshot import Snapshot

RIGHT, WRONG, OTHER = "right", "wrong", "other"
CHROMIUM, FIREFOX, WEBKIT = "chromium/130", "firefox/128", "webkit/2"


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


def united(*engines: str):
    return disputed(*((WRONG, engine) for engine in engines))


def test_three_kinds_of_engine_against_the_reference_freeze_the_job_and_ban_nobody():
    one, after, batch = step(united(CHROMIUM, FIREFOX, WEBKIT), NOW, crowd())
    assert [each.job_id for each in batch if isinstance(each, Freeze)] == [1]
    assert (one.canonical_result_id, banned(after)) == (None, set())
    assert all(after.standing(who).checks2 == 300 for who in (1, 2, 3))
    assert step(one, NOW, after)[2] == []


@pytest.mark.parametrize(
    "engines", [(CHROMIUM, FIREFOX), (CHROMIUM, "chromium/131", FIREFOX, "firefox/9")]
)
def test_two_kinds_are_not_three_whatever_their_versions(engines):
    batch = step(united(*engines), NOW, crowd())[2]
    assert not any(isinstance(each, Freeze) for each in batch)


def test_engines_that_agree_with_the_reference_are_no_doubt_of_it():
    one = disputed((RIGHT, CHROMIUM), (RIGHT, FIREFOX), (RIGHT, WEBKIT))
    rested, _, batch = step(one, NOW, crowd())
    assert chosen(rested) == digest(b"right")
    assert not any(isinstance(each, Freeze) for each in batch)


def test_the_reference_stands_where_one_volunteer_agrees_with_it():
    one = disputed((WRONG, CHROMIUM), (WRONG, FIREFOX), (WRONG, WEBKIT), (RIGHT, CHROMIUM))
    rested = settled(one, snapshot=crowd())
    assert chosen(rested) == digest(b"right")


@pytest.mark.parametrize(
    "who",
    [
        {1: 0, 2: 0, 3: 0, 7: 300, 8: 300, 9: 300},
        {1: 300, 2: 300, 3: NEWCOMER_CHECKS2 - 1, 7: 300},
        # nobody is known yet: three are quickly named by one
        {1: 0, 2: 0, 3: 0, 7: 0},
    ],
)
def test_strangers_who_name_three_engines_neither_freeze_a_job_nor_go_free(who):
    one, after, batch = step(united(CHROMIUM, FIREFOX, WEBKIT), NOW, known(who, sealed=False))
    assert not any(isinstance(each, Freeze) for each in batch)
    assert chosen(one) == digest(b"right")
    assert banned(step(with_answer(one, answered(7, RIGHT)), NOW, after)[1]) == {1, 2, 3}


@pytest.mark.parametrize(("frozen", "decided"), [(True, None), (False, digest(b"right"))])
def test_while_a_job_is_frozen_one_known_volunteer_among_three_engines_is_doubt_enough(
    frozen, decided
):
    """Another work unit of the job made its reference the suspect; nobody has looked yet."""
    one = united(CHROMIUM, FIREFOX, WEBKIT)
    rested, after, _ = step(one, NOW, known({1: 300, 2: 0, 3: 0}, sealed=False, frozen=frozen))
    assert (chosen(rested), banned(after)) == (decided, set())
    assert (after.standing(1).checks2 == 300) == frozen


def trapped(checks2: int, *traps: tuple[str, str]):
    """Two whom a trusted run contradicts, then traps that come back one by one, from volunteers
    who have survived so much; the work unit, and after which trap the job was frozen."""
    one, crowd, _ = step(united(CHROMIUM, FIREFOX), NOW, known(checks2))
    for number, (output, engine) in enumerate(traps, 1):
        (trap, *_) = made(one, Purpose.TRAP)
        who = 100 + number
        standings = {**crowd.standings, who: Standing(volunteer_id=who, checks2=checks2)}
        crowd = msgspec.structs.replace(crowd, standings=standings)
        told = answered(trap.id, output, who, volunteer_id=who, engine=engine, purpose=Purpose.TRAP)
        one, crowd, batch = step(with_answer(one, told), NOW + number, crowd)
        if any(isinstance(each, Freeze) for each in batch):
            return one, number
    return one, None


@pytest.mark.parametrize(
    ("checks2", "traps", "frozen_at"),
    [
        # checks2               answers to the traps                       frozen at
        (NEWCOMER_CHECKS2,      [(WRONG, WEBKIT)] * 8,                     4),
        (NEWCOMER_CHECKS2 - 1,  [(WRONG, WEBKIT)] * 8,                     None),
        (0,                     [(WRONG, WEBKIT)] * 8,                     None),
        (300,                   [(WRONG, CHROMIUM)] * 8,                   None),
        (300,                   [(WRONG, WEBKIT)] * 3,                     None),
        (300,                   [(WRONG, WEBKIT)] * 3 + [(RIGHT, WEBKIT)], None),
        (300,                   [(RIGHT, CHROMIUM)] + [(WRONG, WEBKIT)] * 7, None),
        (300,                   [(OTHER, WEBKIT)] + [(WRONG, WEBKIT)] * 7, None),
    ],
)  # fmt: skip
def test_where_even_traps_all_contradict_the_reference_it_is_the_suspect(checks2, traps, frozen_at):
    one, when = trapped(checks2, *traps)
    assert when == frozen_at
    assert (chosen(one) is None) == (when is not None), "what it decided is open again, or stands"


def test_once_an_admin_lets_a_frozen_job_go_on_its_reference_is_believed():
    one, frozen, _ = step(united(CHROMIUM, FIREFOX, WEBKIT), NOW, crowd())
    assert one.due_at is not None
    resumed = msgspec.structs.replace(frozen, frozen=False)
    rested, after, batch = step(one, one.due_at, resumed)
    assert chosen(rested) == digest(b"right")
    assert not any(isinstance(each, Freeze) for each in batch)
    assert banned(step(with_answer(rested, answered(7, RIGHT)), NOW, after)[1]) == {1, 2, 3}


def test_what_an_admin_has_overruled_decides_nothing_and_volunteers_do():
    snapshot = known(3000, sealed=False)
    one, frozen, _ = step(united(CHROMIUM, FIREFOX, WEBKIT), NOW, snapshot)
    overruled = msgspec.structs.replace(one.results[-1], validate_state=Validate.VOID)
    resumed = msgspec.structs.replace(frozen, frozen=False)
    rested, after, _ = step(with_answer(one, overruled), NOW, resumed)
    assert (chosen(rested), rested.support) == (digest(b"wrong"), Support.AGREED)
    assert banned(after) == set()
    assert not made(rested, Purpose.TRUSTED)
