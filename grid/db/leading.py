"""This file is where server processes agree on whose daemons run: one lease, for a short time.

It is no lock. Whoever stands still for longer than its lease finds another process at work, and
what both do is compared and set; the lease only spares them the trouble. Its time is that of the
database, so no machine's clock can hold it for longer.
"""

from __future__ import annotations

import os
import secrets
import socket

from msgspec import Struct
from sqlalchemy import select

from grid.db import apply as writes
from grid.db.dialects import database_now
from grid.db.tables import DaemonLeaseRow, table
from grid.db.transaction import Transaction

#: How long a lease lasts: when its holder dies, another process takes over within so much, and its
#: own next try.
LEASE_S = 6
#: How often it is renewed, or tried for.
RENEW_S = 2

LEASE = table(DaemonLeaseRow)


class Holder(Struct, frozen=True):
    """A server process, as other processes know it."""

    machine: str
    process: int
    #: Numbers of processes come again; this does not.
    nonce: str

    @property
    def name(self) -> str:
        """How it stands in the lease."""
        return f"{self.machine}/{self.process}/{self.nonce}"


def myself() -> Holder:
    """This process, by a name that it has only once."""
    return Holder(socket.gethostname(), os.getpid(), secrets.token_hex(8))


def has_died(name: str, me: Holder) -> bool:
    """Whether a holder is known to be dead: it was a process of this machine that is no more."""
    machine, _, rest = name.rpartition("/")[0].rpartition("/")
    if machine != me.machine or not rest.isdigit():
        return False
    if int(rest) == me.process:  # a container that started again counts its processes from 1
        return name != me.name
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


def take(transaction: Transaction, me: Holder) -> bool:
    """Take or renew the lease; False while another process has it."""
    connection = transaction.connection
    now = connection.scalar(select(database_now())) or 0
    found = connection.execute(select(LEASE.c.holder, LEASE.c.expires_at)).first()
    taken = found is not None and found.expires_at > now and found.holder != me.name
    if found is not None and taken and not has_died(found.holder, me):
        return False
    row = DaemonLeaseRow(name="daemons", holder=me.name, expires_at=now + LEASE_S)
    writes.set_lease(connection, row)
    return True


def let_go(transaction: Transaction, me: Holder) -> None:
    """Leave it to whoever tries next."""
    writes.drop_lease(transaction.connection, me.name)
