"""This file is where a host gets signed permission to compute one result until a deadline.

A lease is checked without a database read. It shows its deadline and epoch, and nothing about
which result, work unit or host stands behind it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from functools import lru_cache

from msgspec import Struct

#: Bytes of HMAC kept; 128 bits cannot be guessed over any network.
MAC_BYTES = 16


class Lease(Struct, frozen=True, kw_only=True):
    """Permission for one host to compute one result."""

    result_id: int
    host_id: int
    #: Seconds since 1970-01-01 UTC.
    deadline: int
    #: How often a lease was given on this result; an earlier epoch is void.
    epoch: int


def sign(key: bytes, lease: Lease) -> str:
    """The lease as URL-safe text."""
    shown = lease.deadline.to_bytes(8, "big") + lease.epoch.to_bytes(4, "big")
    return base64.urlsafe_b64encode(shown + _mac(key, lease)).decode().rstrip("=")


def verify(key: bytes, text: str, result_id: int, host_id: int) -> Lease | None:
    """The lease that `text` is for this result and host, or None when it is for no such thing."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 12 + MAC_BYTES:
        return None
    lease = Lease(
        result_id=result_id,
        host_id=host_id,
        deadline=int.from_bytes(raw[:8], "big"),
        epoch=int.from_bytes(raw[8:12], "big"),
    )
    return lease if hmac.compare_digest(sign(key, lease).encode(), text.encode()) else None


def receipt(key: bytes, result_id: int, report_digest: str) -> str:
    """What an accepted report is answered with; the same for the same report."""
    return _hmac(key, f"receipt {result_id} {report_digest}").hex()


def _mac(key: bytes, lease: Lease) -> bytes:
    return _hmac(key, f"lease {lease.result_id} {lease.host_id} {lease.deadline} {lease.epoch}")


def _hmac(key: bytes, text: str) -> bytes:
    # Not hmac.digest: it lets other threads run for the sake of a microsecond, and waits for them.
    keyed = _keyed(key).copy()
    keyed.update(text.encode())
    return keyed.digest()[:MAC_BYTES]


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod=hashlib.sha256)
