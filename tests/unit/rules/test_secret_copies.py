"""This file is where decided work is asked for once more: rechecks, traps, probation, decoys."""

from __future__ import annotations

import itertools

import msgspec
import pytest
from crowd import NOW, answered, chosen, computed, known, made, settled, standard, unit, with_answer

from grid.items import Mode, WorkUnit
from grid.states import Purpose, Support
from grid.transition import CreateResults
from grid.validator import settle
from grid.validator.extras import DECOY_SHARE, PROBATION_COPIES, TRAP_SPREAD_S, TRAPS
from grid.validator.modes import PROMISES
from grid.validator.toss import commitment, toss

RIGHT, WRONG = "right", "wrong"
#: Work units over which a share is counted, and how far chance may carry it: four deviations.
MANY = 4000


def seed_where(what: str, share: float, drawn: bool) -> str:
    """A seed by which work unit 1 is drawn, or is not, and is drawn for nothing else."""
    others = {"recheck": 0.02, "second": 0.1, "decoy": 0.02}
    for number in itertools.count():
        seed = f"seed {number}"
        free = all(toss(seed, name, 1) >= most for name, most in others.items() if name != what)
        if free and (toss(seed, what, 1) < share) == drawn:
            return seed
    raise AssertionError


def agreed(mode: Mode = Mode.STANDARD, **fields: object) -> WorkUnit:
    return unit(answered(1, RIGHT), answered(2, RIGHT), mode=mode, **fields)


def proven(*outputs: str) -> WorkUnit:
    """Answers that the server has computed as well: right."""
    results = [answered(n, output) for n, output in enumerate(outputs, 1)]
    return standard(*results, computed(90, RIGHT))


def drawn_of(purpose: Purpose, mode: Mode, answers: int = 2) -> int:
    """Of how many work units a copy for this purpose is made."""
    snapshot = known(90_000, seed="a seed")
    results = tuple(answered(n, RIGHT) for n in range(1, answers + 1))
    count = 0
    for number in range(MANY):
        one = msgspec.structs.replace(unit(*results, mode=mode), id=number)
        batch = settle(one, lambda u: {r.id: r.output_digest or "" for r in u.results}, snapshot, 0)
        count += any(isinstance(b, CreateResults) and b.purpose is purpose for b in batch)
    return count


def near(count: int, share: float) -> bool:
    return abs(count - share * MANY) <= 4 * (MANY * share * (1 - share)) ** 0.5


@pytest.mark.parametrize("mode", sorted(PROMISES))
def test_the_share_of_work_that_the_server_computes_again_is_the_modes(mode):
    assert near(drawn_of(Purpose.TRUSTED, mode), PROMISES[mode].recheck)


def test_one_lone_source_in_ten_gets_a_second_copy_all_the_same():
    assert PROMISES[Mode.ECONOMY].hidden_second == 0.1
    assert near(drawn_of(Purpose.COPY, Mode.ECONOMY, answers=1), 0.1)
    assert drawn_of(Purpose.COPY, Mode.ECONOMY, answers=2) == 0


def test_one_agreed_work_unit_in_fifty_gets_a_needless_copy():
    assert DECOY_SHARE == 0.02
    assert near(drawn_of(Purpose.DECOY, Mode.STANDARD), DECOY_SHARE)


def test_a_hidden_second_copy_that_agrees_decides_and_one_that_differs_is_a_dispute():
    snapshot = known(9000, seed=seed_where("second", 0.1, drawn=True))
    asked = settled(unit(answered(1, RIGHT), mode=Mode.ECONOMY), snapshot=snapshot)
    (copy,) = made(asked, Purpose.COPY)
    same = settled(with_answer(asked, answered(copy.id, RIGHT)), snapshot=snapshot)
    assert same.support is Support.AGREED
    other = settled(with_answer(asked, answered(copy.id, WRONG)), snapshot=snapshot)
    assert made(other, Purpose.TRUSTED)


@pytest.mark.parametrize("drawn", [True, False])
def test_a_recheck_is_drawn_from_the_seed_and_made_once(drawn):
    snapshot = known(9000, seed=seed_where("recheck", 0.01, drawn))
    rested = settled(agreed(), snapshot=snapshot)
    assert rested.support is Support.AGREED
    assert len(made(rested, Purpose.TRUSTED)) == drawn
    assert len(settled(rested, snapshot=snapshot).results) == len(rested.results)
    if drawn:
        (run,) = made(rested, Purpose.TRUSTED)
        wrong = settled(with_answer(rested, computed(run.id, WRONG)), snapshot=snapshot)
        assert wrong.canonical_result_id == run.id


def test_a_failed_recheck_is_not_made_again_and_the_verdict_stands():
    snapshot = known(9000, seed=seed_where("recheck", 0.01, drawn=True))
    rested = settled(agreed(), snapshot=snapshot)
    (run,) = made(rested, Purpose.TRUSTED)
    failed = msgspec.structs.replace(computed(run.id, ""), outcome="client_error")
    failed = msgspec.structs.replace(failed, output_digest=None)
    again = settled(with_answer(rested, failed), snapshot=snapshot)
    assert (again.support, made(again, Purpose.TRUSTED)) == (Support.AGREED, [])


