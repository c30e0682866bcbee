"""This file is where accounts get in: roles, tokens, sessions, and links to choose a password.

Of a token the database has a hash of the number inside: whoever reads the database can make none,
and none that is good can be made without it. Each function that takes a transaction writes through
`apply` only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, select

from grid.canonical import digest
from grid.db import apply as writes
from grid.db import queries
from grid.db.apply import accounts as changes
from grid.db.commands import add_account, token_hash
from grid.db.passes import Claims, Passes, Purpose
from grid.db.tables import AccountRow, TokenRow, table
from grid.db.transaction import Transaction

#: What an account may be allowed, and a token be for. `host` tokens come from enrolment only.
ROLES = ("admin", "requester", "auditor", "trusted_host")
#: How long a link to choose a password is good: somebody reads their mail once a day.
LINK_TTL_S = 86_400
#: How long the rows of ended sessions and links are kept, for whoever looks into a complaint.
ENDED_KEPT_S = 30 * 86_400
NUMBER_BYTES = 32

ACCOUNT, TOKEN = table(AccountRow), table(TokenRow)


class Account(Struct, frozen=True, kw_only=True):
    """Somebody who may do what others may not."""

    id: int
    name: str
    roles: frozenset[str]
    created_at: int
    disabled_at: int | None
    password_hash: str | None


class Held(Struct, frozen=True, kw_only=True):
    """A token that an account has or had; nothing that would let anybody use it."""

    id: int
    account_id: int
    label: str
    scopes: frozenset[str]
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class Known(Struct, frozen=True, kw_only=True):
    """Who stands behind a token or session that is good now, and what they may do with it."""

    token_id: int
    account_id: int
    name: str
    scopes: frozenset[str]
    expires_at: int | None


class LastAdmin(Exception):
    """Nobody would be left who may administer."""


def words(texts: Iterable[str]) -> str:
    """Roles as the database has them."""
    given = set(texts)
    return " ".join(role for role in ROLES if role in given)


def by_name(connection: Connection, name: str) -> Account | None:
    """The account of this name (account's unique index)."""
    row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.name == name)).first()
    return None if row is None else _account(row)


def by_id(connection: Connection, account_id: int | None) -> Account | None:
    """One account (primary key)."""
    row = connection.execute(select(ACCOUNT).where(ACCOUNT.c.id == account_id)).first()
    return None if row is None else _account(row)


def listed(connection: Connection, limit: int, before: int | None = None) -> list[Account]:
    """Accounts, newest first (primary key)."""
    chosen = select(ACCOUNT).order_by(ACCOUNT.c.id.desc()).limit(limit)
    if before is not None:
        chosen = chosen.where(ACCOUNT.c.id < before)
    return [_account(row) for row in connection.execute(chosen)]


