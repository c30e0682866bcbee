"""This file is where credit is shown, and where volunteers choose a name and a team."""

from __future__ import annotations

from urllib.parse import urlencode

from litestar import Response, get, post
from msgspec import UNSET

from grid import canonical
from grid.db import commands, credits
from grid.db.transaction import Transaction
from grid.items import Json
from grid.validator.credit import CREDIT_S
from web import bodies, credit_view, looks, public_view, render
from web.answers import as_json
from web.callers import Caller, unauthorized
from web.idempotency import Key
from web.messages import VolunteerBody
from web.problems import AnyRequest, bad_field, not_found
from web.public_view import API, View
from web.routes import PAGED, about
from web.server import Server

#: Places that leaderboards go down to: who is further down asks for its own.
PLACES_MAX = 10_000
#: Lines of the page.
LISTED = 50

WHICH = {
    "by": "`volunteer` when not given, `host` or `team`",
    "order": "`total` when not given, or `recent`: the average over the last weeks",
}


@get("/leaderboard", sync_to_thread=True, opt=about(query={**WHICH, **PAGED}, problems=(400,)))
def list_leaderboard(request: AnyRequest) -> Response[bytes]:
    """Ranks volunteers, hosts or teams by credit. Sealed jobs count once their seal has opened."""
    server, _ = looks.asked(request)
    bodies.allow_query(request, *WHICH, *PAGED)
    by, order = _which(request)
    limit = looks.page_limit(request)
    items, following = _lines(server, by, order, _offset(request), limit)
    here = f"{API}/leaderboard?" + urlencode({"by": by, "order": order, "limit": limit})
    after = None if following is None else f"{here}&cursor={following}"
    return as_json(public_view.page(items, here, after))


@get("/volunteers/me", sync_to_thread=True, opt=about(problems=(401, 404)))
def show_volunteer_credit(request: AnyRequest) -> Response[bytes]:
    """Shows what the caller has earned: with a host's token, or an account's that has hosts.

    `pending_micro` is the worth of its answers in sealed jobs, should all of them be right.
    """
    server, caller = looks.asked(request)
    bodies.allow_query(request)
    _require_somebody(caller)
    with server.store.read() as connection:
        number = credits.volunteer_of(connection, caller.host_id, caller.account_id)
        if number is None:
            raise not_found("volunteer")
        found = credits.of_volunteer(connection, number, server.store.now())
    return as_json(credit_view.own(found, server.names))


@post(
    "/volunteers/me",
    status_code=200,
    opt=about(body=VolunteerBody, problems=(400, 401, 413, 415, 422)),
)
async def change_volunteer(request: AnyRequest) -> Response[bytes]:
    """Lets the caller choose a public name and a team; null for none, and what is left out stays.

    Whoever chooses no name is called by a public id. Names and teams are seen by everybody.
    """
    server, caller = looks.asked(request)
    _require_somebody(caller)
    key = Key(request, caller)
    body = await bodies.read(request, VolunteerBody)
    for field in ("name", "team"):
        text = getattr(body, field)
        if isinstance(text, str) and not (text.isprintable() and text == text.strip()):
            detail = "printable characters are wanted, with no space around them"
            raise bad_field(f"/{field}", detail)
    digest = canonical.digest(await request.body())
    replayed = key.replayed(server.store, digest)
    if replayed is not None:
        return replayed

    def change(transaction: Transaction) -> tuple[int, Json]:
        connection = transaction.connection
        number = credits.volunteer_of(connection, caller.host_id, None)
        if number is None:
            number = commands.volunteer_of(transaction, caller.account_id)
        if body.name is not UNSET:
            credits.choose_name(transaction, number, body.name)
        if body.team is not UNSET:
            credits.join_team(transaction, number, body.team)
        found = credits.of_volunteer(connection, number, transaction.now)
        return 200, credit_view.own(found, server.names)

    response, _ = await key.once(server.store, digest, change)
    return response


@get("/leaderboard", sync_to_thread=True)
def show_leaderboard(request: AnyRequest) -> Response[str]:
    """The page of those who have computed most: volunteers, hosts or teams."""
    server, _ = looks.asked(request)
    by, order = _which(request)
    items, following = _lines(server, by, order, _offset(request), LISTED)
    asked = urlencode({"by": by, "order": order})
    facts = {
        "here": "leaderboard",
        "credit_s": CREDIT_S,
        "by": by,
        "order": order,
        "kinds": list(credits.BY),
        "orders": list(credits.ORDERS),
        "lines": items,
        "following": None if following is None else f"/leaderboard?{asked}&cursor={following}",
    }
    return render.page("leaderboard.html", facts)


def _which(request: AnyRequest) -> tuple[str, str]:
    by = request.query_params.get("by", "volunteer")
    if by not in credits.BY:
        raise bad_field("/by", f"by: one of {', '.join(credits.BY)}")
    order = request.query_params.get("order", "total")
    if order not in credits.ORDERS:
        raise bad_field("/order", f"order: one of {', '.join(credits.ORDERS)}")
    return by, order


def _offset(request: AnyRequest) -> int:
    offset = max(looks.number_cursor(request), 0)
    if offset > PLACES_MAX:
        raise bad_field("/cursor", f"cursor: leaderboards have {PLACES_MAX:,} places")
    return offset


def _lines(
    server: Server, by: str, order: str, offset: int, limit: int
) -> tuple[list[View], int | None]:
    """A page of a leaderboard, and where the next one begins."""
    with server.store.read() as connection:
        found = credits.leaderboard(connection, by, order, offset, limit + 1, server.store.now())
    items = credit_view.ranked(found[:limit], by, offset, server.names)
    more = len(found) > limit and offset + limit <= PLACES_MAX
    return items, offset + limit if more else None


def _require_somebody(caller: Caller) -> None:
    if caller.host_id is None and caller.account_id is None:
        raise unauthorized("this needs a host's or an account's token")