@pytest.mark.parametrize(
    ("fields", "traps", "newcomers"),
    [
        # the job                  traps  probation
        ({},                       TRAPS, 0),
        ({"sealed": False},        0,     0),
        ({"over": True},           0,     0),
        ({"trap_room": False},     0,     PROBATION_COPIES),
        ({"room": False},          TRAPS, 0),
    ],
)  # fmt: skip
def test_a_decided_dispute_is_issued_eight_times_more_while_it_is_secret(fields, traps, newcomers):
    assert TRAPS == 8
    snapshot = known(300, seed="a seed", **fields)
    rested = settled(proven(RIGHT, WRONG), snapshot=snapshot)
    assert len(made(rested, Purpose.TRAP)) == traps
    assert len(made(rested, Purpose.PROBATION)) == newcomers
    assert len(settled(rested, snapshot=snapshot).results) == len(rested.results)


def test_traps_do_not_go_out_together():
    rested = settled(proven(RIGHT, WRONG), snapshot=known(300, seed="a seed"))
    times = [trap.not_before for trap in made(rested, Purpose.TRAP)]
    assert len(set(times)) > TRAPS // 2
    assert min(times) >= NOW and max(times) <= NOW + TRAP_SPREAD_S


def test_a_colluder_who_repeats_the_known_lie_in_a_trap_is_banned_with_the_first_liar():
    snapshot = known(300, seed="a seed")
    rested = settled(proven(RIGHT, WRONG), snapshot=snapshot)
    trap = made(rested, Purpose.TRAP)[0]
    repeated = answered(trap.id, WRONG, 5, volunteer_id=5, purpose=Purpose.TRAP)
    batch = settle(
        with_answer(rested, repeated),
        lambda u: {r.id: r.output_digest or "" for r in u.results},
        snapshot,
        NOW,
    )
    assert {b.volunteer_id for b in batch if getattr(b, "ban", "")} == {2, 5}


@pytest.mark.parametrize("output", [RIGHT, WRONG])
def test_an_honest_or_a_lone_wrong_answer_to_a_trap_bans_nobody_else(output):
    snapshot = known(300, seed="a seed")
    rested = settled(proven(RIGHT, "another lie"), snapshot=snapshot)
    trap = made(rested, Purpose.TRAP)[0]
    given = answered(trap.id, output, 5, volunteer_id=5, purpose=Purpose.TRAP)
    done = settled(with_answer(rested, given), snapshot=snapshot)
    assert chosen(done) == chosen(rested)
    assert len(done.results) == len(rested.results)


def test_work_whose_answer_a_trusted_run_knows_makes_newcomers_known():
    rested = settled(proven(RIGHT, RIGHT), snapshot=known(0, seed="a seed"))
    copies = made(rested, Purpose.PROBATION)
    assert len(copies) == PROBATION_COPIES
    given = answered(copies[0].id, RIGHT, 7, purpose=Purpose.PROBATION)
    done = settled(with_answer(rested, given), snapshot=known(0, seed="a seed"))
    (one,) = [each for each in done.results if each.id == given.id]
    assert one.checks2 == 2
    assert len(made(done, Purpose.PROBATION)) == PROBATION_COPIES - 1


def test_a_decoy_that_dissents_is_a_dissent():
    snapshot = known(60, seed=seed_where("decoy", DECOY_SHARE, drawn=True))
    rested = settled(agreed(), snapshot=snapshot)
    (decoy,) = made(rested, Purpose.DECOY)
    given = answered(decoy.id, WRONG, 5, volunteer_id=5, purpose=Purpose.DECOY)
    assert made(settled(with_answer(rested, given), snapshot=snapshot), Purpose.TRUSTED)


def test_once_a_job_has_its_output_only_what_may_find_liars_is_made():
    snapshot = known(60, seed=seed_where("decoy", DECOY_SHARE, drawn=True), completed=True)
    assert len(settled(agreed(), snapshot=snapshot).results) == 2
    assert not made(settled(proven(RIGHT, RIGHT), snapshot=snapshot), Purpose.PROBATION)
    assert len(made(settled(proven(RIGHT, WRONG), snapshot=snapshot), Purpose.TRAP)) == TRAPS
    drawn = known(9000, seed=seed_where("recheck", 0.01, drawn=True), completed=True)
    assert made(settled(agreed(), snapshot=drawn), Purpose.TRUSTED)


@pytest.mark.parametrize("fields", [{"sealed": False}, {"over": True}])
def test_once_the_seal_is_open_or_the_job_over_nothing_secret_is_made(fields):
    for what, share in (("recheck", 0.01), ("decoy", DECOY_SHARE)):
        snapshot = known(9000, seed=seed_where(what, share, drawn=True), **fields)
        assert len(settled(agreed(), snapshot=snapshot).results) == 2


def test_tosses_follow_from_the_seed_and_are_spread_evenly():
    tosses = [toss("a seed", "recheck", n) for n in range(2000)]
    assert tosses == [toss("a seed", "recheck", n) for n in range(2000)]
    assert all(0 <= each < 1 for each in tosses)
    for tenth in range(10):
        inside = sum(tenth / 10 <= each < (tenth + 1) / 10 for each in tosses)
        assert 140 <= inside <= 260
    assert toss("a seed", "recheck", 1) != toss("a seed", "decoy", 1)
    assert toss("a seed", "recheck", 1) != toss("another", "recheck", 1)
    assert toss("a seed", "spread", 1, 12) != toss("a seed", "spread", 11, 2)


def test_the_commitment_to_a_seed_is_its_digest():
    assert commitment("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
