"""This file is where a link to a blob is written, signed where the blob is private.

Whoever computes a private job gets links that open its program and chunks for a while, and so
needs no token in its requests for bytes.
"""

from __future__ import annotations

import hashlib
import hmac

from web.public_view import API

#: How long a signed link outlives the lease it came with: a slow line, a renewed lease.
LINK_TTL_S = 3600


def public_link(digest: str) -> str:
    """The link to a blob that anybody may read."""
    return f"{API}/blobs/{digest}"


def signed_link(key: bytes, digest: str, until: int) -> str:
    """A link that opens this blob until `until`, whoever uses it."""
    return f"{API}/blobs/{digest}?until={until}&signature={_signature(key, digest, until)}"


def opens(key: bytes, digest: str, until: str, signature: str, now: int) -> bool:
    """Whether a link with these parameters still opens the blob."""
    if not until.isdecimal() or len(until) > 12 or int(until) < now:
        return False
    return hmac.compare_digest(_signature(key, digest, int(until)).encode(), signature.encode())


def _signature(key: bytes, digest: str, until: int) -> str:
    return hmac.digest(key, f"blob {digest} {until}".encode(), hashlib.sha256)[:16].hex()
