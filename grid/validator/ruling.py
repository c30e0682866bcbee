"""This file is where it is ruled what a work unit's answers amount to now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from grid import transitioner
from grid.items import Mode, Result, WorkUnit
from grid.states import Outcome, Purpose, ServerState, Support, ValidateState
from grid.trust import NEWCOMER_CHECKS2
from grid.validator import quorum
from grid.validator.credibility import Vote, Weighed, accepted, weigh
from grid.validator.modes import BELIEVING, promise
from grid.validator.snapshot import Snapshot
from grid.validator.step import Moment, Step, next_step
from grid.validator.toss import toss

#: Result id → the key of its group: equal keys, same answer. A key is the output digest of the one
#: that speaks for the group.
Keys = Mapping[int, str]

#: Failed trusted runs after which a work unit is left to its volunteers.
TRUSTED_ERRORS_MAX = 2
#: Waits after which the server takes a copy that nobody has come for.
STALE_WAITS = 2
#: How soon a work unit is looked at again that only time or a budget can move on, and how often at
#: least: thousands may wait for the server at once, so the pauses double as the wait does.
LOOK_AGAIN_S, LOOK_AGAIN_MAX_S = 10, 80
#: Kinds of engine that together outweigh the reference.
KINDS_AGAINST_REFERENCE = 3
#: Traps that do so, when nobody who was asked agrees with it: saboteurs who are every third of the
#: crowd hold so many, and both first copies, of one work unit in 500.
TRAPS_AGAINST_REFERENCE = 4


class Ruling(Struct, frozen=True, kw_only=True):
    """What follows from a work unit's answers."""

    #: None while there is no verdict.
    canonical: Result | None = None
    support: Support = Support.NONE
    #: Copies that should be out, or about to go out.
    copies: int = 0
    #: When those not made yet may go out.
    not_before: int = 0
    #: Whether the server should compute it.
    trusted: bool = False
    #: Whether the server tries it because too many volunteers have failed at it or left it.
    last_resort: bool = False
    #: When to look again although nothing has happened.
    due_at: int | None = None
    #: Whether volunteers on independent engines speak against the reference.
    suspect: bool = False
    because: str = ""


def answers(unit: WorkUnit) -> list[Result]:
    """The successful results of hosts that count, earliest first."""
    counting = [
        one
        for one in unit.results
        if one.outcome is Outcome.SUCCESS
        and one.purpose is not Purpose.TRUSTED
        and one.validate_state is not ValidateState.VOID
    ]
    return sorted(counting, key=lambda one: (one.received_at or 0, one.id))


def trusted_answer(unit: WorkUnit) -> Result | None:
    """What the server itself computed, if it has, and no admin has decided against it."""
    return next(
        (
            one
            for one in unit.results
            if one.purpose is Purpose.TRUSTED
            and one.outcome is Outcome.SUCCESS
            and one.validate_state is not ValidateState.VOID
        ),
        None,
    )


def kind(engine: str | None) -> str:
    """The name of an engine, without its version."""
    return (engine or "").split("/")[0]


def rule(unit: WorkUnit, keys: Keys, snapshot: Snapshot, now: int) -> Ruling:
    """The ruling that the answers allow; voided ones are void already.

    Never takes a verdict back for less than: a trusted answer against it, a caught volunteer or
    quarantined engine without whom it does not stand, or a lone source that is no longer believed.
    """
    if unit.error_mask:
        return Ruling()
    trusted = trusted_answer(unit)
    votes = answers(unit)
    if trusted is not None:
        if _is_suspect(trusted, votes, keys, snapshot):
            because = "independent engines agree against the reference"
            return Ruling(suspect=True, due_at=now + LOOK_AGAIN_S, because=because)
        return _by_trusted(unit, trusted, votes, keys)
    if unit.policy.mode not in BELIEVING:
        return _by_votes(unit, votes, keys)
    weighed = _weighed(votes, keys, snapshot)
    if unit.canonical_result_id is not None:
        standing = _again(unit, votes, keys, weighed, snapshot)
        if standing is not None:
            return standing
    return _first(unit, votes, keys, weighed, snapshot, now)


