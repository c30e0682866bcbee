"""This file is where too many requests are refused: so many in a moving window of time.

All processes on one data folder count together. What comes from this very machine is its operator's
and is not counted as requests are: behind a proxy, `GRID_TRUSTED_PROXIES` tells who really asks.
"""

from __future__ import annotations

import ipaddress
import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.strategies import MovingWindowRateLimiter
from litestar.types import Scope

from grid import canonical
from grid.db.windows import SharedWindows
from grid.settings import Settings
from grid.trust import PrefixBits, network_prefix
from web.addresses import address_behind, client_address
from web.problems import AnyRequest, Problem
from web.public_view import API

#: Passwords that one network may try for one name, and for any name; and all networks together for
#: one name, so that a thousand of them guess hardly faster. A class that signs in stays far below.
TRIES_FOR_NAME = RateLimitItemPerMinute(10, 10)
TRIES_OF_NETWORK = RateLimitItemPerMinute(60, 10)
TRIES_OF_ALL = RateLimitItemPerMinute(100, 60)
#: Accounts that come from one network: a class makes theirs within an hour.
ACCOUNTS_OF_NETWORK = RateLimitItemPerMinute(30, 60)
#: Answers to sites that ask, left by one network: a school's pages may all ask at once.
CONSENTS_OF_NETWORK = RateLimitItemPerMinute(300, 10)
#: Hosts that enrol from one network: a school of six hundred in ten minutes, and a flood no faster.
HOSTS_OF_NETWORK = RateLimitItemPerMinute(600, 10)

#: What changes something: a script that submits one job a second is a busy one.
CHANGES = frozenset({"POST", "PUT", "DELETE", "PATCH"})
#: Exchanges have rules of their own (leases, quotas, places), and are thousands in a second.
EXCHANGES = (f"{API}/work", f"{API}/results/", f"{API}/hosts")
#: Answers that take the server seconds.
DEAR = ("/bundle", "/evidence", "/audit/sql")


class Rates:
    """How often somebody may do something."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._kept = SharedWindows(settings.data_dir)
        self._windows = MovingWindowRateLimiter(self._kept)
        self._bits = PrefixBits(ipv4=settings.ipv4_prefix_bits, ipv6=settings.ipv6_prefix_bits)
        each = settings.changes_per_minute
        #: One token or session, and one network, which may be a school.
        self._changes = (RateLimitItemPerMinute(each), RateLimitItemPerMinute(5 * each))
        self._dear = RateLimitItemPerMinute(settings.dear_requests_per_minute)

    def close(self) -> None:
        """Let go of what is shared."""
        self._kept.close()

    async def request(self, scope: Scope) -> None:
        """Count a request of somebody from elsewhere; raises 429."""
        address = address_behind(scope, self._settings)
        if not _elsewhere(address):
            return
        path, network = scope["path"], network_prefix(address, self._bits) or address
        if path == f"{API}/hosts" and scope.get("method") == "POST":
            await self._count(HOSTS_OF_NETWORK, "enrol", network)
        elif scope.get("method") in CHANGES and not path.startswith(EXCHANGES):
            of_one, of_network = self._changes
            shown = [
                text for name, text in scope["headers"] if name in (b"authorization", b"cookie")
            ]
            if shown:
                await self._count(of_one, "change", canonical.digest(b"\n".join(shown)))
            await self._count(of_network, "change from", network)
        elif any(part in path for part in DEAR):
            await self._count(self._dear, "dear", network)

    async def account(self, account_id: int) -> None:
        """Count one change of an account's, whatever tokens it uses; raises 429."""
        await self._count(self._changes[1], "account", str(account_id))

    async def sign_in(self, request: AnyRequest, name: str) -> None:
        """Count one try to prove who somebody is; raises 429."""
        network, who = self.network_of(request), canonical.digest(name.encode())
        await self._count(TRIES_OF_NETWORK, "sign in", network)
        await self._count(TRIES_FOR_NAME, "sign in", network, who)
        await self._count(TRIES_OF_ALL, "sign in as", who)

    async def register(self, request: AnyRequest) -> None:
        """Count one who wants an account; raises 429."""
        await self._count(ACCOUNTS_OF_NETWORK, "register", self.network_of(request))

    async def consent(self, request: AnyRequest) -> None:
        """Count one who answers a site; raises 429."""
        await self._count(CONSENTS_OF_NETWORK, "consent", self.network_of(request))

    def network_of(self, request: AnyRequest) -> str:
        """The network that a request comes from; its very address where that is a private one."""
        address = client_address(request, self._settings)
        return network_prefix(address, self._bits) or address

    async def _count(self, item: RateLimitItem, *of: str) -> None:
        if await self._windows.hit(item, *of):
            return
        until, _ = await self._windows.get_window_stats(item, *of)
        wait_s = max(1, math.ceil(until - time.time()))
        detail = f"too many of these lately: try again in {wait_s} s"
        raise Problem(429, detail, headers={"Retry-After": str(wait_s)})


def _elsewhere(address: str) -> bool:
    """Whether it is another machine's: this one's own, and what has no address, is not."""
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
