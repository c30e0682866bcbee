"""This file is where the snapshot is read that verdicts are reached under.

Standings, quarantines and job states are the truth, read in the transaction. What a job has spent
is counted once a second: a budget is a brake, and a second's overrun no harm.

The budget of a job (`validator.snapshot.Budget`) is computing time of the server: `trusted_floor_s`
seconds, and a share of a run for each of its work units. What waits or is being computed counts as
spent already, each as long as the runs before it took. While `trusted_waiting_max` runs wait, over
all active jobs, the server is `busy`: a job of which one waits already makes no more of them, and
its work units wait, which changes no verdict.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, bindparam, case, func, literal_column, select

from grid.assimilator.ending import OPEN_STATES
from grid.db.dialects import json_text
from grid.db.prepared import Prepared
from grid.db.rows import JobFacts
from grid.db.tables import (
    JobRow,
    OutputRow,
    QuarantineRow,
    ResultRow,
    VolunteerRow,
    WorkUnitRow,
    spelled,
    table,
)
from grid.db.texts import given, nested, objects, pairs, spelled_ids
from grid.db.transaction import Transaction
from grid.items import Job, Standing
from grid.settings import Settings
from grid.states import JobState, Purpose, ServerState
from grid.transition import CreateResults, Instruction
from grid.validator.modes import BELIEVING, promise
from grid.validator.snapshot import Budget, Snapshot

#: Volunteers whose standings make the typical one: whose work units were settled last.
TYPICAL_OF = 101
#: How long what a job has spent is not counted again: so long, and as long again for each so many
#: runs and traps, for counting them takes a millisecond a thousand.
COUNTED_TTL_S = 1
COUNTED_PER_TTL = 10_000
#: What a trusted run is taken to last before one was measured, in milliseconds.
TRUSTED_MS = 1000

RESULT, JOB, PEOPLE = table(ResultRow), table(JobRow), table(VolunteerRow)
QUARANTINE, OUTPUT, UNIT = table(QuarantineRow), table(OutputRow), table(WorkUnitRow)


class _JobNow(Struct):
    id: int
    job_state: JobState
    ended_at: int | None
    seal_opened_at: int | None
    workunits_made: int
    #: When its first output was made.
    output_at: int | None
    #: The volunteer that the requester's own hosts belong to.
    owner: int | None


def _job_now() -> dict[str, ColumnElement[Any]]:
    owner = (
        select(PEOPLE.c.id).where(PEOPLE.c.account_id == JOB.c.account_id).correlate(JOB)
    ).scalar_subquery()
    output_at = (
        select(OUTPUT.c.made_at)
        .where(OUTPUT.c.job_id == JOB.c.id, OUTPUT.c.output_version == literal_column("1"))
        .correlate(JOB)
    ).scalar_subquery()
    others = {"owner": owner, "output_at": output_at}
    stored = [name for name in _JobNow.__struct_fields__ if name not in others]
    return {**{name: JOB.c[name] for name in stored}, **others}


class _Suspect(Struct):
    job_id: int
    engine: str
    cause: int
    convicted: bool


class _Person(Struct):
    id: int
    checks2: int
    compared: int
    lies: int
    banned_at: int | None


class _Facts(Struct):
    jobs: list[_JobNow]
    suspects: list[_Suspect]
    people: list[_Person]


_FACTS = Prepared(
    nested(
        (
            "jobs",
            select(func.json_group_array(pairs(_job_now()))).where(JOB.c.id.in_(given("jobs"))),
        ),
        (
            "suspects",
            select(objects(QUARANTINE, _Suspect.__struct_fields__)).where(
                QUARANTINE.c.job_id.in_(given("jobs"))
            ),
        ),
        (
            "people",
            select(objects(PEOPLE, _Person.__struct_fields__)).where(
                PEOPLE.c.id.in_(given("people"))
            ),
        ),
    )
)
#: Not strict, for SQLite spells false and true 0 and 1.
_decoder = msgspec.json.Decoder(_Facts, strict=False)


class Spent(Struct, frozen=True, kw_only=True):
    """What a job has had of the server."""

    counted_at: int
    #: Milliseconds of the runs that ended, and how many did.
    trusted_ms: int
    trusted: int
    #: Runs that wait or are being computed.
    coming: int
    #: Traps, and quizzes.
    traps: int
    #: Work units that the job has so far.
    work_units: int = 0
    #: Trusted runs that its mode allows for each.
    share: float = 0.0

    @property
    def each_ms(self) -> float:
        """What a run of this job takes."""
        return self.trusted_ms / self.trusted if self.trusted else TRUSTED_MS

    def room(self, floor_s: int) -> bool:
        """Whether the budget allows another run."""
        each_ms = max(self.each_ms, 1.0)
        spent = self.trusted_ms / each_ms + self.coming
        return Budget.room(spent, floor_s * 1000.0 / each_ms, self.work_units, self.share)

    @property
    def trap_room(self) -> bool:
        """Whether another dispute may become traps."""
        return Budget.trap_room(self.traps, self.work_units)


class Snapshots:
    """Makes snapshots; remembers whose work units were settled and what jobs have spent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._recent: deque[int] = deque(maxlen=TYPICAL_OF)
        self._spent: dict[int, Spent] = {}
        self._waiting, self._waiting_at = 0, -1

    def of(
        self,
        transaction: Transaction,
        jobs: Mapping[int, JobFacts],
        volunteers: Collection[int],
    ) -> dict[int, Snapshot]:
        """A snapshot for each of these jobs that covers these volunteers."""
        text = _FACTS.scalar(
            transaction.connection, jobs=spelled_ids(jobs), people=spelled_ids(volunteers)
        )
        facts = _decoder.decode(text)
        standings = {
            one.id: Standing(
                volunteer_id=one.id,
                checks2=one.checks2,
                compared=one.compared,
                lies=one.lies,
                banned_at=one.banned_at,
            )
            for one in facts.people
        }
        self._recent.extend(one.checks2 for one in facts.people if one.banned_at is None)
        typical = sorted(self._recent)[len(self._recent) // 2] if self._recent else 0
        return {
            one.id: self._one(transaction, jobs[one.id], one, facts.suspects, standings, typical)
            for one in facts.jobs
        }

    def _one(
        self,
        transaction: Transaction,
        facts: JobFacts,
        now: _JobNow,
        suspects: list[_Suspect],
        standings: Mapping[int, Standing],
        typical: int,
    ) -> Snapshot:
        job = facts.job
        spent = self._count(transaction, job, now.workunits_made)
        self._count_waiting(transaction)
        if job.policy.mode not in BELIEVING:
            return Snapshot(
                standings=standings,
                room=spent.room(self._settings.trusted_floor_s),
                busy=self._busy(spent),
                opened_at=now.seal_opened_at,
                owner=now.owner,
                over=now.job_state not in OPEN_STATES,
            )
        return Snapshot(
            standings=standings,
            quarantined={one.engine: one.cause for one in suspects if one.job_id == job.id},
            convicted=frozenset(
                one.engine for one in suspects if one.job_id == job.id and one.convicted
            ),
            typical_checks2=typical,
            room=spent.room(self._settings.trusted_floor_s),
            busy=self._busy(spent),
            trap_room=spent.trap_room,
            seed=job.seed,
            sealed=now.seal_opened_at is None,
            opened_at=now.seal_opened_at,
            output_at=now.output_at,
            owner=now.owner,
            completed=now.job_state is JobState.COMPLETED,
            over=self._over(now, transaction.now),
            frozen=now.job_state is JobState.PAUSED,
            wait_s=self._settings.cold_start_wait_s,
            delay_s=self._settings.copy_delay_max_s,
        )

    def _over(self, job: _JobNow, now: int) -> bool:
        """Whether nothing more of a job needs to be known: not while traps of a completed one have
        time left."""
        if job.job_state is not JobState.COMPLETED:
            return job.job_state not in OPEN_STATES
        late = now >= (job.ended_at or 0) + self._settings.trap_wait_s
        return late or job.seal_opened_at is not None

    def spend(self, snapshot: Snapshot, job_id: int, batch: Iterable[Instruction]) -> Snapshot:
        """The snapshot for the next work unit of the job, once this batch is carried out."""
        made = [one for one in batch if isinstance(one, CreateResults)]
        trusted = sum(one.count for one in made if one.purpose is Purpose.TRUSTED)
        traps = sum(one.count for one in made if one.purpose is Purpose.TRAP)
        spent = self._spent.get(job_id)
        if spent is None or not (trusted or traps):
            return snapshot
        spent = msgspec.structs.replace(
            spent, coming=spent.coming + trusted, traps=spent.traps + traps
        )
        self._spent[job_id] = spent
        self._waiting += trusted
        return msgspec.structs.replace(
            snapshot,
            room=spent.room(self._settings.trusted_floor_s),
            busy=self._busy(spent),
            trap_room=spent.trap_room,
        )

    def _count(self, transaction: Transaction, job: Job, work_units: int) -> Spent:
        found = self._spent.get(job.id)
        counted = 0 if found is None else found.trusted + found.coming + found.traps
        ttl_s = COUNTED_TTL_S * (1 + counted // COUNTED_PER_TTL)
        if found is None or transaction.now - found.counted_at >= ttl_s:
            found = spent(transaction.connection, job.id, transaction.now)
        if len(self._spent) > 1000:
            self._spent.clear()
        if found.work_units != work_units:
            share = promise(job.policy).trusted_share if job.policy.mode in BELIEVING else 0.0
            found = msgspec.structs.replace(found, work_units=work_units, share=share)
        self._spent[job.id] = found
        return found

    def _busy(self, spent: Spent) -> bool:
        """Whether the job waits with another run: one of each job may always wait."""
        return self._waiting >= self._settings.trusted_waiting_max and spent.coming > 0

    def _count_waiting(self, transaction: Transaction) -> None:
        if transaction.now != self._waiting_at:
            most = self._settings.trusted_waiting_max
            self._waiting = waiting(transaction.connection, most)
            self._waiting_at = transaction.now


_SPENT = Prepared(
    select(
        json_text(
            func.json_array(
                func.coalesce(func.sum(RESULT.c.elapsed_ms), 0),
                func.count(RESULT.c.elapsed_ms),
                func.count(case((RESULT.c.server_state != spelled(ServerState.OVER), 1))),
            )
        )
    ).where(RESULT.c.job_id == bindparam("job"), RESULT.c.purpose == spelled(Purpose.TRUSTED))
)
_TRAPS = Prepared(
    select(func.count()).where(
        RESULT.c.job_id == bindparam("job"), RESULT.c.purpose == spelled(Purpose.TRAP)
    )
)


_QUIZZES = Prepared(
    select(func.count()).where(UNIT.c.job_id == bindparam("job"), UNIT.c.ordinal < 0)
)


def spent(connection: Connection, job_id: int, now: int) -> Spent:
    """What a job's trusted runs, traps and quizzes have cost so far (result_trusted, result_trap,
    workunit_of_job)."""
    trusted_ms, trusted, coming = msgspec.json.decode(_SPENT.scalar(connection, job=job_id))
    traps = _TRAPS.scalar(connection, job=job_id) + _QUIZZES.scalar(connection, job=job_id)
    return Spent(
        counted_at=now, trusted_ms=trusted_ms, trusted=trusted, coming=coming, traps=int(traps)
    )


_SERVED = select(JOB.c.id).where(
    JOB.c.id == RESULT.c.job_id,
    JOB.c.job_state.in_([spelled(JobState.ACTIVE), spelled(JobState.COMPLETED)]),
)
_UNSENT = (
    select(RESULT.c.id)
    .where(
        RESULT.c.server_state == spelled(ServerState.UNSENT),
        RESULT.c.purpose == spelled(Purpose.TRUSTED),
        _SERVED.exists(),
    )
    .order_by(RESULT.c.id)
    .limit(bindparam("most"))
    .subquery()
)
_WAITING = Prepared(select(func.count()).select_from(_UNSENT))


def waiting(connection: Connection, most: int) -> int:
    """How many trusted runs wait that may be computed now, counted up to `most`
    (result_trusted_unsent)."""
    return int(_WAITING.scalar(connection, most=most))
