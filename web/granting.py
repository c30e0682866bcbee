"""This file is where it is decided which tokens somebody may make, change and end.

A token makes none that may do more than it, or outlives it: whoever finds one gains nothing beyond.
"""

from __future__ import annotations

from collections.abc import Collection

from grid.db import accounts
from grid.db.accounts import Held
from grid.db.commands import DAY_S
from grid.identifiers import Kind
from web.callers import Caller, require
from web.problems import Problem, bad_field, not_found
from web.public_view import API, Names, View, link
from web.server import Server

#: Ended ones included: more than anybody looks through.
TOKENS_LISTED = 100
#: Good tokens of one account: a hundred machines. Each is a row that every request may look up.
TOKENS_MAX = 100
LABEL_CHARS_MAX = 100


def mine(caller: Caller) -> int:
    """The caller's account, whatever they may do with it; raises 401 or 403."""
    return require(caller, *accounts.ROLES)


def made(
    server: Server, caller: Caller, scopes: Collection[str], days: int, label: str
) -> tuple[frozenset[str], int]:
    """The scopes and end of a token that the caller may make; raises Problem where they may not."""
    account_id = mine(caller)
    wanted, now = frozenset(scopes), server.store.now()
    if not wanted or not wanted <= caller.scopes:
        has = ", ".join(accounts.words(caller.scopes).split()) or "none"
        raise bad_field("/scopes", f"some of these, for you have no others: {has}", 403)
    if len(label) > LABEL_CHARS_MAX or not label.isprintable():
        raise bad_field("/label", f"at most {LABEL_CHARS_MAX} printable characters")
    with server.store.read() as connection:
        have = accounts.tokens_of(connection, account_id, 10 * TOKENS_MAX)
    if sum(good(one, now) for one in have) >= TOKENS_MAX:
        raise Problem(409, f"you have {TOKENS_MAX} tokens: revoke one first")
    expires_at = now + days * DAY_S
    if caller.session is None and caller.expires_at is not None:
        expires_at = min(expires_at, caller.expires_at)
    return wanted, expires_at


def find(server: Server, caller: Caller, public_id: str) -> Held:
    """The caller's token of this public id, or for an admin anybody's; raises 401, 403 or 404."""
    account_id = mine(caller)
    number = server.store.keyring.identifiers.internal(Kind.TOKEN, public_id)
    with server.store.read() as connection:
        found = accounts.held(connection, number)
    if found is None or (found.account_id != account_id and not caller.admin):
        raise not_found("token")
    narrow = caller.session is None and not found.scopes <= caller.scopes
    if narrow and not caller.admin:
        raise Problem(403, "this token may do more than the one that you have sent")
    return found


def require_own(caller: Caller, token: Held) -> None:
    """Raise unless the caller may get a new token in the place of this one: who has signed in for
    their own, and a token for itself, so that a program can renew what it runs with."""
    if token.account_id != caller.account_id:
        raise Problem(403, "only its owner may rotate a token; you may revoke it")
    if caller.session is None and token.id != caller.token_id:
        raise Problem(403, "a token may rotate itself only; sign in for the others")
    if not token.scopes <= caller.scopes:
        raise Problem(403, "you may no longer do what this token is for")


def good(token: Held, now: int) -> bool:
    """Whether the token has not ended."""
    return token.revoked_at is None and (token.expires_at is None or token.expires_at > now)


def view(token: Held, names: Names, now: int) -> View:
    """A token as its owner sees it afterwards: everything but itself."""
    public_id = names.of(Kind.TOKEN, token.id)
    over = "revoked" if token.revoked_at is not None else "expired"
    return {
        "id": public_id,
        "label": token.label,
        "scopes": accounts.words(token.scopes).split(),
        "state": "good" if good(token, now) else over,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
        "_links": {
            "self": link(f"{API}/tokens"),
            "rotate": link(f"{API}/tokens/{public_id}/rotate"),
            "revoke": link(f"{API}/tokens/{public_id}/revoke"),
        },
    }


def account_view(one: accounts.Account, names: Names) -> View:
    """An account as admins see it."""
    public_id = names.of(Kind.ACCOUNT, one.id)
    base = f"{API}/admin/accounts/{public_id}"
    return {
        "id": public_id,
        "name": one.name,
        "roles": accounts.words(one.roles).split(),
        "created_at": one.created_at,
        "disabled_at": one.disabled_at,
        "has_password": one.password_hash is not None,
        "_links": {"self": link(base), "link": link(f"{base}/link")},
    }