def verdict(unit: WorkUnit, keys: Keys, snapshot: Snapshot, support: Support) -> str | None:
    """The answer that an undecided work unit's results make canonical when it rests on `support`;
    None when they do not. This is what a recorded verdict is held against.
    """
    trusted, votes = trusted_answer(unit), answers(unit)
    if trusted is not None:
        ruling = _by_trusted(unit, trusted, votes, keys)
        return None if ruling.canonical is None else keys[ruling.canonical.id]
    if unit.policy.mode not in BELIEVING:
        chosen = quorum.winner(votes, keys, unit.policy)
        return None if chosen is None else keys[chosen[0].id]
    weighed = _weighed(votes, keys, snapshot)
    if not weighed.groups:
        return None
    promised = promise(unit.policy)
    good = accepted(weighed, promised) and _diverse(unit, votes, keys, weighed)
    enough = weighed.best.principals >= promised.principals_min
    if support is Support.AGREED and not good:
        return None
    return str(weighed.best.answer) if enough else None


def _is_suspect(trusted: Result, votes: Sequence[Result], keys: Keys, snapshot: Snapshot) -> bool:
    """Whether volunteers speak with one voice against the reference, and nobody has looked yet.

    Engines are what hosts say they are, and identities are free. So it takes volunteers whose other
    work was confirmed, on engines of three kinds; or, since whoever contradicts a trusted run loses
    its standing, one of them beside traps enough, whose holders were drawn in secret from the whole
    crowd, and not one volunteer who agrees with the server. Where nobody is known yet no job is
    stopped: the output says how many work units were decided against all volunteers. Once a job
    goes on again the reference is believed.
    """
    against = {kind(one.engine) for one in votes if keys[one.id] != keys[trusted.id]}
    united = len({keys[one.id] for one in votes}) == 1
    if not united or len(against) < KINDS_AGAINST_REFERENCE:
        return False
    known = [
        one for one in votes if snapshot.standing(one.volunteer_id).checks2 >= NEWCOMER_CHECKS2
    ]
    fresh = trusted.validate_state is ValidateState.INIT
    if not any(fresh or one.validate_state is ValidateState.INIT for one in known):
        return snapshot.frozen
    traps = sum(one.purpose is Purpose.TRAP for one in votes)
    kinds = len({kind(one.engine) for one in known})
    return snapshot.frozen or kinds >= KINDS_AGAINST_REFERENCE or traps >= TRAPS_AGAINST_REFERENCE


def _by_trusted(unit: WorkUnit, trusted: Result, votes: Sequence[Result], keys: Keys) -> Ruling:
    because = "a trusted run gives this answer"
    if unit.is_quiz:  # what is known speaks for itself
        return Ruling(canonical=trusted, support=Support.TRUSTED, because=because)
    equal = [one for one in votes if keys[one.id] == keys[trusted.id]]
    held = next((one for one in equal if one.id == unit.canonical_result_id), None)
    same = next((one for one in equal if one.output_digest == trusted.output_digest), trusted)
    return Ruling(canonical=held or same, support=Support.TRUSTED, because=because)


def _by_votes(unit: WorkUnit, votes: Sequence[Result], keys: Keys) -> Ruling:
    """A quorum decides, but not while the server is about to say what no votes change."""
    chosen = quorum.winner(votes, keys, unit.policy)
    held = next((one for one in votes if one.id == unit.canonical_result_id), None)
    if held is not None and _principals(votes, keys, keys[held.id]) >= unit.policy.min_quorum:
        return Ruling(canonical=held, support=unit.support)
    if held is None and any(
        one.purpose is Purpose.TRUSTED and one.server_state is not ServerState.OVER
        for one in unit.results
    ):
        return Ruling()
    if chosen is None:
        wanted = quorum.wanted(votes, keys, unit.policy)
        return Ruling(copies=wanted, because=f"{wanted} more equal answers are needed")
    backing = Support.TRUSTED if unit.policy.mode is Mode.TRUSTED else Support.AGREED
    count = quorum.votes(chosen)
    return Ruling(
        canonical=_speaker(chosen, keys), support=backing, because=f"{count} equal answers"
    )


