"""This file is where it is decided who counts as one in a quorum.

A principal is a connected component of hosts that share an account or a network prefix. Loopback,
private and link-local addresses say nothing about who sits behind them and never join hosts, nor
do the hosts of trusted-host tokens.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress

#: What one household or lab usually gets; smaller would let one person be many.
IPV4_PREFIX_BITS = 24
IPV6_PREFIX_BITS = 48


def network_prefix(address: str) -> str | None:
    """The network that `address` belongs to, or None when it must not join hosts."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if not ip.is_global:
        return None
    bits = IPV4_PREFIX_BITS if ip.version == 4 else IPV6_PREFIX_BITS
    return str(ipaddress.ip_network((ip, bits), strict=False))


def hidden_prefix(key: bytes, address: str) -> str | None:
    """The prefix as HMAC under a key that is destroyed daily; the address itself is never kept."""
    prefix = network_prefix(address)
    return None if prefix is None else hmac.digest(key, prefix.encode(), hashlib.sha256).hex()
