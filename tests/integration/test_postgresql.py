"""This file is where several server processes share one PostgreSQL: work, notices, death."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import live
import postgres
import pytest
from live import LiveHost, LiveServer
from world import World, rows

from grid.daemons.runner import Daemons
from grid.db import leading, session
from grid.db.store import StartRefused, Store, database_url
from grid.db.tables import WorkUnitRow
from grid.settings import Settings, SettingsError, from_environment

ROWS = "n\n" + "".join(f"{number}\n" for number in range(30))


@pytest.fixture(scope="module")
def cluster() -> postgres.Cluster:
    return postgres.shared()


@pytest.fixture
def worlds(tmp_path: Path, cluster: postgres.Cluster) -> Iterator[tuple[World, World]]:
    """Two processes' stores of one grid."""
    url = cluster.of_folder(tmp_path / "grid")
    both = World(tmp_path / "grid", database_url=url), World(tmp_path / "grid", database_url=url)
    yield both
    for one in both:
        one.close()


def test_what_one_process_took_another_does_not_give(worlds):
    first, second = worlds
    job = first.job(chunks=40, min_quorum=2, target_nresults=2)
    crowd = [first.host() for _ in range(3)] + [second.host() for _ in range(3)]
    given: Counter[int] = Counter()
    for turn, host in enumerate(crowd * 20):
        world = worlds[turn % 2]
        for assigned in world.ask(host, want=2):
            given[assigned.lease.result_id] += 1
            assert world.report(host, assigned.lease).accepted
    assert len(given) == 80 and set(given.values()) == {1}
    assert {world.facts(job.id).workunits_made for world in worlds} == {40}


def test_a_quorum_is_seen_although_each_process_took_one_answer(worlds):
    first, second = worlds
    first.job(chunks=1, min_quorum=2, target_nresults=2)
    one, two = first.host(), second.host()
    (mine,), (yours,) = first.ask(one), second.ask(two)
    assert first.report(one, mine.lease).accepted and second.report(two, yours.lease).accepted
    (unit,) = rows(second.store, WorkUnitRow)
    assert unit.canonical_result_id in (mine.lease.result_id, yours.lease.result_id)


def test_a_process_hears_of_what_another_has_moved(worlds):
    first, second = worlds
    heard: set[int] = set()
    stop = second.store.listen(heard.update)
    job = first.job(chunks=1)
    for _ in live.waiting(live.WAIT_S, "the notice"):
        if job.id in heard:
            break
    stop()


def test_the_lease_has_one_holder_and_goes_on_when_it_is_let_go(worlds):
    first, second = (one.store for one in worlds)
    me, you = (leading.Holder("elsewhere", number, "a") for number in (1, 2))
    assert first.write(lambda tx: leading.take(tx, me))
    assert not second.write(lambda tx: leading.take(tx, you))
    assert first.write(lambda tx: leading.take(tx, me))
    first.write(lambda tx: leading.let_go(tx, you))
    assert not second.write(lambda tx: leading.take(tx, you))
    first.write(lambda tx: leading.let_go(tx, me))
    assert second.write(lambda tx: leading.take(tx, you))


def test_a_lease_whose_holder_says_nothing_ends(worlds):
    first, second = (one.store for one in worlds)
    me, you = (leading.Holder("elsewhere", number, "a") for number in (1, 2))
    assert first.write(lambda tx: leading.take(tx, me))
    began = time.monotonic()
    for _ in live.waiting(live.WAIT_S, "the lease to end"):
        if second.write(lambda tx: leading.take(tx, you)):
            break
    assert time.monotonic() - began >= leading.LEASE_S - 2


def test_only_one_process_runs_daemons_and_the_other_takes_over(worlds):
    first = Daemons(worlds[0].store)
    second = Daemons(worlds[1].store, leading.Holder("elsewhere", 1, "b"))
    first.start()
    for _ in live.waiting(live.WAIT_S, "the first to lead"):
        if first.leads:
            break
    second.start()
    time.sleep(2 * leading.RENEW_S)
    assert first.leads and not second.leads
    first.stop()
    for _ in live.waiting(live.WAIT_S, "the second to lead"):
        if second.leads:
            break
    second.stop()


@pytest.mark.slow
def test_two_server_processes_do_one_job_and_survive_each_other_and_the_database(tmp_path, cluster):
    settings = {
        "database_url": cluster.of_folder(tmp_path / "data"),
        "job_type_folders": str(live.TEST_JOB_TYPES),
    }
    first, second = LiveServer(tmp_path, **settings), LiveServer(tmp_path, **settings)
    second.log = tmp_path / "second.log"
    with first, second:
        second.admin_token = first.admin_token
        first.set_plugin("tally")
        numbers = first.dataset(ROWS, chunk_rows=10)
        jobs = [first.job("tally", {}, numbers, min_quorum=2) for _ in range(2)]
        one, two = LiveHost(first), LiveHost(second)
        assert one.compute_all() and two.compute_all()
        first.until(jobs[0], "completed")
        assert first.output(jobs[0]) == second.output(jobs[0]) == [[30]]
        first.kill()  # its daemons ran
        third = second.job("tally", {}, numbers, min_quorum=1)
        began = time.monotonic()
        assert two.compute_all()
        second.until(third, "completed")
        assert time.monotonic() - began < 10 * live.AT_ONCE_S
        cluster.kill()
        assert _ready(second) == 503
        cluster.start()
        for _ in live.waiting(live.WAIT_S, "the server to be ready again"):
            if _ready(second) == 200:
                break
        last = second.job("tally", {}, numbers, min_quorum=1)
        assert two.compute_all()
        second.until(last, "completed")
        assert second.output(last) == second.output(jobs[0])


def _ready(server: LiveServer) -> int:
    return httpx.get(f"{server.url}/readyz", trust_env=False, timeout=live.WAIT_S).status_code


def test_a_database_that_is_not_there_is_said_in_one_line(tmp_path):
    with pytest.raises(StartRefused, match="does not answer"):
        Store(Settings(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none"))
    done = live.grid(
        "serve", data=tmp_path, database_url="postgresql://nobody:secret@127.0.0.1:1/none", port=0
    )
    assert done.returncode == 2 and "the database" in done.stderr
    assert "Traceback" not in done.stderr and "secret" not in done.stderr


@pytest.mark.parametrize("url", ["sqlite:///x", "mysql://x/y", "grid.db"])
def test_a_database_of_another_kind_is_refused_by_its_setting(url):
    with pytest.raises(SettingsError, match="GRID_DATABASE_URL"):
        from_environment({"GRID_DATABASE_URL": url})


def test_readers_cannot_write(worlds):
    with worlds[0].store.read() as connection, pytest.raises(Exception, match="read-only"):
        connection.exec_driver_sql("CREATE TABLE intruder (id INTEGER)")


def test_every_number_has_64_bits_and_a_second_start_changes_nothing(worlds):
    narrow = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public'"
    with worlds[0].store.read() as connection:
        said = connection.exec_driver_sql(f"{narrow} AND data_type = 'integer'").scalar()
        assert said == 0
        # What reads holds its tables: a start that altered one would wait for it.
        session.migrate(database_url(worlds[0].settings))


def test_a_commit_is_on_the_disk_before_it_is_answered(worlds):
    said = worlds[0].store.write(
        lambda tx: tx.connection.exec_driver_sql("SHOW synchronous_commit").scalar()
    )
    assert said == "on"
