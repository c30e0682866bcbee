"""This file is where decisions become log entries, in the schema that auditors will verify.

Facts are canonical JSON without floats; times are whole minutes; whoever computed is named by a
pseudonym that differs from job to job. What a job's seal covers is marked so, and leaves the
server only when the seal has opened.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache

import msgspec
from msgspec import Struct

from grid import __version__, canonical
from grid.items import DataSet, Job, Json, Result, WorkUnit
from grid.states import ErrorMask, Outcome, Purpose, Support, ValidateState
from grid.transition import Adjust, CreateResults, Entity, Instruction, Transition
from grid.validator.ruling import Keys, kind
from grid.validator.snapshot import Snapshot
from grid.validator.toss import commitment as seed_commitment

ALIKE_BY_DIGEST: Keys = {}
#: Raised when a kind's facts change; an older entry stays readable under its own number.
SCHEMA = 1
#: Pseudonyms kept at hand: one is asked for at every answer, and again at its verdict.
PSEUDONYMS_MAX = 50_000


class EntryKind(StrEnum):
    """What an entry tells. The kinds are fixed for the schema, whichever this version writes."""

    #: A job was submitted, paused, resumed or has ended; `event` says which.
    JOB = "job"
    #: The program that all work units of a job share.
    PROGRAM = "program"
    #: An answer came in; hides which work unit and whose. Sealed when it is the server's own.
    COMMIT = "commit"
    #: A work unit was decided, with every fact the verdict used.
    VERDICT = "verdict"
    #: The server computed a work unit again.
    RECHECK = "recheck"
    #: A decided dispute, or a quiz, was issued to find a liar out; `quiz` says which.
    TRAP = "trap"
    CREDIT = "credit"
    #: A job's seal opened: its verdicts, votes and salts are public from here on.
    REVEAL = "reveal"
    #: A verdict was voided.
    RETRACT = "retract"
    #: An output was assembled.
    OUTPUT = "output"
    #: An admin enabled or disabled a job type.
    PLUGIN = "plugin"
    BAN = "ban"
    UNBAN = "unban"
    #: An admin changed something that affects results.
    SETTING = "setting"
    #: Which keys the log, or its promises, are signed with; `event` says what became of them.
    KEY = "key"
    #: A reader has computed some work units again, and signed what came of it.
    CHECKED = "checked"
    #: Bytes were taken down; their digest and the reason stay.
    WITHHELD = "withheld"


class Entry(Struct, frozen=True, kw_only=True):
    """One line for the public log."""

    kind: EntryKind
    facts: Mapping[str, Json]
    #: The job it tells of, if any.
    job_id: int | None = None
    #: Kept back until that job's seal opens.
    sealed: bool = False


class About(Struct, frozen=True, kw_only=True):
    """The job that entries tell of, and how they may name what belongs to it."""

    job_id: int
    public_id: str
    #: A private job's digests are keyed: plain ones would confirm guesses.
    public: bool
    key: bytes

    def digest(self, digest: str | None) -> str | None:
        """A digest as the log may show it."""
        if digest is None or self.public:
            return digest
        return hmac.new(self.key, digest.encode(), hashlib.sha256).hexdigest()

    def entry(self, kind: EntryKind, now: int, sealed: bool = False, **facts: Json) -> Entry:
        """An entry with these facts about the job."""
        whole = {**_head(now), "job": self.public_id, **facts}
        return Entry(kind=kind, facts=whole, job_id=self.job_id, sealed=sealed)


def about(job: Job, public_id: str, key: bytes) -> About:
    """How the log speaks of a job."""
    return About(job_id=job.id, public_id=public_id, public=job.public, key=key)


@lru_cache(maxsize=PSEUDONYMS_MAX)
def pseudonym(key: bytes, job_id: int, principal_id: int | None) -> str:
    """A principal's name within one job: the same there, unlinkable elsewhere."""
    text = f"pseudonym {job_id} {principal_id}".encode()
    return hmac.new(key, text, hashlib.sha256).digest()[:10].hex()


def job(job: Job, about: About, dataset: DataSet | None, now: int) -> Entry:
    """What was asked for; of a private job neither names nor plain digests.

    Where points are counted, every work unit's range follows from `points` and its number.
    """
    counted = {"count": job.point_count, "per_work_unit": job.workunit_points}
    return about.entry(
        EntryKind.JOB,
        now,
        event="submitted",
        job_type=job.job_type,
        version=job.version,
        job_type_digest=job.job_type_digest,
        spec_digest=about.digest(canonical.digest(canonical.dumps(job.spec))),
        source_digest=about.digest(None if dataset is None else dataset.source_digest),
        columns=msgspec.to_builtins(dataset.columns) if job.public and dataset else None,
        data=_data(dataset) if job.public and dataset else None,
        points=None if job.point_count is None else counted,
        policy=msgspec.to_builtins(job.policy),
        seed_commitment=seed_commitment(job.seed),
        work_units=job.workunit_count,
    )


