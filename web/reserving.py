"""This file is where hosts are kept for one job, as far as its owner may have them."""

from __future__ import annotations

from grid.assimilator import ending
from grid.db import hosts
from grid.db.hosts import TooFew
from grid.db.transaction import Transaction
from web import looks
from web.callers import Caller
from web.messages import ReservationBody
from web.problems import Problem, bad_field
from web.server import Server


def reserve(
    server: Server, transaction: Transaction, caller: Caller, job_id: int, body: ReservationBody
) -> int:
    """Keep hosts for a job; how many. Raises 403 for more than a requester has at most, 409 where
    the job is over or there are too few."""
    job, most = looks.facts_in(transaction, job_id).job, server.settings.reserved_hosts_max
    if job.job_state not in ending.OPEN_STATES:
        raise Problem(409, "the job is over")
    if not caller.admin:
        mine = hosts.open_jobs_of(transaction.connection, job.account_id or 0)
        had = hosts.reserved_for(transaction.connection, mine)
        if had + body.hosts > most:
            detail = f"a requester reserves {most} hosts at most, and {had} are reserved"
            raise bad_field("/hosts", detail, 403)
    try:
        return hosts.reserve(
            transaction, job_id, body.hosts, job.needs, body.fewer, body.kind, body.engine
        )
    except TooFew as error:
        raise bad_field("/hosts", str(error), 409) from error
