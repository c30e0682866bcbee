"""This file is where it is decided whither the server may connect for somebody else.

Whoever names an address makes the server ask it: without a rule that reaches what only the server
can reach, its own network and the cloud's metadata among it. So an operator lists the hosts that
data may come from, private ranges are closed unless they are listed too, and the rule is asked
again for each redirect and for each address that a name stands for when the connection is made.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from grid.sources.error import SourceError

FIELD = "/source"
#: Scheme → its port. FTPS is FTP that asks for TLS (RFC 4217).
PORTS = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}
URL_CHARS_MAX = 2_000
#: IPv6 networks that carry an IPv4 address in their last 32 bits (RFC 6052, section 2.1).
NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Target(Struct, frozen=True, kw_only=True):
    """A place that may be asked."""

    scheme: str
    host: str
    port: int
    #: Path and query, as they are sent.
    path: str


class Guard(Struct, frozen=True, kw_only=True):
    """What an operator allows."""

    #: `data.example.org`, `*.example.org`, `example.org:8443`, or `*` for all that is public.
    hosts: tuple[str, ...] = ()
    #: Networks that are allowed although they are not public, such as `10.1.0.0/16`.
    networks: tuple[str, ...] = ()

    def target(self, url: str) -> Target:
        """What the URL names; raises SourceError where that must not be asked."""
        parts, port = _split(url)
        host = (parts.hostname or "").rstrip(".").lower()
        if not host:
            raise SourceError(FIELD, "the URL names no host")
        if not any(_allows(one, host, port, PORTS[parts.scheme]) for one in self.hosts):
            raise SourceError(FIELD, f"{host} is no source that this server uses")
        path = parts.path or "/"
        query = f"?{parts.query}" if parts.query else ""
        return Target(scheme=parts.scheme, host=host, port=port, path=path + query)

    def checked(self, host: str, addresses: Sequence[str]) -> str:
        """The first of a host's addresses; raises SourceError unless all of them may be asked."""
        if not addresses:
            raise SourceError(FIELD, f"{host} has no address")
        for text in addresses:
            if not self._may_ask(ipaddress.ip_address(text.partition("%")[0])):
                raise SourceError(FIELD, f"{host} is in a network that this server does not ask")
        return addresses[0]

    def _may_ask(self, address: Address) -> bool:
        return all(
            (one.is_global and not one.is_multicast) or _within(one, self.networks)
            for one in _meant(address)
        )


def _split(url: str) -> tuple[SplitResult, int]:
    if len(url) > URL_CHARS_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise SourceError(FIELD, f"a URL of up to {URL_CHARS_MAX} ASCII characters is wanted")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceError(FIELD, f"no URL: {error}") from error
    if parts.scheme not in PORTS:
        raise SourceError(FIELD, f"a URL is wanted that begins with one of {', '.join(PORTS)}")
    if parts.username is not None or parts.password is not None:
        raise SourceError(FIELD, "no name or password may stand in the URL: it is shown")
    if "\\" in url:
        raise SourceError(FIELD, "no backslash may stand in a URL")
    return parts, PORTS[parts.scheme] if port is None else port


def _allows(entry: str, host: str, port: int, usual: int) -> bool:
    name, _, given = entry.lower().partition(":")
    if port != (int(given) if given else usual):
        return False
    if name == "*":
        return True
    return host.endswith(name[1:]) if name.startswith("*.") else host == name


def _meant(address: Address) -> Collection[Address]:
    """An address, and those that it carries inside: a packet to it may arrive at any of them."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    inside: list[Address | None] = [address.ipv4_mapped, address.sixtofour]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inside += address.teredo or ()
    if address in NAT64:
        inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [address, *(one for one in inside if one is not None)]


def _within(address: Address, networks: Collection[str]) -> bool:
    return any(address in ipaddress.ip_network(one) for one in networks)
