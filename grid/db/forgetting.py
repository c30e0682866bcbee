"""This file is where a volunteer is forgotten: what says who it was goes, what verdicts use stays.

Answers stay, under the pseudonyms that the log has: they name nobody, and without them no verdict
could be checked.
"""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Connection, select

from grid.db import apply as writes
from grid.db import credits
from grid.db.tables import HostRow, VolunteerRow, table
from grid.db.transaction import Transaction

HOST, PEOPLE = table(HostRow), table(VolunteerRow)


class Forgotten(Struct, frozen=True, kw_only=True):
    """What is gone."""

    #: Browsers and machines whose tokens have ended.
    hosts: int
    #: Whether there is an account, which only its own token can close.
    account_stays: bool


def forget(transaction: Transaction, host_id: int) -> Forgotten:
    """Forget the volunteer of this host, with all its hosts; of one that has an account, this host
    alone: whoever holds one machine's token does not speak for the account (host_volunteer)."""
    connection = transaction.connection
    person = connection.execute(
        select(PEOPLE.c.id, PEOPLE.c.account_id)
        .join_from(HOST, PEOPLE, PEOPLE.c.id == HOST.c.volunteer_id)
        .where(HOST.c.id == host_id)
    ).one()
    if person.account_id is not None:
        writes.forget_hosts(connection, [host_id], transaction.now)
        return Forgotten(hosts=1, account_stays=True)
    numbers = _hosts_of(connection, person.id)
    writes.forget_hosts(connection, numbers, transaction.now)
    writes.drop_notes_of(connection, person.id)
    credits.choose_name(transaction, person.id, None)
    credits.join_team(transaction, person.id, None)
    return Forgotten(hosts=len(numbers), account_stays=False)


def _hosts_of(connection: Connection, volunteer_id: int) -> list[int]:
    return list(connection.scalars(select(HOST.c.id).where(HOST.c.volunteer_id == volunteer_id)))
