"""This file is where a job is moved by hand: paused, resumed, cancelled, put before others."""

from __future__ import annotations

from grid.db import commands
from grid.db.transaction import Transaction
from grid.states import IllegalMove, JobState
from web import looks
from web.callers import Caller
from web.problems import Problem, bad_field
from web.server import Server

BECAUSE = {
    JobState.PAUSED: "paused by its owner or an admin",
    JobState.ACTIVE: "resumed by its owner or an admin",
    JobState.CANCELLED: "cancelled by its owner or an admin",
}
ENDED = (JobState.COMPLETED, JobState.FAILED, JobState.CANCELLED)


def move(server: Server, transaction: Transaction, job_id: int, to: JobState) -> None:
    """Give a job this state; raises 409 where it is over, or where the server has frozen it."""
    frozen = looks.facts_in(transaction, job_id).job.frozen
    if frozen is not None and to is JobState.ACTIVE:
        raise Problem(409, f"{frozen} (an admin resumes it, below /admin/jobs)")
    try:
        commands.move_job(transaction, job_id, to, BECAUSE[to], server.store.keyring)
    except IllegalMove as error:
        raise Problem(409, f"the job is over: {error.before} → {error.after}") from error


def put_before(transaction: Transaction, caller: Caller, job_id: int, priority: int) -> None:
    """Give a job this priority; raises 403 for one that is an admin's to give, 409 when it is
    over."""
    if priority > 0 and not caller.admin:
        raise bad_field("/priority", "a priority above 0 is an admin's to give", 403)
    job = looks.facts_in(transaction, job_id).job
    if job.job_state in ENDED:
        raise Problem(409, f"the job is over: it is {job.job_state}")
    commands.set_priority(transaction, job_id, priority)
