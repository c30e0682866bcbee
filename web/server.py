"""This file is where the app keeps what its handlers share: settings, store, and live parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import cast

import structlog

from grid.daemons.runner import Daemons
from grid.db import sites
from grid.db.store import Store
from grid.db.writer import Closed
from grid.settings import Settings
from web import embed_script, public_view
from web.events import Broadcaster
from web.exchange import Exchange
from web.metrics import Metrics
from web.passwords import Passwords
from web.presence import Presence
from web.problems import AnyRequest
from web.rates import Rates
from web.receiving import Lines, sweep
from web.sites import Sites

log = structlog.get_logger("web")

#: How often the hosts that were seen are written down.
NOTE_PERIOD_S = 5.0


class Server:
    """One server process."""

    def __init__(self, settings: Settings, store: Store, daemons: Daemons | None) -> None:
        self.settings, self.store, self.daemons = settings, store, daemons
        self.names = public_view.names(store.keyring.identifiers, store.keyring.pseudonym_key)
        self.presence = Presence(store)
        self.exchange = Exchange(store, self.presence)
        self.lines = Lines()
        self.sites = Sites(store)
        self.passwords = Passwords()
        self.rates = Rates(settings)
        self.events = Broadcaster(store, self.names, self.presence)
        self.metrics = Metrics(store, daemons, self.events, self.presence)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Daemons and events at work; both have stopped afterwards."""
        sweep(self.settings.data_dir / "uploads", time.time())
        if self.daemons is not None:
            self.daemons.start()
        self.events.start()
        await self._keep_embed_script()
        noting = asyncio.create_task(self._note())
        try:
            yield
        finally:
            noting.cancel()
            with suppress(asyncio.CancelledError):
                await noting
            self.events.close()
            self.exchange.close()
            if self.daemons is not None:
                await asyncio.to_thread(self.daemons.stop)
            self.rates.close()

    async def _keep_embed_script(self) -> None:
        """Lines that sites copied yesterday are served beside today's script."""
        try:
            text = embed_script.newest().text
        except FileNotFoundError:
            log.warning("the client was not built: there is no embed.js")
            return
        await self.store.awrite(lambda transaction: sites.keep_script(transaction, text))

    async def _note(self) -> None:
        while True:
            await asyncio.sleep(NOTE_PERIOD_S)
            try:
                await self.presence.note()
            except Closed:
                return
            except Exception:
                log.exception("hosts could not be noted")


def server_of(request: AnyRequest) -> Server:
    """The server that answers this request."""
    return cast(Server, request.app.state["server"])
