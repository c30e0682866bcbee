"""This file is where what accounts may do is written, and what of theirs is withdrawn."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, update

from grid.db.tables import AccountRow, AuditorRow, TokenRow, table


def set_roles(connection: Connection, account_id: int, roles: str) -> None:
    """What an account may do from now on."""
    accounts = table(AccountRow)
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(roles=roles))


def set_password(connection: Connection, account_id: int, password_hash: str) -> None:
    """What an account signs in with from now on."""
    accounts = table(AccountRow)
    chosen = update(accounts).where(accounts.c.id == account_id)
    connection.execute(chosen.values(password_hash=password_hash))


def set_disabled(connection: Connection, account_id: int, at: int | None) -> None:
    """Shut an account out, or let it in again."""
    accounts = table(AccountRow)
    connection.execute(update(accounts).where(accounts.c.id == account_id).values(disabled_at=at))


def revoke_tokens(
    connection: Connection, account_id: int, kinds: Collection[str], now: int
) -> None:
    """End all of an account's tokens of these kinds (token's account index)."""
    tokens = table(TokenRow)
    connection.execute(
        update(tokens)
        .where(
            tokens.c.account_id == account_id,
            tokens.c.kind.in_(kinds),
            tokens.c.revoked_at.is_(None),
        )
        .values(revoked_at=now)
    )


def forget_tokens_before(connection: Connection, time: int) -> None:
    """Delete sessions and links that ended before this: nobody asks for them again."""
    tokens = table(TokenRow)
    connection.execute(
        delete(tokens).where(tokens.c.kind.in_(("session", "link")), tokens.c.expires_at < time)
    )


def set_auditors(connection: Connection, job_id: int, account_ids: Collection[int]) -> None:
    """Name those who may audit a private job; whoever was named before may no longer."""
    auditors = table(AuditorRow)
    connection.execute(delete(auditors).where(auditors.c.job_id == job_id))
    for account_id in sorted(set(account_ids)):
        connection.execute(insert(auditors).values(job_id=job_id, account_id=account_id))
