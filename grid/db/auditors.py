"""This file is where private jobs have auditors: accounts that their owners named."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select

from grid.db.apply import accounts as changes
from grid.db.hosts import accounts
from grid.db.tables import AccountRow, AuditorRow, JobRow, table
from grid.db.transaction import Transaction

AUDITOR, JOB, ACCOUNT = table(AuditorRow), table(JobRow), table(AccountRow)


def audits(
    connection: Connection,
    account_id: int,
    jobs: Collection[int] = (),
    datasets: Collection[int] = (),
) -> bool:
    """Whether an account was named an auditor of one of these jobs, or of one on one of these data
    sets (auditor's account index, job's primary key)."""
    named = (
        select(JOB.c.id)
        .join(AUDITOR, AUDITOR.c.job_id == JOB.c.id)
        .where(AUDITOR.c.account_id == account_id)
        .where(JOB.c.id.in_(jobs) | JOB.c.dataset_id.in_(datasets))
    )
    return connection.execute(named).first() is not None


def names(connection: Connection, job_id: int) -> list[str]:
    """What a job's auditors are called (primary keys)."""
    named = select(ACCOUNT.c.name).join(AUDITOR, AUDITOR.c.account_id == ACCOUNT.c.id)
    found = connection.scalars(named.where(AUDITOR.c.job_id == job_id).order_by(ACCOUNT.c.name))
    return list(found)


def name(transaction: Transaction, job_id: int, wanted: Collection[str]) -> list[str]:
    """Have exactly these accounts be a job's auditors; the names that nobody has, and then nothing
    has changed."""
    known = accounts(transaction.connection, wanted)
    unknown = [one for one in wanted if one not in known]
    if not unknown:
        changes.set_auditors(transaction.connection, job_id, known.values())
    return unknown
