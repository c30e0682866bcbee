"""This file is where a job ends, and where its seal opens."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from grid.items import Job
from grid.states import IllegalMove, JobState
from grid.transition import Entity, Transition

OPEN_STATES = frozenset({JobState.ACTIVE, JobState.PAUSED})
#: Ended without an output: nothing of it needs to be known any better.
GIVEN_UP = frozenset({JobState.FAILED, JobState.CANCELLED})
ENDED = GIVEN_UP | {JobState.COMPLETED}


class Progress(Struct, frozen=True, kw_only=True):
    """What a job's work units add up to."""

    #: Work units whose outcome has reached the output, in order from the first.
    merged: int
    #: Why the job cannot go on: a work unit gave up, or the merge refused.
    failure: str | None = None
    #: What hosts said of it.
    messages: tuple[str, ...] = ()
    #: The work unit whose answer is enough, and has reached the output; None where there is none.
    stopped_by: int | None = None
    #: Copies that hosts still hold, traps that wait for one, work units the server is yet to check.
    in_progress: int = 0


def decide(job: Job, progress: Progress, now: int) -> list[Transition]:
    """End a job that is done or cannot go on; open the seal of an ended one.

    The seal opens when the job has ended, no host holds a copy any more, no trap waits for one and
    the server has nothing left to check, or at the set time.
    """
    steps: list[Transition] = []
    if job.job_state in OPEN_STATES:
        if progress.failure is not None:
            failed = _end(job, JobState.FAILED, progress.failure, now, progress.messages)
            steps.append(failed)
        elif progress.stopped_by is not None:
            steps.append(_stop(job, progress.stopped_by, now))
        elif progress.merged == job.workunit_count:
            steps.append(_end(job, JobState.COMPLETED, "every work unit is merged", now))
    ended = bool(steps) or job.job_state not in OPEN_STATES
    over = ended and progress.in_progress == 0
    if job.seal_opened_at is None and (over or job.seal_opens_by <= now):
        because = "nothing of it is out any more" if over else "its set time has come"
        steps.append(_open(job, because, now))
    return steps


def move(job: Job, to: JobState, because: str, now: int) -> Transition:
    """Pause, resume or cancel; raises IllegalMove when the job's state does not allow it."""
    if to not in OPEN_STATES:
        return _end(job, to, because, now)
    if job.job_state not in OPEN_STATES:
        raise IllegalMove("job_state", job.job_state, to)
    return _change(job, to, because, {"frozen": None} if to is JobState.ACTIVE else {})


def reopen(job: Job, because: str) -> Transition:
    """Make a completed job's output anew: one of its verdicts was taken back."""
    return _change(job, JobState.ACTIVE, because, {"ended_at": None, "stopped_by": None})


def freeze(job: Job, because: str) -> Transition:
    """Pause a job whose job type is suspect; only an admin resumes it."""
    return _change(job, JobState.PAUSED, because, {"frozen": because})


def _end(
    job: Job, state: JobState, because: str, now: int, messages: tuple[str, ...] = ()
) -> Transition:
    failed: dict[str, object] = {}
    if state is JobState.FAILED:
        failed = {"failure": because, "failure_messages": messages}
    return _change(job, state, because, {"ended_at": now, **failed})


def _stop(job: Job, ordinal: int, now: int) -> Transition:
    because = "one answer was enough"
    further = {"ended_at": now, "stopped_by": ordinal}
    return _change(job, JobState.COMPLETED, because, further)


def _change(job: Job, state: JobState, because: str, further: Mapping[str, object]) -> Transition:
    return Transition(
        entity=Entity.JOB,
        id=job.id,
        before={"job_state": job.job_state},
        after={"job_state": state, **further},
        because=because,
    )


def _open(job: Job, because: str, now: int) -> Transition:
    return Transition(
        entity=Entity.JOB,
        id=job.id,
        before={"seal_opened_at": None},
        after={"seal_opened_at": now},
        because=because,
    )
