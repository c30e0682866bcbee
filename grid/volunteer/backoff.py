"""This file is where it is decided how long to wait after something failed."""

from __future__ import annotations

FIRST_S = 1.0

#: A server that is back is found again within five minutes.
MOST_S = 300.0


def pause_s(failures: int, toss: float, retry_after_s: float = 0) -> float:
    """Seconds to wait after so many failures in a row (at least 1); `toss` is in [0, 1).

    Doubling, with a random half so that many volunteers do not return at once; never less than
    what the server asked for, up to MOST_S.
    """
    full = min(MOST_S, FIRST_S * 2.0 ** min(failures - 1, 20))
    return max(full * (0.5 + toss / 2), min(retry_after_s, MOST_S))
