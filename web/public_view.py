"""This file is where it is decided what anyone gets to see: the only source of API, pages, events.

Every function is pure: facts and `now` in, JSON out. It keeps the seal: until a job's seal opens,
nobody (its owner and admins included) sees who holds or answered what, nor any digest of an
answer; a work unit is `open` or `decided`, and that is all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from grid.auditlog import entries
from grid.db.listings import Counts, Output, Totals
from grid.db.rows import JobFacts
from grid.identifiers import Identifiers, Kind
from grid.items import DataSet, Job, Json, Result, WorkUnit
from grid.plugins.loader import Found, Loaded
from grid.states import ErrorMask, JobState, Outcome, Purpose, Support, ValidateState
from grid.validator.modes import BELIEVING

API = "/api/v1"
#: Where the public log is; the paths below are those of C2SP tlog-tiles.
LOG = "/log"

View = dict[str, Json]


class Names(Struct, frozen=True, kw_only=True):
    """How internal things are called outside."""

    identifiers: Identifiers
    #: Job id, principal id → whom an answer is by; the same within one job only.
    pseudonym: Callable[[int, int | None], str | None]

    def of(self, kind: Kind, number: int) -> str:
        """The public id."""
        return self.identifiers.public(kind, number)


class Live(Struct, frozen=True, kw_only=True):
    """What a server process knows of its present."""

    hosts_online: int
    results_per_min: int


def is_open(job: Job, now: int) -> bool:
    """Whether the job's seal has opened."""
    return job.seal_opened_at is not None and job.seal_opened_at <= now


def link(href: str) -> View:
    """A HAL link."""
    return {"href": href}


def page(items: Sequence[Json], here: str, following: str | None) -> View:
    """One page of a list, with a link to the one behind it."""
    links = {"self": link(here)}
    if following is not None:
        links["next"] = link(following)
    return {"items": list(items), "_links": links}


def server(totals: Totals, live: Live) -> View:
    """What the whole server does now."""
    return {**msgspec.to_builtins(live), **msgspec.to_builtins(totals)}


def progress(job: Job, counts: Counts) -> float:
    """The share of work units that are decided, 0 to 1; 1 only when the output is there."""
    if job.job_state is JobState.COMPLETED:
        return 1.0
    if not job.workunit_count:
        return 0.0
    return min(counts.decided / job.workunit_count, 0.999)


def left_s(job: Job, counts: Counts, now: int) -> int | None:
    """Seconds that an active job takes yet at the pace of its decided work units since it was
    submitted; None before the first, and when all are decided."""
    left = job.workunit_count - counts.decided
    if job.job_state is not JobState.ACTIVE or not counts.decided or left <= 0:
        return None
    return max(1, round(max(now - job.created_at, 1) * left / counts.decided))


def job_event(facts: JobFacts, counts: Counts, names: Names, now: int) -> View:
    """The part of a job's view that changes while it is computed."""
    job = facts.job
    # How far the fold has come, in order, would tell which work units are decided.
    merged = {"merged": counts.merged} if is_open(job, now) else {}
    stopped = {"stopped_by": job.stopped_by} if is_open(job, now) else {}
    return {
        "id": names.of(Kind.JOB, job.id),
        "state": str(job.job_state),
        "progress": round(progress(job, counts), 4),
        "left_s": left_s(job, counts, now),
        "counts": {
            "work_units": job.workunit_count,
            "made": job.workunits_made,
            "decided": counts.decided,
            **merged,
        },
        **stopped,
        "retracted": counts.retracted,
        "output_version": counts.output_version,
        "frozen": job.frozen,
        "sealed": not is_open(job, now),
        "ended_at": job.ended_at,
        "failure": job.failure,
        "failure_messages": list(job.failure_messages) if is_open(job, now) else [],
    }


def at_rest(facts: JobFacts, now: int) -> bool:
    """Whether nothing about the job will change any more."""
    ended = facts.job.job_state not in (JobState.ACTIVE, JobState.PAUSED)
    return ended and is_open(facts.job, now)


