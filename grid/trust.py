"""This file is where it is decided who counts as one, and how far a volunteer is believed.

A principal is a connected component of hosts that share an account or a network prefix. Loopback,
private and link-local addresses say nothing about who sits behind them and never join hosts, nor
do the hosts of trusted-host tokens.

Belief follows Sarmenta's credibility (Sabotage-Tolerance Mechanisms for Volunteer Computing
Systems, 2002): a volunteer that has survived k checks gives a wrong answer with a probability of at
most f / ((1 − f)·k·e), where f bounds the share of saboteurs.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import math
from functools import lru_cache

from msgspec import Struct

#: What one household or lab usually gets; smaller would let one person be many.
IPV4_PREFIX_BITS = 24
IPV6_PREFIX_BITS = 48

#: The largest share of saboteurs that error rates are promised for.
SABOTEURS_MAX = 0.35
#: Half checks below which a volunteer is a newcomer: nothing of its work has been checked twice.
NEWCOMER_CHECKS2 = 4


@lru_cache(maxsize=4096)
def odds(checks2: int) -> float:
    """Cr / (1 − Cr) of a volunteer with k = `checks2` / 2 checks survived: right against wrong."""
    doubt = SABOTEURS_MAX
    if checks2 > 0:
        survived = (1 - SABOTEURS_MAX) * (checks2 / 2) * math.e
        doubt = min(doubt, SABOTEURS_MAX / survived)
    return (1 - doubt) / doubt


class PrefixBits(Struct, frozen=True):
    """How many leading bits of an address stand for one household or lab."""

    ipv4: int = IPV4_PREFIX_BITS
    ipv6: int = IPV6_PREFIX_BITS


def network_prefix(address: str, bits: PrefixBits = PrefixBits()) -> str | None:  # noqa: B008
    """The network that `address` belongs to, or None when it must not join hosts."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    if not ip.is_global:
        return None
    leading = bits.ipv4 if ip.version == 4 else bits.ipv6
    return str(ipaddress.ip_network((ip, leading), strict=False))


def hidden_prefix(key: bytes, address: str, bits: PrefixBits = PrefixBits()) -> str | None:  # noqa: B008
    """The prefix as HMAC under a key that is destroyed daily; the address itself is never kept."""
    prefix = network_prefix(address, bits)
    return None if prefix is None else hmac.digest(key, prefix.encode(), hashlib.sha256).hex()
