"""This file is where it stands what must be true of any store at any time."""

from __future__ import annotations

import json
from collections import Counter

from sqlalchemy import select

from grid import replay
from grid.auditlog.entries import commitment, vote
from grid.canonical import digest, dumps
from grid.db import queries
from grid.db.rows import JobFacts
from grid.db.store import Store
from grid.db.tables import JobRow, OutboxRow, ResultRow, WorkUnitRow, table
from grid.dispatch import LEFT_COPIES_MAX
from grid.identifiers import Kind
from grid.items import Result, WorkUnit
from grid.states import AssimilateState, JobState, Outcome, ServerState, ValidateState
from grid.transition import Transition
from grid.validator import quorum, settle


def check(store: Store) -> None:
    """Raise AssertionError for the first thing that is out of order."""
    with store.read() as connection:
        numbers = list(connection.scalars(select(table(WorkUnitRow).c.id)))
        units = queries.workunits(connection, numbers)
        jobs = queries.jobs(connection, {unit.job_id for unit in units.values()})
        entries = connection.execute(select(table(OutboxRow))).all()
        texts = dict(
            connection.execute(select(table(ResultRow).c.id, table(ResultRow).c.output)).all()
        )
        made = dict(
            connection.execute(select(table(JobRow).c.id, table(JobRow).c.workunits_made)).all()
        )
    for unit in units.values():
        _results_make_sense(unit, texts)
        _verdict_makes_sense(unit)
        state = jobs[unit.job_id].job.job_state
        if state in (JobState.ACTIVE, JobState.PAUSED):
            _rules_are_settled(unit)
    counts = Counter(unit.job_id for unit in units.values())
    assert all(counts[number] == count for number, count in made.items())
    _log_is_state(store, units, jobs, entries)


def _results_make_sense(unit: WorkUnit, texts: dict[int, str | None]) -> None:
    _nobody_holds_two(unit)
    for one in unit.results:
        sent = one.host_id is not None
        assert sent == (one.epoch > 0) == (one.sent_at is not None), one
        assert (one.outcome is Outcome.INIT) == (one.server_state is not ServerState.OVER), one
        assert (
            sent or one.server_state is ServerState.UNSENT or (one.outcome is Outcome.DIDNT_NEED)
        ), one
        success = one.outcome is Outcome.SUCCESS
        assert success == (one.output_digest is not None), one
        assert success or one.validate_state is ValidateState.INIT, one
        if success and texts[one.id] is not None:
            assert digest(texts[one.id].encode()) == one.output_digest, one


def _nobody_holds_two(unit: WorkUnit) -> None:
    """A principal gets another copy only once it has left the one before."""
    before: dict[int, Result] = {}
    sent = [one for one in unit.results if one.principal_id is not None]
    for one in sorted(sent, key=lambda result: (result.sent_at, result.id)):
        earlier = before.get(one.principal_id)
        if earlier is not None:
            silent = earlier.report_deadline < one.sent_at
            assert silent or earlier.outcome is Outcome.ABANDONED, (earlier, one)
        before[one.principal_id] = one
    copies = Counter(one.principal_id for one in sent)
    assert all(count <= LEFT_COPIES_MAX for count in copies.values()), unit


def _verdict_makes_sense(unit: WorkUnit) -> None:
    assert unit.decided == (unit.assimilate_state is not AssimilateState.INIT), unit
    if unit.canonical_result_id is None:
        assert not any(one.validate_state is ValidateState.VALID for one in unit.results), unit
        return
    assert not unit.error_mask, unit
    assert all(one.server_state is not ServerState.UNSENT for one in unit.results), unit
    canonical = next(one for one in unit.results if one.id == unit.canonical_result_id)
    agreeing = {
        one.principal_id
        for one in unit.results
        if one.output_digest == canonical.output_digest and one.outcome is Outcome.SUCCESS
    }
    assert len(agreeing) >= unit.policy.min_quorum, unit
    for one in unit.results:
        if one.outcome is Outcome.SUCCESS:
            agrees = one.output_digest == canonical.output_digest
            assert (one.validate_state is ValidateState.VALID) == agrees, one


def _rules_are_settled(unit: WorkUnit) -> None:
    left = [
        one
        for one in settle(unit, lambda result: result.output_digest, now=0)
        if not (isinstance(one, Transition) and "file_delete_state" in one.after)
    ]
    assert left == [], f"the rules still ask for {left} of {unit}"
    assert quorum.decide(unit, lambda result: result.output_digest) == []


def _log_is_state(
    store: Store, units: dict[int, WorkUnit], jobs: dict[int, JobFacts], entries: list
) -> None:
    assert all((row.job_id is None) == ("job" not in json.loads(row.facts)) for row in entries), (
        "an entry that tells of a job can be found by it"
    )
    found = [(row.kind, json.loads(row.facts)) for row in entries]
    assert all(row.facts.encode() == dumps(json.loads(row.facts)) for row in entries)
    assert replay.replay(found) is None
    answers = [
        commitment(vote(unit, one, store.keyring.about(jobs[unit.job_id].job)))
        for unit in units.values()
        for one in unit.results
        if one.outcome is Outcome.SUCCESS
    ]
    commits = [facts["commitment"] for kind, facts in found if kind == "commit"]
    assert sorted(commits) == sorted(answers), "each answer is committed to exactly once"
    public = store.keyring.identifiers.public
    decided = sorted(
        (public(Kind.JOB, unit.job_id), unit.ordinal) for unit in units.values() if unit.decided
    )
    verdicts = sorted((f["job"], f["work_unit"]) for kind, f in found if kind == "verdict")
    assert verdicts == decided, "each decided work unit has exactly one verdict"
