"""This file is where hosts are seen to count as one, day after day."""

from __future__ import annotations

from sqlalchemy import update
from world import rows

from grid.daemons import deleter
from grid.db import commands
from grid.db.tables import HostRow, table
from grid.dispatch import WhyNoWork
from grid.dispatch.quota import PRINCIPAL_QUOTA


def principals(world) -> dict[int, int]:
    return {row.id: row.principal_id for row in rows(world.store, HostRow)}


def look(world, host, address: str) -> bool:
    return world.store.write(lambda tx: commands.note_network(tx, host.id, address))


def test_prefix_keys_are_destroyed_daily_and_the_prefixes_with_them(world):
    world.host(address="8.8.4.1")
    world.time += commands.DAY_S
    today = world.host(address="8.8.9.1")
    assert deleter.do_pass(world.store, world.time) == 1
    kept = {row.id: row.hidden_prefix for row in rows(world.store, HostRow)}
    assert [number for number, prefix in kept.items() if prefix is not None] == [today.id]


def test_what_one_behind_a_network_has_cost_its_quota_is_forgotten_with_the_day(world):
    """Its own bucket stays as small as it made it, and a quota that was earned stays earned."""
    liar, honest, rich = (world.host(address=f"8.8.{net}.1") for net in (4, 4, 5))
    hosts = table(HostRow)

    def shrink(tx):
        for host, own, group in ((liar, 1, 300), (honest, 10_000, 300), (rich, 10_000, 200_000)):
            one = update(hosts).where(hosts.c.id == host.id)
            tx.connection.execute(one.values(quota=own, group_quota=group))

    world.store.write(shrink)
    deleter.do_pass(world.store, world.time)
    assert quotas(world) == {
        liar.id: (1, 300),
        honest.id: (10_000, 300),
        rich.id: (10_000, 200_000),
    }
    world.time += commands.DAY_S
    deleter.do_pass(world.store, world.time)
    start = PRINCIPAL_QUOTA.start
    assert quotas(world) == {
        liar.id: (1, start), honest.id: (10_000, start), rich.id: (10_000, 200_000),
    }  # fmt: skip


def quotas(world) -> dict[int, tuple[int, int]]:
    return {row.id: (row.quota, row.group_quota) for row in rows(world.store, HostRow)}


def test_a_trusted_host_with_a_global_address_stays_its_own_principal(world):
    """So does whoever enrols beside it."""
    one = world.host(trusted=True, address="8.8.4.1")
    other, third = world.host(address="8.8.4.2"), world.host(trusted=True, address="8.8.4.3")
    assert len({principals(world)[each.id] for each in (one, other, third)}) == 3
    assert next(row for row in rows(world.store, HostRow) if row.id == one.id).hidden_prefix is None


def test_midnight_does_not_make_two_of_one_network(world):
    before = world.host(address="8.8.4.1")
    world.time += commands.DAY_S
    after = world.host(address="8.8.4.2")
    assert principals(world)[before.id] != principals(world)[after.id]
    assert look(world, before, "8.8.4.1"), "its first exchange of the day joins it"
    assert principals(world)[before.id] == principals(world)[after.id]
    assert not look(world, before, "8.8.4.1")


def test_hosts_that_became_one_get_no_second_copy_of_what_either_holds(world):
    world.job(chunks=1)
    one, two = world.host(address="8.8.4.1"), world.host(address="8.8.5.1")
    assert len(world.ask(two)) == 1
    look(world, one, "8.8.5.9")
    joined = type(one)(**{**_fields(one), "principal_id": principals(world)[one.id]})
    assert world.exchange(joined, want=1).why_no_work is WhyNoWork.NEEDS_OTHERS


def _fields(host) -> dict[str, object]:
    return {name: getattr(host, name) for name in host.__struct_fields__}
