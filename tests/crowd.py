"""This file is where tests make work units and answers in a few words."""

from __future__ import annotations

import msgspec

from grid.canonical import digest
from grid.items import Policy, Result, WorkUnit
from grid.states import Outcome, ServerState, ValidateState
from grid.transition import after
from grid.validator import settle

NOW = 1_800_000_000


def by_digest(result: Result) -> object:
    return result.output_digest


def answered(
    number: int,
    output: str,
    principal: int | None = None,
    state: ValidateState = ValidateState.INIT,
) -> Result:
    """A successful result; earlier numbers came in earlier."""
    return Result(
        id=number,
        workunit_id=1,
        job_id=1,
        server_state=ServerState.OVER,
        outcome=Outcome.SUCCESS,
        validate_state=state,
        host_id=number,
        principal_id=number if principal is None else principal,
        epoch=1,
        sent_at=NOW,
        report_deadline=NOW + 600,
        received_at=NOW + number,
        output_digest=digest(output.encode()),
        report_digest=digest(output.encode()),
        salt="00" * 16,
    )


def ended(number: int, outcome: Outcome) -> Result:
    """A result that ended without an answer."""
    return msgspec.structs.replace(
        answered(number, ""), outcome=outcome, output_digest=None, received_at=None
    )


def sent(number: int, principal: int | None = None, deadline: int = NOW + 600) -> Result:
    """A result that a host holds."""
    return Result(
        id=number,
        workunit_id=1,
        job_id=1,
        server_state=ServerState.IN_PROGRESS,
        host_id=number,
        principal_id=number if principal is None else principal,
        epoch=1,
        sent_at=NOW,
        report_deadline=deadline,
    )


def waiting(number: int) -> Result:
    """A result that no host has yet."""
    return Result(id=number, workunit_id=1, job_id=1)


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


def settled(one: WorkUnit, now: int = NOW) -> WorkUnit:
    """The work unit once the rules have had their say."""
    next_id = max((result.id for result in one.results), default=0) + 1
    return after(one, settle(one, by_digest, now), next_id)


def chosen(one: WorkUnit) -> str | None:
    """The digest that quorum chose, or None."""
    return next(
        (result.output_digest for result in one.results if result.id == one.canonical_result_id),
        None,
    )
