"""This file is where the rules are shown to come to rest, whatever has happened to a work unit."""

from __future__ import annotations

from collections import Counter

import msgspec
from crowd import (
    NOW,
    answered,
    by_digest,
    computed,
    ended,
    sent,
    step,
    unit,
    waiting,
    with_answer,
)
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from grid import replay
from grid.auditlog import entries
from grid.auditlog.entries import About, EntryKind
from grid.items import Mode, Result, Standing, WorkUnit
from grid.states import Outcome, Purpose, ServerState, Support, ValidateState
from grid.transition import (
    Adjust,
    CreateResults,
    Entity,
    Freeze,
    Instruction,
    Quarantine,
    Transition,
    after,
    merged,
)
from grid.validator import settle
from grid.validator.modes import BELIEVING
from grid.validator.snapshot import Snapshot

ABOUT = About(job_id=1, public_id="job_x", public=True, key=b"k" * 32)
ENGINES = ("chromium/130", "chromium/131", "firefox/128", "webkit/2", "deno/2")
OUTPUTS = ("right", "right", "right", "wrong", "other")
VOLUNTEERS = 6
#: Steps after which a work unit that nobody touches is at rest: a verdict, what it means for those
#: who answered, and what that means for the verdict.
STEPS_MAX = 4

JUDGED = {ValidateState.VALID, ValidateState.INVALID}
#: None, and by which work unit 1 is drawn for nothing, a decoy, a recheck or a second copy.
SEEDS = ["", "seed5", "seed5", "seed105", "seed63", "seed33"]

SNAPSHOTS = st.builds(
    Snapshot,
    standings=st.dictionaries(
        st.integers(1, VOLUNTEERS),
        st.builds(
            lambda checks2, compared, lies, banned: Standing(
                volunteer_id=0,
                checks2=checks2,
                compared=compared,
                lies=lies,
                banned_at=NOW if banned else None,
            ),
            st.sampled_from([0, 4, 30, 400, 40_000, 40_000]),
            st.sampled_from([0, 1, 300]),
            st.integers(0, 3),
            st.sampled_from([False, False, False, True]),
        ),
        min_size=2,
    ),
    quarantined=st.dictionaries(st.sampled_from(ENGINES), st.integers(1, 2), max_size=1),
    typical_checks2=st.sampled_from([0, 4, 30, 400]),
    room=st.booleans(),
    trap_room=st.booleans(),
    seed=st.sampled_from(SEEDS),
    sealed=st.sampled_from([True, True, False]),
    output_at=st.sampled_from([None, None, NOW + 2]),
    completed=st.sampled_from([False, False, True]),
    over=st.sampled_from([False, False, False, True]),
    frozen=st.sampled_from([False, False, True]),
    wait_s=st.sampled_from([0, 3, 30]),
)


def trusted_failure(number: int) -> Result:
    who = {"volunteer_id": None, "principal_id": None, "host_id": None, "engine": None}
    return ended(number, Outcome.CLIENT_ERROR, purpose=Purpose.TRUSTED, **who)


@st.composite
def copies(draw: st.DrawFn, number: int, trusted: bool) -> Result:
    """One result in any state that a store can hold."""
    if trusted:
        made = [computed(number, "right"), computed(number, "other"), trusted_failure(number)]
        return draw(st.sampled_from([*made, waiting(number, purpose=Purpose.TRUSTED)]))
    what = draw(st.sampled_from("aaaaaeswo"))
    if what == "w":
        result = waiting(number)
    elif what == "s":
        result = sent(number, deadline=draw(st.sampled_from([NOW - 1, NOW, NOW + 9])))
    elif what == "e":
        ends = sorted(set(Outcome) - {Outcome.INIT, Outcome.SUCCESS})
        result = ended(number, draw(st.sampled_from(ends)))
    else:
        text = draw(st.sampled_from(OUTPUTS))
        result = answered(number, text, received_at=NOW - draw(st.integers(0, 90)))
    purposes = [Purpose.COPY] * 5 + [Purpose.TRAP, Purpose.PROBATION, Purpose.DECOY]
    fields: dict[str, object] = {"purpose": draw(st.sampled_from(purposes))}
    if result.server_state is not ServerState.UNSENT:
        who = draw(st.integers(1, VOLUNTEERS))
        fields |= {"volunteer_id": who, "engine": draw(st.sampled_from(ENGINES))}
        fields["principal_id"] = draw(st.sampled_from([who, who, 1]))
    return msgspec.structs.replace(result, **fields)


