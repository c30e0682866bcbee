"""This file is where it is decided who asks, and what they may do."""

from __future__ import annotations

from msgspec import Struct

from grid.db import queries
from grid.db.commands import token_hash
from grid.db.listings import Viewer
from grid.db.store import Store
from grid.items import DataSet, Job
from web.problems import AnyRequest, Problem, not_found

#: No token of ours is longer; a longer one is refused before it is hashed.
TOKEN_CHARS_MAX = 200


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks; everything is empty for somebody without a token."""

    account_id: int | None = None
    host_id: int | None = None
    scopes: frozenset[str] = frozenset()
    #: When the token ends; None for never.
    expires_at: int | None = None

    @property
    def admin(self) -> bool:
        """Whether they may do everything."""
        return "admin" in self.scopes

    @property
    def viewer(self) -> Viewer:
        """Whose eyes lists are for: what a requester owns, what an admin administers."""
        owns = self.scopes & {"admin", "requester"}
        return Viewer(account_id=self.account_id if owns else None, admin=self.admin)

    def owns(self, item: Job | DataSet) -> bool:
        """Whether it is theirs, or they administer it."""
        owner = self.viewer.account_id
        return self.admin or (owner is not None and owner == item.account_id)

    def may_see(self, item: Job | DataSet) -> bool:
        """Whether it exists for them."""
        return item.public or self.owns(item)


def caller_of(request: AnyRequest, store: Store) -> Caller:
    """Who sends this request; raises 401 for a token that proves nothing, so that nobody takes an
    expired token for an anonymous success."""
    header = request.headers.get("authorization")
    if header is None:
        return Caller()
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > TOKEN_CHARS_MAX:
        raise unauthorized("wanted: Authorization: Bearer <token>")
    with store.read() as connection:
        facts = queries.authenticate(connection, token_hash(token), store.now())
    if facts is None:
        raise unauthorized("this token is unknown, expired or revoked")
    return Caller(
        account_id=facts.account_id,
        host_id=facts.host_id,
        scopes=facts.scopes,
        expires_at=facts.expires_at,
    )


def require(caller: Caller, *scopes: str) -> int:
    """The caller's account, where they have one of these scopes; raises 401 or 403."""
    if not caller.scopes:
        raise unauthorized(f"this needs a token of scope {' or '.join(scopes)}")
    if caller.account_id is None or not caller.scopes & set(scopes):
        raise Problem(403, f"this needs a token of scope {' or '.join(scopes)}")
    return caller.account_id


def require_owner(caller: Caller, item: Job | DataSet, what: str) -> None:
    """Raise unless it is the caller's own or they are an admin; what they may not see is a 404."""
    if not caller.may_see(item):
        raise not_found(what)
    require(caller, "requester", "admin")
    if not caller.owns(item):
        raise Problem(403, f"this {what} is somebody else's")


def unauthorized(detail: str) -> Problem:
    """The problem of a request that does not say who sends it."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="grid"'})
