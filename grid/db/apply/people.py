"""This file is where what is known of hosts and tokens is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ClauseElement, Connection, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from grid.db.apply.sets import Each, Spot
from grid.db.dialects import greatest
from grid.db.tables import (
    HostRow,
    JobTypeSpeedRow,
    PrefixKeyRow,
    RequesterShareRow,
    TokenRow,
    table,
)
from grid.dispatch.quota import PRINCIPAL_QUOTA


def set_principal(connection: Connection, old: Sequence[int], new: int) -> None:
    """Make hosts of several principals count as one from now on."""
    hosts = table(HostRow)
    connection.execute(update(hosts).where(hosts.c.principal_id.in_(old)).values(principal_id=new))


def set_prefix(connection: Connection, host_id: int, hidden_prefix: str | None, day: int) -> None:
    """Note the network a host was seen in today, hidden under today's key."""
    hosts = table(HostRow)
    connection.execute(
        update(hosts)
        .where(hosts.c.id == host_id)
        .values(hidden_prefix=hidden_prefix, prefix_day=day)
    )


def start_principal(connection: Connection, host_id: int, volunteer_id: int) -> None:
    """A host that shares nothing is its own principal; it belongs to this volunteer."""
    hosts = table(HostRow)
    connection.execute(
        update(hosts)
        .where(hosts.c.id == host_id)
        .values(principal_id=host_id, volunteer_id=volunteer_id)
    )


def set_machine(
    connection: Connection, host_id: int, engine: str, capabilities: Mapping[str, Any]
) -> None:
    """Note what a host computes by, and what it can do."""
    hosts = table(HostRow)
    connection.execute(
        update(hosts)
        .where(hosts.c.id == host_id)
        .values(engine=engine, capabilities=dict(capabilities))
    )


def set_last_seen(connection: Connection, host_ids: Sequence[int], now: int) -> None:
    """Note that hosts are alive."""
    hosts = table(HostRow)
    connection.execute(update(hosts).where(hosts.c.id.in_(host_ids)).values(last_seen_at=now))


def note_open_sandbox(connection: Connection, host_id: int, reached: str, now: int) -> None:
    """Note what a host could reach from inside its sandbox."""
    hosts = table(HostRow)
    connection.execute(
        update(hosts)
        .where(hosts.c.id == host_id)
        .values(sandbox_reached=reached, sandbox_open_at=now)
    )


def revoke_token(connection: Connection, token_id: int, now: int) -> bool:
    """End a token; False when it had ended."""
    tokens = table(TokenRow)
    changed = connection.execute(
        update(tokens)
        .where(tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return changed.rowcount == 1


def destroy_prefix_keys_before(connection: Connection, day: int) -> int:
    """Destroy the keys of earlier days and the prefixes they hid; how many hosts were unlinked.

    What a principal's quota has lost is forgotten with them.
    """
    keys, hosts = table(PrefixKeyRow), table(HostRow)
    gone = connection.execute(delete(keys).where(keys.c.day < day)).rowcount
    if not gone:
        return 0
    start = PRINCIPAL_QUOTA.start
    connection.execute(update(hosts).where(hosts.c.group_quota < start).values(group_quota=start))
    return connection.execute(
        update(hosts).where(hosts.c.prefix_day < day).values(hidden_prefix=None, prefix_day=None)
    ).rowcount


def reserve(connection: Connection, host_ids: Sequence[int], job_id: int) -> None:
    """Keep these hosts for a job."""
    hosts = table(HostRow)
    connection.execute(update(hosts).where(hosts.c.id.in_(host_ids)).values(reserved_job_id=job_id))


def release(connection: Connection, job_id: int) -> int:
    """Give back the hosts kept for a job; how many."""
    hosts = table(HostRow)
    released = update(hosts).where(hosts.c.reserved_job_id == job_id).values(reserved_job_id=None)
    return connection.execute(released).rowcount


def set_speeds(
    connection: Connection, job_types: Sequence[JobTypeSpeedRow], hosts: Mapping[int, int]
) -> None:
    """Note how long job types' rows take, and how fast hosts are."""
    rows = table(JobTypeSpeedRow)
    for row in job_types:
        connection.execute(delete(rows).where(rows.c.job_type == row.job_type))
        connection.execute(insert(rows).values(**row.model_dump()))
    if hosts:
        _set_host_speeds().run(connection, list(hosts.items()))


def add_shares(
    connection: Connection, changes: Sequence[tuple[int, float, float]], now: int
) -> None:
    """Add what requesters' work was given, (requester, given, at least): whoever has come back
    counts as having had `at least` so much before."""
    if changes:
        _raise_shares().run(connection, changes, now=now)
        _add_shares().run(connection, changes)


@lru_cache(maxsize=1)
def _raise_shares() -> Each:
    shares = table(RequesterShareRow)

    def each(spot: Spot) -> ClauseElement:
        fresh: Any = select(spot(0), spot(2), bindparam("now", type_=BigInteger())).where(
            spot(0).is_not(None)
        )
        new = insert(shares).from_select(["account_id", "served", "open_at"], fresh)
        raised = greatest(shares.c.served, new.excluded.served)
        return new.on_conflict_do_update(
            index_elements=["account_id"],
            set_={"served": raised, "open_at": new.excluded.open_at},
        )

    return Each([int, float, float], each)


@lru_cache(maxsize=1)
def _add_shares() -> Each:
    shares = table(RequesterShareRow)
    return Each(
        [int, float, float],
        lambda spot: (
            update(shares)
            .where(shares.c.account_id == spot(0))
            .values(served=shares.c.served + spot(1))
        ),
    )


@lru_cache(maxsize=1)
def _set_host_speeds() -> Each:
    hosts = table(HostRow)
    return Each(
        [int, int],
        lambda spot: update(hosts).where(hosts.c.id == spot(0)).values(speed_milli=spot(1)),
    )


def forget_hosts(connection: Connection, host_ids: Sequence[int], now: int) -> int:
    """End these hosts' tokens and delete what describes a machine; how many tokens ended
    (ix_token_host_id). What they answered stays: verdicts rest on it."""
    hosts, tokens = table(HostRow), table(TokenRow)
    connection.execute(
        update(hosts)
        .where(hosts.c.id.in_(host_ids))
        .values(
            capabilities={},
            public_key=None,
            hidden_prefix=None,
            prefix_day=None,
            reserved_job_id=None,
        )
    )
    return connection.execute(
        update(tokens)
        .where(tokens.c.host_id.in_(host_ids), tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    ).rowcount