@st.composite
def disputes(draw: st.DrawFn) -> WorkUnit:
    """A work unit that the server has computed, with volunteers who say otherwise."""
    some = st.lists(st.sampled_from(ENGINES), max_size=4)
    engines = draw(some | st.just(["chromium/130", "firefox/128", "webkit/2"]))
    wrong = [
        answered(number, "wrong", engine=engine, received_at=NOW)
        for number, engine in enumerate(engines, 1)
    ]
    right = [answered(5, "right", engine=draw(st.sampled_from(ENGINES)))]
    more = right if draw(st.sampled_from([True, False, False])) else []
    mode, ordinal = draw(st.sampled_from(sorted(BELIEVING))), draw(st.sampled_from([0, 0, -1]))
    return unit(*wrong, *more, computed(9, "right"), mode=mode, ordinal=ordinal)


@st.composite
def beginnings(draw: st.DrawFn) -> WorkUnit:
    """A work unit whose copies have come back in any way, and on which nothing was ruled yet."""
    mode = draw(st.sampled_from([*sorted(BELIEVING), *sorted(BELIEVING), *Mode]))
    count = draw(st.integers(0, 6))
    results = [draw(copies(number, False)) for number in range(1, count + 1)]
    if mode in BELIEVING:  # elsewhere the server computes nothing
        failed = draw(st.sampled_from([0, 0, 0, 1, 2]))
        results += [trusted_failure(number) for number in range(count + 1, count + failed + 1)]
        if draw(st.sampled_from([True, False, False])):
            results.append(draw(copies(count + failed + 1, True)))
    return unit(
        *results,
        mode=mode,
        min_quorum=draw(st.integers(1, 3)),
        target_nresults=draw(st.integers(1, 3)),
        max_error_results=draw(st.sampled_from([1, 3, 6])),
        max_total_results=draw(st.sampled_from([2, 5, 20])),
        max_success_results=draw(st.sampled_from([2, 4, 10])),
        max_abandoned_results=draw(st.sampled_from([1, 100])),
        min_engines=draw(st.sampled_from([1, 1, 2])),
        deadline_at=draw(st.sampled_from([None, None, None, NOW, NOW + 5])),
        target_error_ppb=draw(st.sampled_from([None, None, 500_000_000])),
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[WorkUnit, Snapshot, int]:
    """A work unit that was ruled on under one crowd, had more come in, and is looked at again."""
    begun = st.one_of(beginnings(), beginnings(), beginnings(), disputes())
    one, now = draw(begun), NOW
    for _ in range(draw(st.integers(0, 2))):
        one, _, _ = step(one, now, draw(SNAPSHOTS))
        if one.assimilate_state == "ready" and draw(st.booleans()):
            one = msgspec.structs.replace(one, assimilate_state="done")
        first = max((result.id for result in one.results), default=0) + 1
        fresh = [draw(copies(first + n, False)) for n in range(draw(st.integers(0, 2)))]
        asked = [
            r for r in one.results if r.purpose is Purpose.TRUSTED and r.outcome is Outcome.INIT
        ]
        if asked and draw(st.booleans()):
            fresh.append(draw(st.sampled_from([computed(asked[0].id, text) for text in OUTPUTS])))
        one = with_answer(one, *fresh)
        now += draw(st.sampled_from([0, 1, 20, 100]))
    return one, draw(SNAPSHOTS), now


def moves(batch: list[Instruction]) -> list[Instruction]:
    return [one for one in batch if isinstance(one, Transition | CreateResults)]


@settings(max_examples=max(300, settings().max_examples))
@given(histories())
def test_what_is_carried_out_settles_a_work_unit(history):
    one, snapshot, now = history
    rested, aware, _ = step(one, now, snapshot)
    for _ in range(STEPS_MAX):
        rested, aware, batch = step(rested, now, aware)
        if not batch:
            return
    raise AssertionError(batch)


@given(histories())
def test_it_settles_at_once_where_nobody_becomes_better_or_worse_known(history):
    one, snapshot, now = history
    rested, _, batch = step(one, now, snapshot)
    if not any(isinstance(each, Adjust | Quarantine | Freeze) for each in batch):
        assert settle(rested, by_digest, snapshot, now) == []


@settings(max_examples=max(300, settings().max_examples))
@given(histories())
def test_under_the_same_snapshot_nothing_is_moved_made_or_counted_twice(history):
    one, snapshot, now = history
    rested, _, batch = step(one, now, snapshot)
    if any(isinstance(each, Freeze) for each in batch):
        snapshot = msgspec.structs.replace(snapshot, frozen=True)
    again = settle(rested, by_digest, snapshot, now)
    assert moves(again) == []
    for each in again:
        if isinstance(each, Adjust):
            assert each == Adjust(volunteer_id=each.volunteer_id, ban=each.ban)


@given(histories())
def test_every_step_is_a_legal_move_from_what_was_seen_and_there_is_one_a_row(history):
    one, snapshot, now = history
    batch = settle(one, by_digest, snapshot, now)
    joined = merged(batch)
    rows = Counter((each.entity, each.id) for each in joined if isinstance(each, Transition))
    assert all(count == 1 for count in rows.values())
    seen: dict[object, object] = {(Entity.RESULT, each.id): each for each in one.results}
    seen[Entity.WORKUNIT, one.id] = one
    for each in joined:
        if isinstance(each, Transition):
            row = seen[each.entity, each.id]
            assert each.before.keys() >= each.after.keys()
            assert all(getattr(row, field) == value for field, value in each.before.items())
    assert after(one, joined, 99) == after(one, batch, 99)


@given(histories())
def test_nothing_is_made_for_a_decided_work_unit_but_in_secret_or_by_the_server(history):
    one, snapshot, now = history
    rested, _, batch = step(one, now, snapshot)
    made = [each.purpose for each in batch if isinstance(each, CreateResults)]
    if rested.decided:
        assert Purpose.COPY not in made
        if rested.error_mask or snapshot.over or not snapshot.sealed:
            assert set(made) <= {Purpose.TRUSTED}
    else:
        assert set(made) <= {Purpose.COPY, Purpose.TRUSTED}
    if rested.policy.mode not in BELIEVING or rested.error_mask:
        assert Purpose.TRUSTED not in made


@given(histories())
def test_a_volunteers_gains_are_the_gains_of_its_answers(history):
    one, snapshot, now = history
    rested, _, batch = step(one, now, snapshot)
    told: dict[int | None, Counter[str]] = {}
    for each in batch:
        if isinstance(each, Adjust):
            assert each != Adjust(volunteer_id=each.volunteer_id)
            sums = told.setdefault(each.volunteer_id, Counter())
            for name in ("checks2", "compared", "lies", "reset"):
                sums[name] += getattr(each, name)
    gained: dict[int | None, Counter[str]] = {}
    before = {each.id: each for each in one.results}
    for each in rested.results:
        if each.id in before and each.volunteer_id is not None:
            was, sums = before[each.id], gained.setdefault(each.volunteer_id, Counter())
            for name in ("checks2", "compared", "lied"):
                sums[name] += getattr(each, name) - getattr(was, name)
            assert was.compared or not each.compared or each.validate_state in JUDGED
    for who, sums in gained.items():
        change = told.get(who, Counter())
        assert (change["compared"], change["lies"]) == (sums["compared"], sums["lied"])
        if change["reset"]:
            assert change["checks2"] >= 0
        else:
            assert change["checks2"] == sums["checks2"]
    assert set(told) <= set(gained)


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_the_results_never_matters(history, random):
    one, snapshot, now = history
    shuffled = list(one.results)
    random.shuffle(shuffled)
    other = msgspec.structs.replace(one, results=tuple(shuffled))
    first, second = (step(each, now, snapshot)[0] for each in (one, other))
    old = {each.id for each in one.results}
    assert sorted((each for each in first.results if each.id in old), key=lambda r: r.id) == sorted(
        (each for each in second.results if each.id in old), key=lambda r: r.id
    )
    assert msgspec.structs.replace(first, results=()) == msgspec.structs.replace(second, results=())


@given(histories())
def test_a_banned_volunteers_answer_never_decides(history):
    one, snapshot, now = history
    rested, _, _ = step(one, now, snapshot)
    if rested.canonical_result_id is None or rested.support is Support.TRUSTED:
        return
    (speaker,) = [each for each in rested.results if each.id == rested.canonical_result_id]
    assert not snapshot.caught(speaker.volunteer_id)
    clean = [
        each
        for each in one.results
        if each.volunteer_id is None or not snapshot.caught(each.volunteer_id)
    ]
    without = msgspec.structs.replace(one, results=tuple(clean))
    still = {each.id for each in clean}
    if one.canonical_result_id is None or one.canonical_result_id in still:
        # Their copies were made and are not owed again, so only the verdict is compared.
        judged = step(without, now, snapshot)[0]
        assert judged.error_mask or (
            judged.canonical_result_id,
            judged.support,
        ) == (rested.canonical_result_id, rested.support)


@given(histories())
def test_the_logged_verdict_of_whatever_was_settled_is_reached_again(history):
    one, snapshot, now = history
    rested, _, batch = step(one, now, snapshot)
    told = entries.of_unit(one, rested, merged(batch), ABOUT, snapshot, now)
    assert replay.replay((each.kind, each.facts) for each in told) is None
    moved = one.canonical_result_id != rested.canonical_result_id
    kinds = [each.kind for each in told]
    if moved and rested.canonical_result_id is not None:
        assert EntryKind.VERDICT in kinds
    if moved and rested.canonical_result_id is None:
        assert EntryKind.RETRACT in kinds


@given(histories())
def test_no_open_work_unit_is_forgotten(history):
    one, snapshot, now = history
    rested, _, _ = step(one, now, snapshot)
    alive = any(
        each.server_state is not ServerState.OVER
        and each.purpose in (Purpose.COPY, Purpose.TRUSTED)
        for each in rested.results
    )
    assert rested.decided or alive or rested.due_at is not None


def test_the_histories_reach_every_end():
    """The properties above would be empty promises if any of this never came up."""
    seen: set[str] = set()

    def note(history):
        one, snapshot, now = history
        rested, _, batch = step(one, now, snapshot)
        seen.update((f"support {rested.support}", f"mode {rested.policy.mode}"))
        seen.update(f"judged {each.validate_state}" for each in rested.results)
        seen.update(type(each).__name__ for each in batch)
        seen.update(f"made {each.purpose}" for each in batch if isinstance(each, CreateResults))
        if any(isinstance(each, Adjust) and each.ban for each in batch):
            seen.add("ban")
        if rested.error_mask:
            seen.add("gave up")
        if one.canonical_result_id and not rested.canonical_result_id:
            seen.add("retracted")

    wanted = {f"support {each}" for each in Support} | {f"judged {each}" for each in ValidateState}
    wanted |= {f"made {each}" for each in Purpose} | {f"mode {each}" for each in Mode}
    wanted |= {"ban", "Quarantine", "Freeze", "gave up", "retracted"}
    for number in range(20):
        seed(number)(settings(max_examples=200, database=None)(given(histories())(note)))()
        if wanted <= seen:
            return
    assert wanted - seen == set()
