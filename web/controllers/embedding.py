"""This file is where other sites get what they embed, and admins decide which of them may."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, get, post

from grid import canonical
from grid.db import sites
from grid.db.sites import KEPT_DAYS, Site, origin_of
from grid.db.transaction import Transaction
from grid.items import Json
from web import bodies, embed_script, looks, public_view, render
from web.addresses import server_origin
from web.answers import as_json
from web.callers import require
from web.embed_script import EmbedScript
from web.idempotency import Key
from web.messages import SiteBody
from web.problems import AnyRequest, bad_field, not_found
from web.public_view import API, View
from web.routes import PAGED, about
from web.server import server_of
from web.sites import ancestors, embedding_site

#: A new version reaches every site within this.
SCRIPT_AGE_S = 300
YEAR_S = 31_536_000
#: Longest name of a requester that a line may hold.
OWNER_CHARS_MAX = 200
#: What a site says its visitors help with: one line of its card.
PURPOSE_CHARS_MAX = 200

#: Any page may load it, also one that asks for its bytes to be checked, or is isolated.
SHARED = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@get("/embed.js", sync_to_thread=True)
def show_embed_script(request: AnyRequest) -> Response[str]:
    """The newest script that puts the volunteer's card on any page."""
    return _as_script(_newest().text, f"public, max-age={SCRIPT_AGE_S}")


@get("/embed/{script:str}", sync_to_thread=True)
def show_embed_version(request: AnyRequest) -> Response[str]:
    """One version of that script, always the same; served for 400 days after it was the newest."""
    found = embed_script.NAME.fullmatch(request.path_params["script"])
    text = None
    if found is not None:
        with server_of(request).store.read() as connection:
            text = sites.script(connection, found[1])
    if text is None:
        raise not_found("version of embed.js")
    return _as_script(text, f"public, max-age={YEAR_S}, immutable")


@get(
    "/embed",
    sync_to_thread=True,
    opt=about(query={"owner": "whom the visitors shall help"}, problems=(400, 404)),
)
def show_embed_lines(request: AnyRequest) -> Response[bytes]:
    """Gives the lines that sites copy, the script's integrity, what their policies must allow."""
    bodies.allow_query(request, "owner")
    address = server_origin(request, server_of(request).settings)
    links = public_view.links({"self": f"{API}/embed"})
    return as_json({**lines(address, _owner(request)), **links})


@get("/volunteer")
async def show_volunteer(request: AnyRequest) -> Response[str]:
    """The page that computes, after a click. Another site may frame it (`?embed=1`) while its
    requests say which site it is, and no admin has revoked that; `?coep=1` for isolated sites."""
    server = server_of(request)
    address = server_origin(request, server.settings)
    site = embedding_site(request, address)
    known = None if site is None else await server.sites.seen(site)
    isolated = bodies.convert_query(request, "coep", bool) is True
    policy = render.policy(server.settings.sandbox_origin, ancestors(site, known))
    headers = {"Content-Security-Policy": policy, "Vary": "Referer, Sec-Fetch-Dest"}
    if isolated:
        headers |= render.ISOLATED
    facts = {
        "here": "volunteer",
        "sandbox_origin": server.settings.sandbox_origin,
        "embed": bodies.convert_query(request, "embed", bool) is True,
        "owner": _owner(request),
        "purpose": _purpose(request),
        "theme": _theme(request),
        "lines": await asyncio.to_thread(lines, address, ""),
    }
    return render.page("volunteer.html", facts, headers=headers)


@get("/volunteer/consent")
async def show_consent(request: AnyRequest) -> Response[str]:
    """The page on which a visitor of another site says yes or no. It is never inside another page,
    so nothing can cover it."""
    bodies.allow_query(request, "site", "owner", "purpose")
    site = origin_of(request.query_params.get("site", ""))
    if site is None:
        raise bad_field(
            "/site", "site: the origin of the site that asks, such as https://a.example"
        )
    known = await server_of(request).sites.known(site)
    facts = {
        "here": "volunteer",
        "site": site,
        "owner": _owner(request),
        "purpose": _purpose(request),
        "revoked": _reason(known),
    }
    return render.page("consent.html", facts)


