"""This file is where too many requests are refused: so many in a moving window of time."""

from __future__ import annotations

import math
import time

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from grid import canonical
from grid.settings import Settings
from grid.trust import PrefixBits, network_prefix
from web.addresses import client_address
from web.problems import AnyRequest, Problem

#: Passwords that one network may try for one name, and for any name; and all networks together for
#: one name, so that a thousand of them guess hardly faster. A class that signs in stays far below.
TRIES_FOR_NAME = RateLimitItemPerMinute(10, 10)
TRIES_OF_NETWORK = RateLimitItemPerMinute(60, 10)
TRIES_OF_ALL = RateLimitItemPerMinute(100, 60)
#: Accounts that come from one network: a class makes theirs within an hour.
ACCOUNTS_OF_NETWORK = RateLimitItemPerMinute(30, 60)
#: Answers to sites that ask, left by one network: a school's pages may all ask at once.
CONSENTS_OF_NETWORK = RateLimitItemPerMinute(300, 10)


class Rates:
    """How often somebody may do something."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._bits = PrefixBits(ipv4=settings.ipv4_prefix_bits, ipv6=settings.ipv6_prefix_bits)

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