def _data(dataset: DataSet) -> dict[str, Json]:
    """How a data set is cut, and the root over all of its blobs."""
    return {
        "rows": dataset.row_count,
        "chunk_rows": dataset.chunk_rows,
        "chunks": dataset.chunk_count,
        "root": dataset.root,
    }


def program(job: Job, about: About, now: int) -> Entry:
    """What every volunteer of the job runs."""
    return about.entry(EntryKind.PROGRAM, now, program=about.digest(job.program_digest))


def plugin(name: str, version: str, digest: str, enabled: bool, now: int) -> Entry:
    """Which code an admin let in, or shut out."""
    facts = {
        **_head(now),
        "job_type": name,
        "version": version,
        "job_type_digest": digest,
        "enabled": enabled,
    }
    return Entry(kind=EntryKind.PLUGIN, facts=facts)


def output(about: About, version: int, manifest_digest: str, now: int) -> Entry:
    """What came out."""
    digest = about.digest(manifest_digest)
    return about.entry(EntryKind.OUTPUT, now, output_version=version, manifest=digest)


def ending(about: About, transition: Transition, now: int) -> Entry:
    """A job's move to another state; `because` is in our words, never in a host's."""
    event = str(transition.after["job_state"])
    return about.entry(EntryKind.JOB, now, event=event, because=transition.because)


def reveal(about: About, seed: str, now: int) -> Entry:
    """The job's seal has opened: its tosses can be checked."""
    return about.entry(EntryKind.REVEAL, now, seed=seed)


def of_unit(
    before: WorkUnit,
    unit: WorkUnit,
    batch: Iterable[Instruction],
    about: About,
    snapshot: Snapshot,
    now: int,
    keys: Keys = ALIKE_BY_DIGEST,
) -> list[Entry]:
    """The entries for what was done to one work unit, from `before` to `unit`.

    `keys` tell which answers were the same; without them those of equal digest were.
    """
    results = {result.id: result for result in unit.results}
    lines: list[Entry] = []
    verdict: list[Entry] = []
    traps = 0
    secret = {Purpose.TRAP, Purpose.QUIZ, Purpose.PROBATION} if unit.is_quiz else {Purpose.TRAP}
    for step in batch:
        if isinstance(step, Transition) and step.entity is Entity.RESULT:
            result = results[step.id]
            if "report_digest" in step.after and result.outcome is Outcome.SUCCESS:
                hidden = commitment(vote(unit, result, about))
                # That the server has computed something tells that somebody is checked.
                own = result.principal_id is None
                lines.append(about.entry(EntryKind.COMMIT, now, sealed=own, commitment=hidden))
        elif isinstance(step, Transition) and step.entity is Entity.WORKUNIT:
            verdict += _of_verdict(before, unit, step, about, snapshot, now, keys)
        elif isinstance(step, Adjust) and step.ban:
            lines.append(_ban(unit, step, about, now))
        elif isinstance(step, CreateResults) and step.purpose in secret:
            traps += step.count
    if traps:
        facts = {"work_unit": unit.ordinal, "copies": traps, "quiz": unit.is_quiz}
        lines.append(about.entry(EntryKind.TRAP, now, sealed=True, **facts))
    if not any(one.kind is EntryKind.VERDICT for one in verdict):
        lines += _later(before, unit, about, now)
    return [*lines, *verdict]


def _of_verdict(
    before: WorkUnit,
    unit: WorkUnit,
    step: Transition,
    about: About,
    snapshot: Snapshot,
    now: int,
    keys: Keys,
) -> list[Entry]:
    lines: list[Entry] = []
    old, new = _canonical(before), _canonical(unit)
    if old is not None and old != new:
        facts = {
            "work_unit": unit.ordinal,
            "canonical": about.digest(old),
            "because": step.because,
        }
        lines.append(about.entry(EntryKind.RETRACT, now, sealed=True, **facts))
    chosen = before.canonical_result_id != unit.canonical_result_id
    weighed = before.support is not unit.support
    confirmed = weighed and not chosen and unit.support is Support.TRUSTED
    if (new is not None and (chosen or weighed) and not confirmed) or "error_mask" in step.after:
        lines.append(_verdict(unit, about, snapshot, now, keys))
    elif confirmed:
        facts = {"work_unit": unit.ordinal, "agrees": True}
        lines.append(about.entry(EntryKind.RECHECK, now, sealed=True, **facts))
    return lines


def _canonical(unit: WorkUnit) -> str | None:
    number = unit.canonical_result_id
    return next((one.output_digest for one in unit.results if one.id == number), None)


