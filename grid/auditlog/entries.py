"""This file is where decisions become log entries, in the schema that auditors will verify.

Facts are canonical JSON without floats; times are whole minutes; whoever computed is named by a
pseudonym that differs from job to job. What a job's seal covers is marked so, and leaves the
server only when the seal has opened.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

from grid import __version__, canonical
from grid.items import DataSet, Job, Json, Result, WorkUnit
from grid.states import ErrorMask, Outcome
from grid.transition import Entity, Instruction, Transition

#: Raised when a kind's facts change; an older entry stays readable under its own number.
SCHEMA = 1


class EntryKind(StrEnum):
    """What an entry tells. The kinds are fixed for the schema, whichever this version writes."""

    #: A job was submitted, paused, resumed or has ended; `event` says which.
    JOB = "job"
    #: The program that all work units of a job share.
    PROGRAM = "program"
    #: An answer came in; hides which work unit and whose.
    COMMIT = "commit"
    #: A work unit was decided, with every fact the verdict used.
    VERDICT = "verdict"
    #: The server computed a work unit again.
    RECHECK = "recheck"
    #: A decided dispute was re-issued to catch a colluder.
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
    #: The log's signing key was made or replaced.
    KEY = "key"
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


def pseudonym(key: bytes, job_id: int, principal_id: int | None) -> str:
    """A principal's name within one job: the same there, unlinkable elsewhere."""
    text = f"pseudonym {job_id} {principal_id}".encode()
    return hmac.new(key, text, hashlib.sha256).digest()[:10].hex()


def job(job: Job, about: About, dataset: DataSet, now: int) -> Entry:
    """What was asked for; of a private job neither names nor plain digests."""
    return about.entry(
        EntryKind.JOB,
        now,
        event="submitted",
        job_type=job.job_type,
        version=job.version,
        job_type_digest=job.job_type_digest,
        spec_digest=about.digest(canonical.digest(canonical.dumps(job.spec))),
        source_digest=about.digest(dataset.source_digest),
        columns=msgspec.to_builtins(dataset.columns) if job.public else None,
        policy=msgspec.to_builtins(job.policy),
        work_units=job.workunit_count,
    )


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


def reveal(about: About, now: int) -> Entry:
    """The job's seal has opened."""
    return about.entry(EntryKind.REVEAL, now)


def of_unit(unit: WorkUnit, batch: Iterable[Instruction], about: About, now: int) -> list[Entry]:
    """The entries for what was done to one work unit; `unit` is as it is afterwards."""
    results = {result.id: result for result in unit.results}
    entries = []
    for instruction in batch:
        if not isinstance(instruction, Transition):
            continue
        if instruction.entity is Entity.RESULT and "report_digest" in instruction.after:
            result = results[instruction.id]
            if result.outcome is Outcome.SUCCESS:
                hidden = commitment(vote(unit, result, about))
                entries.append(about.entry(EntryKind.COMMIT, now, commitment=hidden))
        elif instruction.entity is Entity.WORKUNIT and (
            "canonical_result_id" in instruction.after or "error_mask" in instruction.after
        ):
            entries.append(_verdict(unit, about, now))
    return entries


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


def _verdict(unit: WorkUnit, about: About, now: int) -> Entry:
    answers = [result for result in unit.results if result.outcome is Outcome.SUCCESS]
    answers.sort(key=lambda result: (result.received_at or 0, result.id))
    chosen = next((one for one in answers if one.id == unit.canonical_result_id), None)
    outcomes: dict[str, int] = {}
    for result in unit.results:
        outcomes[result.outcome] = outcomes.get(result.outcome, 0) + 1
    return about.entry(
        EntryKind.VERDICT,
        now,
        sealed=True,
        work_unit=unit.ordinal,
        first_chunk=unit.first_chunk,
        chunks=unit.chunk_count,
        rule={"quorum": unit.policy.min_quorum, "mode": str(unit.policy.mode)},
        votes=[
            {**vote(unit, result, about), "validate_state": str(result.validate_state)}
            for result in answers
        ],
        outcomes=outcomes,
        canonical=None if chosen is None else about.digest(chosen.output_digest),
        error_mask=[bit.name for bit in ErrorMask if bit in unit.error_mask and bit.name],
    )
