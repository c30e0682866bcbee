"""This file is where a transaction carries what every writing function needs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

#: How many → so many bytes that nobody can foretell.
Entropy = Callable[[int], bytes]


@dataclass
class Transaction:
    """One write transaction: the connection, the time it counts as, and whom it concerns."""

    connection: Connection
    #: Seconds since 1970-01-01 UTC, one value for the whole transaction.
    now: int
    #: Where its tokens, keys and seeds come from.
    entropy: Entropy = secrets.token_bytes
    #: Jobs whose public view may have changed; told to listeners after the commit.
    touched: set[int] = field(default_factory=set)
