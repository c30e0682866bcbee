"""This file is where a transaction carries what every writing function needs."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import Connection


@dataclass
class Transaction:
    """One write transaction: the connection, the time it counts as, and whom it concerns."""

    connection: Connection
    #: Seconds since 1970-01-01 UTC, one value for the whole transaction.
    now: int
    #: Jobs whose public view may have changed; told to listeners after the commit.
    touched: set[int] = field(default_factory=set)
