"""This file is where it is decided who asks, and what they may do.

A caller shows a token, `Authorization: Bearer …`, or, in a browser, the session of somebody who has
signed in. A browser sends its cookie by itself, whatever page makes it ask: so what a session is to
change must come with the CSRF pass of a form of ours, in the field `csrf` or the header
`X-CSRF-Token`. A request that has both a token and a cookie is the token's.
"""

from __future__ import annotations

from msgspec import Struct

from grid.db import accounts, queries
from grid.db.commands import token_hash
from grid.db.listings import Viewer
from grid.db.passes import PASS_CHARS_MAX, Claims, Passes, Purpose
from grid.db.store import Store
from grid.items import DataSet, Job
from web import cookies
from web.problems import AnyRequest, Problem

#: How long a form may be open before it is sent: a working day.
FORM_TTL_S = 12 * 3600
CSRF_HEADER = "x-csrf-token"
#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Caller(Struct, frozen=True, kw_only=True):
    """Who asks; everything is empty for somebody without a token."""

    account_id: int | None = None
    host_id: int | None = None
    #: What the account is called.
    name: str = ""
    scopes: frozenset[str] = frozenset()
    #: When the token or session ends; None for never.
    expires_at: int | None = None
    #: The row of the account's token or session.
    token_id: int | None = None
    #: The number of the session, for who has signed in.
    session: str | None = None

    @property
    def admin(self) -> bool:
        """Whether they may do everything."""
        return "admin" in self.scopes

    @property
    def viewer(self) -> Viewer:
        """Whose eyes lists are for: what a requester owns, what an auditor may audit, what an admin
        administers."""
        owns, audits = self.scopes & {"admin", "requester"}, "auditor" in self.scopes
        return Viewer(
            account_id=self.account_id if owns else None,
            auditor_id=self.account_id if audits else None,
            admin=self.admin,
        )

    def owns(self, item: Job | DataSet) -> bool:
        """Whether it is theirs, or they administer it."""
        owner = self.viewer.account_id
        return self.admin or (owner is not None and owner == item.account_id)

    def may_see(self, item: Job | DataSet) -> bool:
        """Whether it exists for them without their being named its auditor."""
        return item.public or self.owns(item)


class SessionOver(Problem):
    """A cookie that proves nothing any more, or never did; the answer has the browser drop it."""


def caller_of(request: AnyRequest, store: Store, csrf: str | None = None) -> Caller:
    """Who sends this request; raises 401 for a token or session that proves nothing, so that nobody
    takes an expired one for an anonymous success, and 403 for a session's change without CSRF pass.

    `csrf` is that of a form, where it came in one.
    """
    if "authorization" in request.headers:
        return bearer_of(request, store)
    cookie = request.cookies.get(cookies.session_name(store.settings))
    if cookie is None:
        return Caller()
    caller = _signed_in(cookie, store)
    if request.method not in SAFE:
        assert caller.session is not None
        check_csrf(request, store, caller.session, csrf)
    return caller


def session_of(request: AnyRequest, store: Store) -> Caller:
    """Who has signed in, before anything of a form is read: it changes nothing. Raises 401."""
    cookie = request.cookies.get(cookies.session_name(store.settings))
    if cookie is None:
        raise unauthorized("sign in first")
    return _signed_in(cookie, store)


def bearer_of(request: AnyRequest, store: Store) -> Caller:
    """Who sends this request by its token alone, whatever cookies come with it; as `caller_of`."""
    header = request.headers.get("authorization")
    if header is None:
        return Caller()
    scheme, _, token = header.partition(" ")
    token, now = token.strip(), store.now()
    if scheme.lower() != "bearer" or not token or len(token) > PASS_CHARS_MAX:
        raise unauthorized("wanted: Authorization: Bearer <token>")
    claims = store.keyring.passes.read(Purpose.TOKEN, token, now) if "." in token else None
    with store.read() as connection:
        if claims is not None and (known := accounts.known(connection, "token", claims.jti, now)):
            return _caller(known, known.scopes & frozenset(claims.scope.split()))
        host = None if "." in token else queries.authenticate(connection, token_hash(token), now)
    if host is None:
        raise unauthorized("this token is unknown, expired or revoked")
    return Caller(host_id=host.host_id, scopes=frozenset({"host"}), expires_at=host.expires_at)


def csrf_pass(passes: Passes, bound_to: str, now: int) -> str:
    """What a form must send back that was given to one session, or to one browser."""
    return passes.write(Purpose.FORM, Claims(jti=bound_to, exp=now + FORM_TTL_S))


def check_csrf(request: AnyRequest, store: Store, bound_to: str, given: str | None) -> None:
    """Raise 403 unless the request comes from a form of ours that this very browser was given."""
    elsewhere = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    said = request.headers.get(CSRF_HEADER, "") if given is None else given
    claims = store.keyring.passes.read(Purpose.FORM, said, store.now())
    if elsewhere or claims is None or claims.jti != bound_to:
        raise Problem(403, "this form was not ours, or is too old: open its page again")


def require(caller: Caller, *scopes: str) -> int:
    """The caller's account, where they have one of these scopes; raises 401 or 403."""
    wanted = f"this needs somebody who is {' or '.join(map(_spoken, scopes))}"
    if caller.account_id is None and caller.host_id is None:
        raise unauthorized(f"{wanted}: sign in, or send a token of that scope")
    if caller.account_id is None or not caller.scopes & set(scopes):
        raise Problem(403, wanted)
    return caller.account_id


def require_owner(caller: Caller, item: Job | DataSet, what: str) -> None:
    """Raise unless it is the caller's own, as far as they see it, or they are an admin."""
    require(caller, "requester", "admin")
    if not caller.owns(item):
        raise Problem(403, f"this {what} is somebody else's")


def unauthorized(detail: str) -> Problem:
    """The problem of a request that does not say who sends it."""
    return Problem(401, detail, headers={"WWW-Authenticate": 'Bearer realm="grid"'})


def _signed_in(cookie: str, store: Store) -> Caller:
    now = store.now()
    claims = store.keyring.passes.read(Purpose.SESSION, cookie, now)
    known = None
    if claims is not None:
        with store.read() as connection:
            known = accounts.known(connection, "session", claims.jti, now)
    if claims is None or known is None:
        over = cookies.dropped(cookies.session_name(store.settings), store.settings)
        raise SessionOver(
            401,
            "you are signed in no longer: sign in again",
            headers={"WWW-Authenticate": 'Bearer realm="grid"'},
            cookies=[over],
        )
    return _caller(known, known.scopes, claims.jti)


def _caller(known: accounts.Known, scopes: frozenset[str], session: str | None = None) -> Caller:
    return Caller(
        account_id=known.account_id,
        name=known.name,
        scopes=scopes,
        expires_at=known.expires_at,
        token_id=known.token_id,
        session=session,
    )


def _spoken(scope: str) -> str:
    article = "an" if scope[0] in "aeiou" else "a"
    return f"{article} {scope.replace('_', ' ')}"
