"""This file is where tests make work units, answers and volunteers in a few words."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from grid import comparators
from grid.canonical import digest
from grid.items import Job, Mode, Policy, Result, Standing, WorkUnit
from grid.states import JobState, Outcome, Purpose, ServerState, ValidateState
from grid.transition import Adjust, Freeze, Instruction, Quarantine, after
from grid.validator import grouping, settle
from grid.validator.snapshot import Snapshot

NOW = 1_800_000_000
PLAIN = Snapshot()
#: Half checks of a volunteer so well known that its agreement with one like it is enough.
WELL_KNOWN2 = 400


by_digest = grouping(comparators.by_digest)


def answered(
    number: int,
    output: str,
    principal: int | None = None,
    state: ValidateState = ValidateState.INIT,
    **fields: object,
) -> Result:
    """A successful result of the volunteer with its number; earlier numbers came in earlier."""
    base = Result(
        id=number,
        workunit_id=1,
        job_id=1,
        server_state=ServerState.OVER,
        outcome=Outcome.SUCCESS,
        validate_state=state,
        host_id=number,
        principal_id=number if principal is None else principal,
        volunteer_id=number,
        engine="chromium/130",
        epoch=1,
        sent_at=NOW,
        report_deadline=NOW + 600,
        received_at=NOW + number,
        output_digest=digest(output.encode()),
        report_digest=digest(output.encode()),
        salt="00" * 16,
    )
    return msgspec.structs.replace(base, **fields)


def computed(number: int, output: str) -> Result:
    """What the server's own engine gave."""
    return answered(
        number,
        output,
        purpose=Purpose.TRUSTED,
        host_id=None,
        principal_id=None,
        volunteer_id=None,
        engine=None,
        received_at=NOW,
    )


def ended(number: int, outcome: Outcome, **fields: object) -> Result:
    """A result that ended without an answer."""
    return answered(number, "", outcome=outcome, output_digest=None, received_at=None, **fields)


def sent(number: int, principal: int | None = None, deadline: int = NOW + 600) -> Result:
    """A result that a host holds."""
    return Result(
        id=number,
        workunit_id=1,
        job_id=1,
        server_state=ServerState.IN_PROGRESS,
        host_id=number,
        principal_id=number if principal is None else principal,
        volunteer_id=number,
        engine="chromium/130",
        epoch=1,
        sent_at=NOW,
        report_deadline=deadline,
    )


def waiting(number: int, **fields: object) -> Result:
    """A result that no host has yet."""
    return msgspec.structs.replace(Result(id=number, workunit_id=1, job_id=1), **fields)


def unit(*results: Result, **fields: object) -> WorkUnit:
    """A work unit with these copies; policy fields by name."""
    policy = {key: fields.pop(key) for key in tuple(fields) if key in Policy.__struct_fields__}
    base = WorkUnit(
        id=1,
        job_id=1,
        ordinal=0,
        first_chunk=0,
        chunk_count=1,
        policy=Policy(**policy),
        results=tuple(results),
    )
    return msgspec.structs.replace(base, **fields)


def standard(*results: Result, **fields: object) -> WorkUnit:
    """A work unit in the default mode of public jobs."""
    return unit(*results, **{"mode": Mode.STANDARD, **fields})


def job(**fields: object) -> Job:
    """A job of three work units, none of them made yet."""
    base = Job(
        id=1,
        account_id=1,
        job_type="SUM",
        version="1.0.0",
        job_type_digest="00" * 32,
        spec={},
        dataset_id=1,
        name="a job",
        metadata={},
        policy=Policy(),
        public=True,
        job_state=JobState.ACTIVE,
        program_digest="00" * 32,
        created_at=NOW,
        seal_opens_by=NOW + 100,
        workunit_count=3,
        workunits_made=0,
    )
    return msgspec.structs.replace(base, **fields)


def known(checks2: int | Mapping[int, int] = WELL_KNOWN2, **fields: object) -> Snapshot:
    """Volunteers 1 to 9 who have survived so many half checks, or those named."""
    named = dict.fromkeys(range(1, 10), checks2) if isinstance(checks2, int) else checks2
    standings = {
        who: Standing(volunteer_id=who, checks2=many, compared=many) for who, many in named.items()
    }
    typical = sorted(named.values())[len(named) // 2] if named else 0
    given = {"standings": standings, "typical_checks2": typical, **fields}
    return Snapshot(**given)  # type: ignore[arg-type]


def caught(snapshot: Snapshot, *volunteers: int, free: bool = False) -> Snapshot:
    """The same crowd with some of them banned, or unbanned."""
    standings = dict(snapshot.standings)
    for who in volunteers:
        banned_at = None if free else NOW
        standings[who] = msgspec.structs.replace(snapshot.standing(who), banned_at=banned_at)
    return msgspec.structs.replace(snapshot, standings=standings)


def learnt(snapshot: Snapshot, batch: list[Instruction]) -> Snapshot:
    """The snapshot once a batch has been carried out on standings, engines and the job."""
    standings, quarantined = dict(snapshot.standings), dict(snapshot.quarantined)
    convicted, frozen = set(snapshot.convicted), snapshot.frozen
    for one in batch:
        if isinstance(one, Adjust):
            was = Standing(volunteer_id=one.volunteer_id)
            was = standings.get(one.volunteer_id, was)
            standings[one.volunteer_id] = msgspec.structs.replace(
                was,
                checks2=max((0 if one.reset else was.checks2) + one.checks2, 0),
                compared=was.compared + one.compared,
                lies=was.lies + one.lies,
                banned_at=NOW if one.ban and was.banned_at is None else was.banned_at,
            )
        elif isinstance(one, Quarantine) and one.lift:
            quarantined.pop(one.engine, None)
            convicted.discard(one.engine)
        elif isinstance(one, Quarantine):
            quarantined[one.engine] = one.cause
            convicted |= {one.engine} if one.convict else set()
        frozen = frozen or isinstance(one, Freeze)
    return msgspec.structs.replace(
        snapshot,
        standings=standings,
        quarantined=quarantined,
        convicted=frozenset(convicted),
        frozen=frozen,
    )


def settled(one: WorkUnit, now: int = NOW, snapshot: Snapshot = PLAIN) -> WorkUnit:
    """The work unit once the rules have had their say."""
    return step(one, now, snapshot)[0]


def step(
    one: WorkUnit, now: int = NOW, snapshot: Snapshot = PLAIN
) -> tuple[WorkUnit, Snapshot, list[Instruction]]:
    """The same, with the crowd as it is then, and all that was asked."""
    batch = settle(one, by_digest, snapshot, now)
    next_id = max((result.id for result in one.results), default=0) + 1
    return after(one, batch, next_id), learnt(snapshot, batch), batch


def with_answer(one: WorkUnit, *results: Result) -> WorkUnit:
    """The work unit with further results, or with others in the place of those with their ids."""
    rows = {result.id: result for result in (*one.results, *results)}
    return msgspec.structs.replace(one, results=tuple(rows.values()))


def made(one: WorkUnit, purpose: Purpose) -> list[Result]:
    """Its results of this purpose that wait for somebody."""
    return [
        result
        for result in one.results
        if result.purpose is purpose and result.server_state is ServerState.UNSENT
    ]


def chosen(one: WorkUnit) -> str | None:
    """The digest that quorum chose, or None."""
    return next(
        (result.output_digest for result in one.results if result.id == one.canonical_result_id),
        None,
    )
