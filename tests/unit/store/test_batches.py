"""This file is where commands and exchanges share a commit, and failures stay alone."""

from __future__ import annotations

import asyncio
import threading

from sqlalchemy import event
from world import rows

from grid.db import commands
from grid.db.tables import AccountRow
from grid.db.work import WorkRequest

#: Waited for at most; a busy machine needs milliseconds.
WAIT_S = 30


def test_a_command_that_fails_does_not_break_up_its_batch(world):
    world.job(chunks=4)
    hosts = [world.host() for _ in range(4)]
    commits = []
    event.listen(world.store._writing, "commit", lambda _: commits.append(1))

    def poison(transaction):
        commands.add_account(transaction, "half done")
        raise RuntimeError("poison")

    begun, held = threading.Event(), threading.Event()

    def block(_transaction):
        begun.set()
        assert held.wait(WAIT_S)

    async def together():
        queued = [
            asyncio.ensure_future(one)
            for one in (
                *(world.store.work(WorkRequest(host=host, want=1)) for host in hosts[:2]),
                world.store.awrite(poison),
                *(world.store.work(WorkRequest(host=host, want=1)) for host in hosts[2:]),
            )
        ]
        await asyncio.sleep(0)  # each has begun, and is in the queue
        held.set()
        return await asyncio.gather(*queued, return_exceptions=True)

    blocker = threading.Thread(target=lambda: world.store.write(block))
    blocker.start()
    assert begun.wait(WAIT_S)  # until it ends, everything else queues and becomes one batch
    answers = asyncio.run(together())
    blocker.join()
    assert isinstance(answers[2], RuntimeError)
    assert all(len(one.assigned) == 1 for place, one in enumerate(answers) if place != 2)
    assert len(commits) == 2
    assert "half done" not in {row.name for row in rows(world.store, AccountRow)}
