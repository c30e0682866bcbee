"""This file is where the salts of reports come from: fresh randomness, drawn in bulk.

A system call for each report makes the event loop wait for its turn among the threads.
"""

from __future__ import annotations

import secrets

SALT_BYTES = 16
#: Drawn at once; small enough to take no time.
SALTS_DRAWN = 256


class Salts:
    """An endless supply, for one thread."""

    def __init__(self) -> None:
        self._left: list[str] = []

    def next(self) -> str:
        """16 random bytes as hex that nobody got before."""
        if not self._left:
            drawn = secrets.token_hex(SALT_BYTES * SALTS_DRAWN)
            step = 2 * SALT_BYTES
            self._left = [drawn[at : at + step] for at in range(0, len(drawn), step)]
        return self._left.pop()
