"""This file is where it is told from where a request comes, and what the server is called."""

from __future__ import annotations

from grid.settings import Settings
from web.problems import AnyRequest


def client_address(request: AnyRequest, settings: Settings) -> str:
    """The address that the request comes from.

    X-Forwarded-For is read from its end, and only through proxies that the settings trust.
    """
    address = request.client.host if request.client is not None else ""
    chain = request.headers.get("x-forwarded-for", "").split(",")
    while address in settings.trusted_proxies and chain:
        before = chain.pop().strip()
        if not before:
            break
        address = before
    return address


def server_origin(request: AnyRequest, settings: Settings) -> str:
    """What the server is called from outside: as the settings say, or as it was addressed."""
    return settings.public_url or str(request.base_url).rstrip("/")