def job(
    facts: JobFacts,
    counts: Counts,
    outputs: Sequence[Output],
    names: Names,
    now: int,
    media: Sequence[str] = (),
) -> View:
    """A whole job; `media` are further formats of its output."""
    one = facts.job
    changing = job_event(facts, counts, names, now)
    public_id = changing["id"]
    dataset_id = None if one.dataset_id is None else names.of(Kind.DATASET, one.dataset_id)
    base = f"{API}/jobs/{public_id}"
    links = {
        "self": link(base),
        "page": link(f"/jobs/{public_id}"),
        "job_type": link(f"{API}/job-types/{one.job_type}"),
        "program": link(f"{base}/program"),
        "work_units": link(f"{base}/workunits"),
        "statistics": link(f"{base}/statistics"),
        "events": link(f"{base}/events"),
    }
    if dataset_id is not None:
        links["dataset"] = link(f"{API}/datasets/{dataset_id}")
    if outputs:
        links["output"] = link(f"{base}/output?format=json")
        for kind in ("csv", *media):
            links[f"output_{kind}"] = link(f"{base}/output?format={kind}")
    return {
        **changing,
        "name": one.name,
        "metadata": dict(one.metadata),
        "job_type": one.job_type,
        "version": one.version,
        "job_type_digest": one.job_type_digest,
        "spec": one.spec,
        "params": facts.params,
        "dataset": dataset_id,
        "points": _points(one),
        "reads": list(facts.reads),
        "output_columns": msgspec.to_builtins(facts.output_columns),
        "policy": msgspec.to_builtins(one.policy),
        "priority": one.urgency,
        "needs": msgspec.to_builtins(one.needs),
        "topics": list(one.topics),
        "public": one.public,
        "program": {"digest": one.program_digest},
        "created_at": one.created_at,
        "seal_opened_at": one.seal_opened_at,
        "seal_opens_by": one.seal_opens_by,
        "support": _support(outputs[0]) if outputs else None,
        "outputs": [_output(version, base, counts) for version in outputs],
        "_links": links,
    }


def _points(one: Job) -> View | None:
    if one.point_count is None:
        return None
    return {"count": one.point_count, "per_work_unit": one.workunit_points}


def _support(version: Output) -> View:
    """What an output's work units rest on, counted. Not told of a job that is still computed: a
    count that moves behind an answer would tell that it was checked."""
    return {
        "agreed": version.agreed,
        "trusted": version.trusted,
        "below_target": version.below_target,
        "weakest_votes": version.weakest_votes,
        "contested": version.contested,
    }


def _output(version: Output, base: str, counts: Counts) -> View:
    href = f"{base}/output?version={version.output_version}"
    return {
        "version": version.output_version,
        "rows": version.rows,
        "failed": version.failed,
        "manifest": version.manifest_digest,
        "made_at": version.made_at,
        "superseded": version.output_version < counts.output_version,
        "support": _support(version),
        "_links": {
            "csv": link(f"{href}&format=csv"),
            "json": link(f"{href}&format=json"),
            "manifest": link(f"{API}/blobs/{version.manifest_digest}"),
        },
    }


def workunit(
    unit: WorkUnit, one: Job, names: Names, now: int, further: Mapping[str, Json] | None = None
) -> View:
    """A work unit: its place in the data and every vote, once the seal has opened.

    While the job is sealed it is `open` or `decided`, and nothing tells which one it is: hosts know
    the chunks that they computed, and would see which of their answers was asked for again.
    `further` is kept back by the seal as well.
    """
    public_id, job_id = names.of(Kind.WORKUNIT, unit.id), names.of(Kind.JOB, unit.job_id)
    view: View = {
        "id": public_id,
        "job": job_id,
        "state": "decided" if unit.decided else "open",
        "sealed": not is_open(one, now),
        "_links": {
            "self": link(f"{API}/workunits/{public_id}"),
            "job": link(f"{API}/jobs/{job_id}"),
        },
    }
    if not is_open(one, now):
        return view
    answers = [_result(result, unit, names) for result in unit.results]
    return {
        **view,
        "ordinal": unit.ordinal,
        **_range(unit, one),
        "support": str(unit.support),
        "results": answers,
        "canonical_digest": canonical_digest(unit),
        "error_mask": [bit.name for bit in ErrorMask if bit in unit.error_mask and bit.name],
        "verdict": verdict(unit),
        **(further or {}),
    }


def _range(unit: WorkUnit, one: Job) -> View:
    thing = "chunk" if one.point_count is None else "point"
    return {f"first_{thing}": unit.first_chunk, f"{thing}_count": unit.chunk_count}


def canonical_digest(unit: WorkUnit) -> str | None:
    """SHA-256 of a work unit's answer; None while it has none."""
    chosen = next((one for one in unit.results if one.id == unit.canonical_result_id), None)
    return None if chosen is None else chosen.output_digest


