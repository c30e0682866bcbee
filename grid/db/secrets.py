"""This file is where an open job's secrets are kept: encrypted, in a table of their own."""

from __future__ import annotations

from sqlalchemy import Connection, select

from grid import canonical
from grid.db import apply as writes
from grid.db.keyring import Keyring
from grid.db.tables import SecretRow, table
from grid.db.transaction import Transaction
from grid.secrets import NONE, Secrets


def keep(transaction: Transaction, keyring: Keyring, job_id: int, secrets: Secrets) -> None:
    """Keep what a new job's spec has secret, if anything."""
    if secrets:
        pairs = canonical.dumps([[name, text] for name, text in secrets.items()])
        nonce = transaction.entropy(12)
        row = SecretRow(
            job_id=job_id, nonce=nonce, sealed=keyring.seal_secret(nonce, pairs, job_id)
        )
        writes.add(transaction.connection, row)


def of_job(connection: Connection, keyring: Keyring, job_id: int) -> Secrets:
    """What is kept of a job, in the schema's order; nothing once it has ended (primary key)."""
    rows = table(SecretRow)
    row = connection.execute(select(rows).where(rows.c.job_id == job_id)).first()
    if row is None:
        return NONE
    pairs = canonical.loads(keyring.open_secret(row.nonce, row.sealed, job_id))
    return dict(pairs)