def _weighed(votes: Sequence[Result], keys: Keys, snapshot: Snapshot) -> Weighed:
    return weigh(
        [
            Vote(
                keys[one.id],
                one.principal_id or 0,
                snapshot.standing(one.volunteer_id).checks2,
                one.engine or "",
            )
            for one in votes
        ]
    )


def _again(
    unit: WorkUnit, votes: Sequence[Result], keys: Keys, weighed: Weighed, snapshot: Snapshot
) -> Ruling | None:
    """What keeps a verdict of volunteers standing; None when nothing does."""
    held = next((one for one in votes if one.id == unit.canonical_result_id), None)
    behind = [one for one in unit.results if held and keys.get(one.id) == keys[held.id]]
    if unit.support is Support.BELOW_TARGET and _is_enough(weighed, unit, keys):
        # The label says so already, whoever of those behind it was caught.
        group = [one for one in votes if keys[one.id] == weighed.best.answer]
        return Ruling(canonical=held or _speaker(group, keys), support=unit.support)
    if held is None:
        # Whoever spoke for the group was caught; its others may still stand for the same.
        return None
    stays = Ruling(canonical=held, support=unit.support)
    same = weighed.best.answer == keys[held.id]
    if same and accepted(weighed, promise(unit.policy)):
        return stays
    caught = any(one.validate_state is ValidateState.VOID for one in behind)
    alone = len({one.principal_id for one in behind}) == 1
    if caught or (alone and unit.support is Support.AGREED):
        return None
    worth = snapshot.room and not snapshot.over and _is_able(unit)
    if len(weighed.groups) > 1 and worth:
        return Ruling(
            canonical=held, support=unit.support, trusted=True, because="somebody dissents"
        )
    return stays


def _first(
    unit: WorkUnit,
    votes: Sequence[Result],
    keys: Keys,
    weighed: Weighed,
    snapshot: Snapshot,
    now: int,
) -> Ruling:
    promised = promise(unit.policy)
    alive = [
        one
        for one in unit.results
        if one.server_state is not ServerState.OVER
        and one.purpose in (Purpose.COPY, Purpose.TRUSTED)
    ]
    heard = [*votes, *_unsolved(unit)]
    answered = max((one.received_at or 0 for one in heard), default=now)
    unsent = all(
        one.purpose is Purpose.COPY and one.server_state is ServerState.UNSENT for one in alive
    )
    asked = max((one.not_before for one in alive), default=answered)
    late = max(answered, asked) + STALE_WAITS * snapshot.wait_s
    stale_at = _later(late, heard, now) if alive and unsent else None
    moment = Moment(
        alive=bool(alive),
        typical_checks2=snapshot.typical_checks2,
        room=snapshot.room,
        waited=now >= answered + snapshot.wait_s,
        stale=unsent and bool(heard) and now > late,
        second=promised.hidden_second > 0
        and toss(snapshot.seed, "second", unit.id) < promised.hidden_second,
        diverse=_diverse(unit, votes, keys, weighed),
        able=_is_able(unit),
    )
    step = next_step(weighed, promised, moment)
    if step in (Step.ACCEPT, Step.BELOW_TARGET):
        group = [one for one in votes if keys[one.id] == weighed.best.answer]
        reached = step is Step.ACCEPT
        return Ruling(
            canonical=_speaker(group, keys),
            support=Support.AGREED if reached else Support.BELOW_TARGET,
            because=f"{weighed.best.principals} equal answers"
            + ("" if reached else ", below the target error"),
        )
    if _is_last_resort(unit):
        out = any(one.purpose is Purpose.TRUSTED for one in alive)
        later = now + LOOK_AGAIN_S if snapshot.busy and not out else None
        ask = not out and not snapshot.busy
        because = "volunteers fail at it or leave it"
        return Ruling(last_resort=True, trusted=ask, due_at=later, because=because)
    if step is Step.COPY:
        not_before = _not_before(unit, snapshot, now)
        late = max(answered, not_before) + STALE_WAITS * snapshot.wait_s
        because = "another is asked"
        due_at = _later(late, heard, now)
        return Ruling(copies=1, not_before=not_before, due_at=due_at, because=because)
    if step is Step.TRUSTED and not snapshot.busy:
        return Ruling(trusted=True, because="volunteers cannot settle it")
    return Ruling(due_at=stale_at if alive else _later(answered + snapshot.wait_s, heard, now))


