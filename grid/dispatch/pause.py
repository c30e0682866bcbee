"""This file is where it is decided how long a host waits before it asks again."""

from __future__ import annotations

import hashlib

#: Idle hosts that one server process listens to in a second; more than that wait longer, so that
#: whoever computes is still answered at once.
IDLE_ASKS_PER_S_MAX = 500
#: How far the pauses of hosts that came together are spread.
JITTER = 0.25
#: A quota fills slowly and a ban is for a human to lift: asking sooner changes nothing.
HOPELESS_S = 60.0


def retry_after_s(
    base_s: float, hosts_online: int, host_id: int, now: int, hopeless: bool
) -> float:
    """Seconds until a host with nothing to do should ask again: `base_s` or more in a crowd, up to
    a quarter less or more, by who and when. `hopeless` is for hosts that waiting does not help."""
    least = max(base_s, hosts_online / IDLE_ASKS_PER_S_MAX, HOPELESS_S if hopeless else 0.0)
    drawn = hashlib.sha256(f"{host_id} {now}".encode()).digest()
    share = int.from_bytes(drawn[:4], "big") / 2**32
    return round(least * (1 - JITTER + 2 * JITTER * share), 3)
