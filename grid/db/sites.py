"""This file is where it is known which sites embed, whether they may, and the script they load."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct
from sqlalchemy import Connection, select

from grid.canonical import digest
from grid.db import apply as writes
from grid.db.tables import EmbedScriptRow, SiteRow, table
from grid.db.transaction import Transaction

SITE, SCRIPT = table(SiteRow), table(EmbedScriptRow)

#: Sites that are remembered: a forged Referer is cheap, and an admin reads no longer list.
SITES_MAX = 10_000
#: RFC 1035's names have 255 characters.
ORIGIN_CHARS_MAX = 300
#: How long a version of `embed.js` is served after it was the newest: a site owner who looks once
#: a year is in time.
KEPT_DAYS = 400
DAY_S = 86_400


class Site(Struct, frozen=True, kw_only=True):
    """A site as an admin sees it."""

    origin: str
    first_seen_at: int
    last_seen_at: int
    revoked_at: int | None
    reason: str


def origin_of(url: str) -> str | None:
    """The origin of an http(s) address as browsers spell it; None where it has none."""
    if len(url) > ORIGIN_CHARS_MAX and "/" not in url[8:ORIGIN_CHARS_MAX]:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = parts.hostname
    if not host.isascii() or set(host) - set("abcdefghijklmnopqrstuvwxyz0123456789.-_:"):
        return None
    shown = f"[{host}]" if ":" in host else host
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}" + ("" if port in (None, usual) else f":{port}")


def site(connection: Connection, origin: str) -> Site | None:
    """What is known of an origin (primary key)."""
    row = connection.execute(select(SITE).where(SITE.c.origin == origin)).one_or_none()
    return None if row is None else Site(**row._mapping)


def sites(
    connection: Connection, limit: int, after: str = "", revoked: bool | None = None
) -> list[Site]:
    """Sites in the order of their names, those behind `after` (primary key)."""
    conditions = [SITE.c.origin > after]
    if revoked is not None:
        conditions.append(SITE.c.revoked_at.is_not(None) == revoked)
    found = connection.execute(select(SITE).where(*conditions).order_by(SITE.c.origin).limit(limit))
    return [Site(**row._mapping) for row in found]


def see(transaction: Transaction, origin: str) -> None:
    """Note that a site embeds."""
    writes.see_site(transaction.connection, origin, transaction.now, SITES_MAX)


def revoke(transaction: Transaction, origin: str, reason: str) -> None:
    """Let a site embed no more."""
    writes.set_site(transaction.connection, origin, transaction.now, reason, transaction.now)


def allow(transaction: Transaction, origin: str) -> None:
    """Let a site embed again."""
    writes.set_site(transaction.connection, origin, None, "", transaction.now)


def keep_script(transaction: Transaction, text: str) -> None:
    """Note which version of `embed.js` is the newest, so that it is served for its time."""
    before = transaction.now - KEPT_DAYS * DAY_S
    writes.keep_embed_script(
        transaction.connection, digest(text.encode()), text, transaction.now, before
    )


def script(connection: Connection, start: str) -> str | None:
    """The version whose digest begins so (primary key); None when its time is over."""
    return connection.scalar(
        select(SCRIPT.c.text).where(SCRIPT.c.digest >= start, SCRIPT.c.digest < start + "g")
    )