def _is_last_resort(unit: WorkUnit) -> bool:
    """Whether volunteers have failed or left too often for it to go on, and the server has not
    failed yet: strangers who say that a program fails, or never answer, must not end a job."""
    own = [one for one in unit.results if one.purpose is Purpose.TRUSTED]
    failed = any(one.outcome in (Outcome.CLIENT_ERROR, Outcome.NO_REPLY) for one in own)
    return bool(transitioner.lost_bits(unit)) and not failed and _is_able(unit)


def _not_before(unit: WorkUnit, snapshot: Snapshot, now: int) -> int:
    """The first copy goes at once; the next ones after a random wait each."""
    made = len(unit.results)
    if not made:
        return 0
    return now + int(toss(snapshot.seed, "delay", unit.id, made) * (snapshot.delay_s + 1))


def _unsolved(unit: WorkUnit) -> list[Result]:
    """Copies whose holders say that they have not solved it."""
    copies = [one for one in unit.results if one.purpose is Purpose.COPY]
    return [one for one in copies if one.outcome is Outcome.UNSOLVED]


def _later(time: int, heard: Sequence[Result], now: int) -> int | None:
    """When a work unit of which something was heard is looked at again; any other moves by
    itself."""
    if not heard:
        return None
    if time > now:
        return time
    waited, pause = now - time, LOOK_AGAIN_S
    while waited >= 2 * pause and pause < LOOK_AGAIN_MAX_S:
        pause *= 2
    return time + (waited // pause + 1) * pause


def _diverse(unit: WorkUnit, votes: Sequence[Result], keys: Keys, weighed: Weighed) -> bool:
    if unit.policy.min_engines < 2 or not weighed.groups:
        return True
    best = {kind(one.engine) for one in votes if keys[one.id] == weighed.best.answer}
    return len(best) >= unit.policy.min_engines


def _is_able(unit: WorkUnit) -> bool:
    """Whether the server can compute it, as far as its own runs of it have shown. A quiz it need
    not compute: where the answer that it knew was overruled, volunteers decide."""
    own = [one for one in unit.results if one.purpose is Purpose.TRUSTED]
    failed = sum(one.outcome in (Outcome.CLIENT_ERROR, Outcome.NO_REPLY) for one in own)
    overruled = any(one.validate_state is ValidateState.VOID for one in own)
    return failed < TRUSTED_ERRORS_MAX and not overruled and not unit.is_quiz


def _is_enough(weighed: Weighed, unit: WorkUnit, keys: Keys) -> bool:
    """Whether the answers agree on the canonical one, and would do for it below the target."""
    return (
        len(weighed.groups) == 1
        and weighed.best.answer == keys.get(unit.canonical_result_id or 0)
        and weighed.best.principals >= promise(unit.policy).principals_min
    )


def _principals(votes: Sequence[Result], keys: Keys, key: str) -> int:
    return len({one.principal_id for one in votes if keys[one.id] == key})


def _speaker(group: Sequence[Result], keys: Keys) -> Result:
    """Whoever gave the very output that speaks for the group, earliest first."""
    return next((one for one in group if one.output_digest == keys[one.id]), group[0])
