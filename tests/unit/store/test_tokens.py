"""This file is where tokens end, and those that came of them."""

from __future__ import annotations

from grid.db import accounts, commands
from grid.db.commands import NewHost


def good(world, token: str) -> bool:
    with world.store.read() as connection:
        return accounts.find(connection, world.store.keyring.passes, token, world.time) is not None


def token_of(world, account: int, scope: str, ttl_s: int = 100) -> str:
    passes, ends = world.store.keyring.passes, world.time + ttl_s
    return world.store.write(
        lambda tx: accounts.issue(tx, passes, allowed(tx, account, scope), [scope], ends)[1]
    )


def allowed(tx, account: int, scope: str) -> int:
    accounts.change(tx, account, [scope], None)
    return account


def host_token(world, account: int | None, trusted: bool, expires_at: int | None = None) -> str:
    new = NewHost(
        account_id=account,
        trusted=trusted,
        kind="headless",
        engine="test",
        capabilities={},
        address="::1",
        expires_at=expires_at,
    )
    return world.store.write(lambda tx: commands.add_host(tx, new))[1]


def revoke(world, token: str) -> bool:
    passes = world.store.keyring.passes
    with world.store.read() as connection:
        number = accounts.find(connection, passes, token, world.time)
    return number is not None and world.store.write(lambda tx: accounts.revoke(tx, number))


def test_a_revoked_token_is_good_no_more_and_cannot_be_revoked_again(world):
    account = world.account()
    token, other = (token_of(world, account, "requester") for _ in range(2))
    assert good(world, token)
    assert revoke(world, token)
    assert not good(world, token)
    assert good(world, other)
    assert not revoke(world, token)
    assert not revoke(world, "made up")


def test_revoking_a_trusted_host_token_ends_the_hosts_it_made_and_no_others(world):
    lab, other = world.account("a lab"), world.account("another lab")
    token = token_of(world, lab, "trusted_host")
    mine, anonymous = host_token(world, lab, trusted=True), host_token(world, None, trusted=False)
    theirs = host_token(world, other, trusted=True)
    assert revoke(world, token)
    assert not good(world, mine)
    assert good(world, theirs)
    assert good(world, anonymous)


def test_a_trusted_host_is_one_no_longer_than_its_token(world):
    token = host_token(world, world.account("a lab"), trusted=True, expires_at=world.time + 10)
    assert good(world, token)
    world.time += 11
    assert not good(world, token)