def _later(before: WorkUnit, unit: WorkUnit, about: About, now: int) -> list[Entry]:
    """What answers became worth after their work unit's verdict."""
    earlier = {one.id: one for one in before.results}
    lines = []
    for one in unit.results:
        was = earlier.get(one.id)
        judged = one.validate_state in (
            ValidateState.VALID,
            ValidateState.INVALID,
            ValidateState.VOID,
        )
        if was is None or not judged or _worth(was) == _worth(one):
            continue
        facts = {**vote(unit, one, about), **_worth(one)}
        lines.append(about.entry(EntryKind.CREDIT, now, sealed=True, **facts))
    return lines


def _worth(one: Result) -> dict[str, Json]:
    return {
        "validate_state": str(one.validate_state),
        "checks2": one.checks2,
        "lied": one.lied,
        "credit": one.credit,
    }


def _like(one: Result, about: About, keys: Keys) -> dict[str, Json]:
    """Whose output speaks for this answer, where it is not its own."""
    key = keys.get(one.id, one.output_digest)
    return {} if key == one.output_digest else {"like": about.digest(key)}


def _ban(unit: WorkUnit, step: Adjust, about: About, now: int) -> Entry:
    principals = {
        one.principal_id or 0 for one in unit.results if one.volunteer_id == step.volunteer_id
    }
    who = [pseudonym(about.key, unit.job_id, one) for one in sorted(principals)]
    facts = {"principals": who, "work_unit": unit.ordinal, "because": step.ban}
    return about.entry(EntryKind.BAN, now, sealed=True, **facts)


def ban(now: int) -> Entry:
    """An admin has shut a volunteer out; whom and why is not said: it may name a person."""
    return Entry(kind=EntryKind.BAN, facts={**_head(now), "by": "admin"})


def unban(job_id: int | None, now: int) -> Entry:
    """An appeal was granted; whose is not said."""
    return Entry(kind=EntryKind.UNBAN, facts={**_head(now)}, job_id=job_id)


def key(purpose: str, event: str, vkeys: Sequence[str], now: int) -> Entry:
    """The keys of a purpose that are in force from here on, newest first, as verifier keys."""
    facts = {**_head(now), "purpose": purpose, "event": event, "keys": list(vkeys)}
    return Entry(kind=EntryKind.KEY, facts=facts)


def checked(about: About, statement: str, key: str, signature: str, now: int) -> Entry:
    """What a reader says of a job: their words, their key, their signature."""
    return about.entry(EntryKind.CHECKED, now, statement=statement, key=key, signature=signature)


def commitment(facts: Json) -> str:
    """What a `commit` entry shows of a vote's facts (salt included) until they are revealed."""
    return canonical.digest(canonical.dumps_facts(facts))


def vote(unit: WorkUnit, result: Result, about: About) -> dict[str, Json]:
    """One answer's facts as they are committed to and later revealed."""
    return {
        "salt": result.salt,
        "work_unit": unit.ordinal,
        "principal": pseudonym(about.key, unit.job_id, result.principal_id),
        "output": about.digest(result.output_digest),
    }


def _head(now: int) -> dict[str, Json]:
    return {"schema": SCHEMA, "grid": __version__, "minute": now // 60}


def _verdict(unit: WorkUnit, about: About, snapshot: Snapshot, now: int, keys: Keys) -> Entry:
    answers = [result for result in unit.results if result.outcome is Outcome.SUCCESS]
    answers.sort(key=lambda result: (result.received_at or 0, result.id))
    chosen = next((one for one in answers if one.id == unit.canonical_result_id), None)
    outcomes: dict[str, int] = {}
    for result in unit.results:
        outcomes[result.outcome] = outcomes.get(result.outcome, 0) + 1
    policy = unit.policy
    return about.entry(
        EntryKind.VERDICT,
        now,
        sealed=True,
        work_unit=unit.ordinal,
        first_chunk=unit.first_chunk,
        chunks=unit.chunk_count,
        rule={
            "quorum": policy.min_quorum,
            "mode": str(policy.mode),
            "target_error_ppb": policy.target_error_ppb,
            "min_engines": policy.min_engines,
        },
        support=str(unit.support),
        votes=[
            {
                **vote(unit, result, about),
                **_worth(result),
                **_like(result, about, keys),
                "trusted": result.purpose is Purpose.TRUSTED,
                "engine": kind(result.engine),
                "believed2": snapshot.standing(result.volunteer_id).checks2,
            }
            for result in answers
        ],
        outcomes=outcomes,
        canonical=None if chosen is None else about.digest(chosen.output_digest),
        error_mask=[bit.name for bit in ErrorMask if bit in unit.error_mask and bit.name],
    )