def tokens_of(
    connection: Connection, account_id: int, limit: int, before: int | None = None
) -> list[Held]:
    """An account's tokens, newest first, ended ones too (token's account index)."""
    chosen = (
        select(TOKEN)
        .where(TOKEN.c.account_id == account_id, TOKEN.c.kind == "token")
        .order_by(TOKEN.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        chosen = chosen.where(TOKEN.c.id < before)
    return [_held(row) for row in connection.execute(chosen)]


def held(connection: Connection, token_id: int | None) -> Held | None:
    """One account's token (primary key)."""
    chosen = select(TOKEN).where(TOKEN.c.id == token_id, TOKEN.c.kind == "token")
    row = connection.execute(chosen).first()
    return None if row is None else _held(row)


def known(connection: Connection, kind: str, number: str, now: int) -> Known | None:
    """Who stands behind a token, session or link; None when it is unknown, expired or revoked, or
    the account is disabled (token's unique index, account's primary key)."""
    row = connection.execute(
        select(TOKEN, ACCOUNT.c.name, ACCOUNT.c.roles)
        .join(ACCOUNT, ACCOUNT.c.id == TOKEN.c.account_id)
        .where(
            TOKEN.c.hash == _hash(kind, number),
            TOKEN.c.kind == kind,
            TOKEN.c.revoked_at.is_(None),
            TOKEN.c.expires_at.is_(None) | (TOKEN.c.expires_at > now),
            ACCOUNT.c.disabled_at.is_(None),
        )
    ).first()
    if row is None:
        return None
    roles = frozenset(row.roles.split())
    return Known(
        token_id=row.id,
        account_id=row.account_id,
        name=row.name,
        scopes=roles if kind == "session" else roles & frozenset(row.scopes.split()),
        expires_at=row.expires_at,
    )


def has_admin(connection: Connection, now: int) -> bool:
    """Whether some admin can get in, by a password or by a token that is good and an admin's."""
    admins = ACCOUNT.c.roles.contains("admin") & ACCOUNT.c.disabled_at.is_(None)
    token = select(TOKEN.c.id).where(
        TOKEN.c.account_id == ACCOUNT.c.id,
        TOKEN.c.kind == "token",
        TOKEN.c.scopes.contains("admin"),
        TOKEN.c.revoked_at.is_(None),
        TOKEN.c.expires_at.is_(None) | (TOKEN.c.expires_at > now),
    )
    inside = ACCOUNT.c.password_hash.is_not(None) | token.exists()
    return connection.execute(select(ACCOUNT.c.id).where(admins, inside)).first() is not None


def grant(transaction: Transaction, name: str, roles: Iterable[str] = ()) -> int:
    """The account of this name, made if need be, with these roles besides those it has."""
    account_id = add_account(transaction, name)
    found = by_id(transaction.connection, account_id)
    assert found is not None, "it was just found or made"
    if not found.roles >= set(roles):
        changes.set_roles(transaction.connection, account_id, words(found.roles | set(roles)))
    return account_id


def change(
    transaction: Transaction, account_id: int, roles: Iterable[str] | None, disabled: bool | None
) -> None:
    """Give an account exactly these roles, shut it out, or let it in; None leaves it as it is.

    What was shut out has no session left, and its trusted hosts end. Raises LastAdmin when nobody
    would be left who may administer; the caller's transaction must then be rolled back.
    """
    connection, now = transaction.connection, transaction.now
    before = has_admin(connection, now)
    if roles is not None:
        changes.set_roles(connection, account_id, words(roles))
    if disabled is not None:
        changes.set_disabled(connection, account_id, now if disabled else None)
    if disabled:
        changes.revoke_tokens(connection, account_id, ("session", "link"), now)
    if disabled or (roles is not None and "trusted_host" not in set(roles)):
        _end_trusted_hosts(transaction, account_id)
    if before and not has_admin(connection, now):
        raise LastAdmin


def issue(
    transaction: Transaction,
    passes: Passes,
    account_id: int,
    scopes: Collection[str],
    expires_at: int | None = None,
    label: str = "",
) -> tuple[int, str]:
    """A new token of an account: its id, and the token itself, which nothing keeps."""
    number, row = _new(transaction, "token", account_id, expires_at)
    row.scopes, row.label = words(scopes), label
    token_id = writes.add(transaction.connection, row)
    claims = Claims(jti=number, scope=row.scopes, exp=expires_at)
    return token_id, passes.write(Purpose.TOKEN, claims)


def rotate(transaction: Transaction, passes: Passes, token_id: int) -> tuple[int, str] | None:
    """A new token in an old one's place, with the same end; the old one ends now.

    Whoever steals a token cannot keep renewing it so. None when it has ended already: of two who
    rotate one token, one gets a new one.
    """
    old = held(transaction.connection, token_id)
    if old is None or not revoke(transaction, token_id):
        return None
    return issue(transaction, passes, old.account_id, old.scopes, old.expires_at, old.label)


def revoke(transaction: Transaction, token_id: int) -> bool:
    """End a token, and those of the trusted hosts it may have made; False when it has ended."""
    connection, now = transaction.connection, transaction.now
    row = connection.execute(select(TOKEN).where(TOKEN.c.id == token_id)).first()
    over = row is not None and row.expires_at is not None and row.expires_at <= now
    if row is None or over or not writes.revoke_token(connection, token_id, now):
        return False
    if row.account_id is not None and "trusted_host" in row.scopes.split():
        _end_trusted_hosts(transaction, row.account_id)
    return True


def find(connection: Connection, passes: Passes, text: str, now: int) -> int | None:
    """The id of a token, an account's or a host's, that somebody shows as it is."""
    claims = passes.read(Purpose.TOKEN, text, now)
    if claims is not None:
        found = known(connection, "token", claims.jti, now)
        return None if found is None else found.token_id
    host = queries.authenticate(connection, token_hash(text), now)
    return None if host is None else host.id


def start_session(
    transaction: Transaction, passes: Passes, account_id: int, ttl_s: int
) -> tuple[str, str]:
    """A new session: its number, and the pass for a cookie."""
    changes.forget_tokens_before(transaction.connection, transaction.now - ENDED_KEPT_S)
    expires_at = transaction.now + ttl_s
    number, row = _new(transaction, "session", account_id, expires_at)
    writes.add(transaction.connection, row)
    return number, passes.write(Purpose.SESSION, Claims(jti=number, exp=expires_at))


def make_link(transaction: Transaction, account_id: int, ttl_s: int = LINK_TTL_S) -> str:
    """The secret of a link by which an account chooses a password, once; earlier ones end."""
    changes.revoke_tokens(transaction.connection, account_id, ("link",), transaction.now)
    number, row = _new(transaction, "link", account_id, transaction.now + ttl_s)
    writes.add(transaction.connection, row)
    return number


def use_link(transaction: Transaction, secret: str, password_hash: str) -> Known | None:
    """Choose a password by a link, which ends with it; None when it has ended already."""
    found = known(transaction.connection, "link", secret, transaction.now)
    if found is None:
        return None
    choose_password(transaction, found.account_id, password_hash)
    return found


def end_sessions(transaction: Transaction, account_id: int) -> None:
    """Sign an account out everywhere."""
    changes.revoke_tokens(transaction.connection, account_id, ("session",), transaction.now)


def choose_password(transaction: Transaction, account_id: int, password_hash: str) -> None:
    """What an account signs in with from now on; its sessions and links end, its tokens stay."""
    changes.set_password(transaction.connection, account_id, password_hash)
    changes.revoke_tokens(transaction.connection, account_id, ("session", "link"), transaction.now)


def _new(
    transaction: Transaction, kind: str, account_id: int, expires_at: int | None
) -> tuple[str, TokenRow]:
    number = transaction.entropy(NUMBER_BYTES).hex()
    row = TokenRow(
        kind=kind,
        hash=_hash(kind, number),
        account_id=account_id,
        scopes="",
        created_at=transaction.now,
        expires_at=expires_at,
    )
    return number, row


def _hash(kind: str, number: str) -> str:
    return digest(f"{kind} {number}".encode())


def _end_trusted_hosts(transaction: Transaction, account_id: int) -> None:
    for token_id in queries.trusted_tokens(transaction.connection, account_id):
        writes.revoke_token(transaction.connection, token_id, transaction.now)


def _account(row: Row[Any]) -> Account:
    return msgspec.convert({**row._mapping, "roles": row.roles.split()}, Account)


def _held(row: Row[Any]) -> Held:
    return msgspec.convert({**row._mapping, "scopes": row.scopes.split()}, Held)
