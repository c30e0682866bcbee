"""This file is where it is decided who may show the volunteer page in a frame of theirs."""

from __future__ import annotations

import asyncio

from grid.db import sites
from grid.db.sites import Site, origin_of
from grid.db.store import Store
from web.cache import Cache
from web.problems import AnyRequest

#: A site is noted at most so often by one process.
NOTED_S = 3600


class Sites:
    """Sites that embed, for one server process's event loop."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: Cache[str, int] = Cache(limit=10_000)

    async def seen(self, origin: str) -> Site | None:
        """What is known of a site, now: a revoked one is so at once, in every process. One that
        nobody decided about is remembered."""
        known = await self.known(origin)
        now = self._store.now()
        due = (self._noted.get(origin) or 0) <= now - NOTED_S
        if due and (known is None or known.revoked_at is None):
            self._noted.keep(origin, now)
            await self._store.awrite(lambda transaction: sites.see(transaction, origin))
        return known

    async def known(self, origin: str) -> Site | None:
        """The same, and nothing is remembered."""
        return await asyncio.to_thread(self._known, origin)

    def _known(self, origin: str) -> Site | None:
        with self._store.read() as connection:
            return sites.site(connection, origin)


def embedding_site(request: AnyRequest, own: str) -> str | None:
    """Whose page shows this one in a frame: the Referer's origin, where it is another than ours.

    Our lines ask for the Referer (`referrerpolicy="origin"`). A page that sends none is nobody, and
    no frame is shown in it: else a site that was revoked would only have to keep quiet.
    """
    if request.headers.get("sec-fetch-dest") == "document":
        return None
    origin = origin_of(request.headers.get("referer", ""))
    return None if origin == own else origin


def ancestors(origin: str | None, known: Site | None) -> str:
    """The `frame-ancestors` of the volunteer page for a site: exactly that one, unless revoked."""
    if known is not None and known.revoked_at is not None:
        return "'none'"
    return "'self'" if origin is None else f"'self' {origin}"