@get(
    "/admin/sites",
    sync_to_thread=True,
    opt=about(
        query={"revoked": "`true` or `false`: only those", **PAGED}, problems=(400, 401, 403)
    ),
)
def list_sites(request: AnyRequest) -> Response[bytes]:
    """Lists the sites that embed the volunteer page, and those that may not."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    bodies.allow_query(request, "revoked", *PAGED)
    revoked = bodies.convert_query(request, "revoked", bool)
    limit = looks.page_limit(request)
    with server.store.read() as connection:
        found = sites.sites(connection, limit + 1, request.query_params.get("cursor", ""), revoked)
    items = [_site(one) for one in found[:limit]]
    here = f"{API}/admin/sites?limit={limit}"
    here += "" if revoked is None else f"&revoked={str(revoked).lower()}"
    following = f"{here}&cursor={items[-1]['origin']}" if len(found) > limit else None
    return as_json(public_view.page(items, here, following))


@post(
    "/admin/sites",
    status_code=200,
    opt=about(body=SiteBody, problems=(400, 401, 403, 413, 415, 422)),
)
async def set_site(request: AnyRequest) -> Response[bytes]:
    """Lets a site embed the volunteer page, or no more. Who is not decided about may."""
    server, caller = looks.asked(request)
    require(caller, "admin")
    key = Key(request, caller)
    body = await bodies.read(request, SiteBody)
    if origin_of(body.origin) != body.origin:
        raise bad_field("/origin", "wanted as https://example.org: scheme and host, no more")
    digest = canonical.digest(await request.body())
    replayed = key.replayed(server.store, digest)
    if replayed is not None:
        return replayed

    def change(transaction: Transaction) -> tuple[int, Json]:
        if body.allowed:
            sites.allow(transaction, body.origin)
        else:
            sites.revoke(transaction, body.origin, body.reason)
        known = sites.site(transaction.connection, body.origin)
        assert known is not None, "just written"
        return 200, _site(known)

    response, _ = await key.once(server.store, digest, change)
    return response


def lines(address: str, owner: str) -> dict[str, Any]:
    """What a site owner copies, and what a Content-Security-Policy of theirs must allow."""
    script = _newest()
    return {
        "iframe": embed_script.iframe_line(address, owner),
        "script": embed_script.script_line(address, script, owner),
        "integrity": script.integrity,
        "versioned": address + script.path,
        "kept_days": KEPT_DAYS,
        "content_security_policy": f"script-src {address}; frame-src {address}",
    }


def _newest() -> EmbedScript:
    try:
        return embed_script.newest()
    except FileNotFoundError as error:
        raise not_found("embed.js: the client was not built") from error


def _as_script(text: str, kept: str) -> Response[str]:
    headers = {"Cache-Control": kept, **SHARED}
    return Response(text, media_type="text/javascript", headers=headers)


def _owner(request: AnyRequest) -> str:
    owner = request.query_params.get("owner", "")
    if len(owner) > OWNER_CHARS_MAX or not owner.isprintable():
        raise bad_field("/owner", f"owner: at most {OWNER_CHARS_MAX} printable characters")
    return owner


def _purpose(request: AnyRequest) -> str:
    purpose = request.query_params.get("purpose", "")
    if len(purpose) > PURPOSE_CHARS_MAX or not purpose.isprintable():
        raise bad_field("/purpose", f"purpose: at most {PURPOSE_CHARS_MAX} printable characters")
    return purpose


def _theme(request: AnyRequest) -> str:
    theme = request.query_params.get("theme", "")
    if theme not in ("", "light", "dark"):
        raise bad_field("/theme", "theme: light or dark; the visitor's own when not given")
    return theme


def _reason(known: Site | None) -> str | None:
    return None if known is None or known.revoked_at is None else known.reason


def _site(one: Site) -> View:
    return {
        "origin": one.origin,
        "first_seen_at": one.first_seen_at,
        "last_seen_at": one.last_seen_at,
        "allowed": one.revoked_at is None,
        "revoked_at": one.revoked_at,
        "reason": one.reason,
    }