def verdict(unit: WorkUnit) -> str:
    """Why a work unit ended as it did, in one sentence; only for an opened seal."""
    if unit.error_mask:
        said = [str(bit.name).lower().replace("_", " ") for bit in unit.error_mask]
        return "gave up: " + ", ".join(said)
    if unit.canonical_result_id is None:
        return "not decided"
    given = [
        one
        for one in unit.results
        if one.outcome is Outcome.SUCCESS and one.principal_id is not None
    ]
    agreeing = {one.principal_id for one in given if one.validate_state is ValidateState.VALID}
    others = [
        _counted(given, ValidateState.INVALID, "other"),
        _counted(given, ValidateState.VOID, "void"),
    ]
    return ", ".join([_backing(unit, len(agreeing)), *(said for said in others if said)])


def _backing(unit: WorkUnit, agreeing: int) -> str:
    computed = any(
        one.purpose is Purpose.TRUSTED and one.outcome is Outcome.SUCCESS for one in unit.results
    )
    equal = f"{agreeing} equal answer" + ("" if agreeing == 1 else "s")
    if computed:
        return f"the server computed it; {equal} of volunteers"
    if unit.policy.mode not in BELIEVING:
        return f"{equal} of {unit.policy.min_quorum} needed"
    below = unit.support is Support.BELOW_TARGET
    return f"{equal}, {'below' if below else 'believed to'} the target error"


def _counted(given: Sequence[Result], state: ValidateState, word: str) -> str:
    count = sum(one.validate_state is state for one in given)
    return f"{count} {word}{'s' if word == 'other' and count > 1 else ''}" if count else ""


def _result(result: Result, unit: WorkUnit, names: Names) -> View:
    return {
        "id": names.of(Kind.RESULT, result.id),
        "purpose": str(result.purpose),
        "by": names.pseudonym(unit.job_id, result.principal_id),
        "server_state": str(result.server_state),
        "outcome": str(result.outcome),
        "validate_state": str(result.validate_state),
        "canonical": result.id == unit.canonical_result_id,
        "output_digest": result.output_digest,
        "message": result.message,
        "elapsed_ms": result.elapsed_ms,
        "sent_at": result.sent_at,
        "received_at": result.received_at,
        "salt": result.salt,
    }


def dataset(one: DataSet, names: Names) -> View:
    """A data set, without its rows."""
    public_id = names.of(Kind.DATASET, one.id)
    base = f"{API}/datasets/{public_id}"
    return {
        "id": public_id,
        "name": one.name,
        "public": one.public,
        "columns": msgspec.to_builtins(one.columns),
        "rows": one.row_count,
        "chunk_rows": one.chunk_rows,
        "chunks": one.chunk_count,
        "bytes": one.byte_count,
        "source_digest": one.source_digest,
        "root": one.root,
        "created_at": one.created_at,
        "_links": {
            "self": link(base),
            "page": link(f"/datasets/{public_id}"),
            "preview": link(f"{base}/preview"),
            "chunks": link(f"{base}/chunks"),
            "jobs": link(f"{API}/jobs?dataset={public_id}"),
        },
    }


def job_type(found: Found, enabled: bool) -> View:
    """A job type as a list shows it: nothing here needs its code."""
    manifest = found.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "title": manifest.title,
        "summary": manifest.summary,
        "caution": manifest.caution or None,
        "digest": found.digest,
        "enabled": enabled,
        "_links": {
            "self": link(f"{API}/job-types/{manifest.name}"),
            "page": link(f"/job-types/{manifest.name}"),
            "preview": link(f"{API}/job-types/{manifest.name}/preview"),
        },
    }


def whole_job_type(found: Found, loaded: Loaded) -> View:
    """An enabled job type with all that a requester needs."""
    return {
        **job_type(found, enabled=True),
        "needs_dataset": loaded.job_type.over_dataset,
        "spec_schema": loaded.spec_schema,
        "output_schema": loaded.output_schema,
        "readme": loaded.readme,
        "examples": list(loaded.examples),
    }


def names(identifiers: Identifiers, pseudonym_key: bytes) -> Names:
    """The names under a server's keys."""

    def pseudonym(job_id: int, principal_id: int | None) -> str | None:
        if principal_id is None:
            return None
        return entries.pseudonym(pseudonym_key, job_id, principal_id)

    return Names(identifiers=identifiers, pseudonym=pseudonym)


def links(hrefs: Mapping[str, str]) -> View:
    """HAL links by relation."""
    return {"_links": {relation: link(href) for relation, href in hrefs.items()}}
