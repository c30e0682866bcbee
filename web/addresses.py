"""This file is where it is told from where a request comes, and what the server is called."""

from __future__ import annotations

from litestar.types import Scope

from grid.settings import Settings
from web.problems import AnyRequest


def client_address(request: AnyRequest, settings: Settings) -> str:
    """The address that the request comes from."""
    return address_behind(request.scope, settings)


def address_behind(scope: Scope, settings: Settings) -> str:
    """The address that a request comes from.

    X-Forwarded-For is read from its end, and only through proxies that the settings trust.
    """
    client = scope.get("client")
    address = "" if client is None else client[0]
    if address not in settings.trusted_proxies:
        return address
    given = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    chain = b",".join(given).decode("latin-1").split(",")
    while address in settings.trusted_proxies and chain:
        before = chain.pop().strip()
        if not before:
            break
        address = before
    return address


def server_origin(request: AnyRequest, settings: Settings) -> str:
    """What the server is called from outside: as the settings say, or as it was addressed."""
    return settings.public_url or str(request.base_url).rstrip("/")
