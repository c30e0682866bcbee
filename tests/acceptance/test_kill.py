"""This file is where a server is killed under load, and loses nothing that it has acknowledged;
its public log has no gap and no fork.

Hosts talk to it over sockets without a pause. SIGKILL falls at random moments, and at moments when
some answers are out and others of the same commit are not: what fell between commit and answer is
found in the database though its host never heard of it.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from live import WAIT_S, LiveHost, LiveServer, View, report, waiting

from grid import canonical
from grid.audit import log
from grid.audit.faults import Broken
from grid.audit.ledger import Ledger, told
from grid.audit.site import Site
from grid.auditlog import notes
from grid.auditlog.notes import Checkpoint
from grid.db.keyring import open_keyring
from grid.identifiers import Identifiers, Kind

HOSTS = 8
#: Asked for and reported at a time.
WANT = 4
#: Answered requests of one life, at least and at most, before a kill is due.
CALM = 4, 24
#: Work units for each life, which cannot finish so many: (24 + 8) × 4 reports, two for each.
UNITS_A_LIFE = 65
#: Copies whose assignment was lost with its answer are made again after this.
DELAY_BOUND_S = 15
SEED = int(os.environ.get("KILL_SEED", "20130101"))


class Killer:
    """Kills the server from whichever host's thread comes by at the right moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._answers_left, self._in_flight, self._others_min = 0, 0, 0
        self.struck = threading.Event()

    def arm(self, pid: int, answers: int, others: int) -> None:
        """Kill after so many answers, when so many other requests are in flight."""
        with self._lock:
            self._pid, self._answers_left, self._others_min = pid, answers, others
            self.struck.clear()

    def sending(self) -> None:
        with self._lock:
            self._in_flight += 1

    def over(self, answered: bool) -> None:
        """A request has ended. Kills here, before anybody reads another answer."""
        with self._lock:
            self._in_flight -= 1
            if not answered or self._pid is None:
                return
            self._answers_left -= 1
            if self._answers_left <= 0 and self._in_flight >= self._others_min:
                os.kill(self._pid, signal.SIGKILL)
                self._pid = None
                self.struck.set()


class Talker(threading.Thread):
    """A host that reports and asks without a pause, and repeats what was not answered."""

    def __init__(self, server: LiveServer, token: str, killer: Killer, right: dict[str, str]):
        super().__init__(daemon=True)
        self._address, self._token, self._killer, self._right = (
            server.address, token, killer, right,
        )  # fmt: skip
        self.up, self.idle, self.stop = threading.Event(), threading.Event(), threading.Event()
        #: Acknowledged reports, with their receipts and the digest of what was said.
        self.accepted: dict[str, tuple[str, str]] = {}
        #: Acknowledged assignments that no report has been acknowledged for.
        self.held: dict[str, View] = {}
        #: Sent, and not answered yet.
        self.unanswered: list[View] = []
        self.refused: list[View] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.idle.clear()
                self._talk()
                self.idle.set()
                self.up.wait()
        except BaseException as error:
            self.failure = error
            raise
        finally:
            self.idle.set()

    def _talk(self) -> None:
        """Until the server is gone."""
        connection = http.client.HTTPConnection(*self._address, timeout=WAIT_S)
        try:
            while self.up.is_set() and not self.stop.is_set():
                if not self._exchange(connection):
                    self.stop.wait(0.05)
        except (OSError, http.client.HTTPException):
            self.up.clear()
        finally:
            connection.close()

    def _exchange(self, connection: http.client.HTTPConnection) -> int:
        body = {"protocol": 1, "token": self._token, "want": WANT, "reports": self.unanswered}
        answered = False
        self._killer.sending()
        try:
            connection.request("POST", "/api/v1/work", json.dumps(body))
            response = connection.getresponse()
            data = response.read()
            answered = True
        finally:
            self._killer.over(answered)
        assert response.status == 200, data
        answer = json.loads(data)
        for said, mine in zip(answer["reports"], self.unanswered, strict=True):
            assert said["result_id"] == mine["result_id"]
            if said["accepted"]:
                digest = canonical.digest(base64.b64decode(mine["output"]))
                self.accepted[said["result_id"]] = said["receipt"], digest
            else:
                self.refused.append(said)
            self.held.pop(said["result_id"], None)
        self.unanswered = [self._computed(one) for one in answer["assignments"]]
        self.held |= {one["result_id"]: one for one in answer["assignments"]}
        return len(self.unanswered)

    def _computed(self, assignment: View) -> View:
        digest = assignment["inputs"][0]["digest"]
        return {**report(assignment, None), "output": self._right[digest]}


@pytest.mark.parametrize("kills", [5, pytest.param(20, marks=pytest.mark.slow)])
def test_kills_under_load_lose_nothing_acknowledged(
    tmp_path: Path, record_property: Any, capsys: pytest.CaptureFixture[str], kills: int
) -> None:
    chance, killer = random.Random(SEED), Killer()
    with LiveServer(tmp_path, retry_after_s=0.05, daemon_interval_s=0.02) as server:
        server.set_plugin("filterBy")
        ids = open_keyring(server.data).identifiers
        dataset = server.dataset(_table(kills * UNITS_A_LIFE), chunk_rows=1)
        right = _right_answers(server, dataset)
        undisturbed = _job(server, dataset)
        with _talking(server, killer, right) as talkers:
            server.until(undisturbed, "completed")
            job_id = _job(server, dataset)
            seen: list[Checkpoint] = []
            kept = [_one_life(server, killer, talkers, chance, ids, seen) for _ in range(kills)]
            assert server.view(job_id)["state"] == "active", "every kill fell into the job"
            for talker in talkers:
                talker.up.set()
            server.until(job_id, "completed")
        between = sum(kept)
        with capsys.disabled():
            print(
                f"\nseed {SEED}: {kills} kills, of which {sum(map(bool, kept))} fell between "
                f"commit and answer ({between} reports kept whose hosts never heard of it)"
            )
        record_property("kills_between_commit_and_answer", sum(map(bool, kept)))
        assert between > 0
        _check_all(server, job_id, talkers)
        _check_log(server, seen, undisturbed, job_id)
        assert server.output_csv(job_id) == server.output_csv(undisturbed)


def _one_life(
    server: LiveServer,
    killer: Killer,
    talkers: list[Talker],
    chance: random.Random,
    ids: Identifiers,
    seen: list[Checkpoint],
) -> int:
    """Let the hosts talk, kill the server, look at what it kept, and start it again; `seen` gets
    the checkpoint that was public then.

    Returns how many reports it had committed without anybody having heard of it.
    """
    killer.arm(server.pid, chance.randint(*CALM), others=chance.choice((0, HOSTS // 2)))
    for talker in talkers:
        talker.up.set()
    assert killer.struck.wait(WAIT_S), "no moment to kill came"
    server.wait()
    for talker in talkers:
        assert talker.idle.wait(WAIT_S)
        talker.up.clear()
        assert talker.failure is None
    kept = _look(server.data / "grid.db", talkers, ids)
    note = (server.data / "log" / "checkpoint").read_text(encoding="utf-8")
    seen.append(notes.checkpoint(notes.parse(note).text))
    server.start()
    return kept


def _look(database: Path, talkers: list[Talker], ids: Identifiers) -> int:
    """Check what a dead server left; how many unanswered reports are in it all the same."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT id, server_state, output_digest FROM result")
        results = {number: (state, digest) for number, state, digest in found}
    kept = 0
    for talker in talkers:
        for result_id, (_, digest) in talker.accepted.items():
            number = ids.internal(Kind.RESULT, result_id)
            assert number is not None
            assert results[number] == ("over", digest), "an acknowledged report is there"
        waiting_for = {one["result_id"] for one in talker.unanswered}
        for result_id in talker.held:
            number = ids.internal(Kind.RESULT, result_id)
            assert number is not None
            state, digest = results[number]
            assert state != "unsent", "an acknowledged assignment is not forgotten"
            kept += digest is not None and result_id in waiting_for
    return kept


def _check_all(server: LiveServer, job_id: str, talkers: list[Talker]) -> None:
    """Everything that any host was told holds, by the public record and by asking again."""
    results = {one["id"]: one for unit in server.workunits(job_id) for one in unit["results"]}
    for talker in talkers:
        assert talker.failure is None
        # A machine so slow that leases ran out while the server was away is no loss.
        assert {one["reason"] for one in talker.refused} <= {"too_late"}
        mine = {key: value for key, value in talker.accepted.items() if key in results}
        assert mine, "every host took part"
        for result_id, (_, digest) in mine.items():
            assert results[result_id]["output_digest"] == digest
            assert results[result_id]["validate_state"] == "valid"
    said = [receipt for talker in talkers for receipt, _ in talker.accepted.values()]
    assert len(set(said)) == len(said) and all(said)


def _check_log(server: LiveServer, seen: list[Checkpoint], *jobs: str) -> None:
    """It continues whatever was public at a kill, and holds each answer and verdict once."""
    ledgers: dict[str, Ledger] = {}
    broken: dict[str, Broken] = {}
    with Site(server.url) as site:
        for _ in waiting(WAIT_S, "the log to tell of the jobs' verdicts"):
            tree = log.signed(site.checkpoint(), site.keys())
            ledgers.clear()
            leaves = log.all_leaves(tree, site.tile)
            stream = (entry for number, leaf in leaves for entry in log.entries(number, leaf))
            count = sum(1 for _ in told(stream, ledgers, broken))
            if all(job in ledgers and ledgers[job].revealed for job in jobs):
                break
        for earlier in seen:
            log.continues(earlier, tree, site.tile)
    assert not broken and count > 0
    assert len({one.size for one in seen}) > 1, "it grew between kills"
    for job in jobs:
        ledgers[job].close()


@contextmanager
def _talking(server: LiveServer, killer: Killer, right: dict[str, str]) -> Iterator[list[Talker]]:
    talkers = [Talker(server, LiveHost(server).token, killer, right) for _ in range(HOSTS)]
    for talker in talkers:
        talker.up.set()
        talker.start()
    try:
        yield talkers
    finally:
        for talker in talkers:
            talker.stop.set()
            talker.up.set()
        for talker in talkers:
            talker.join(WAIT_S)


def _table(units: int) -> str:
    return "n,name\n" + "".join(f"{one % 9},row {one % 50}\n" for one in range(units))


def _job(server: LiveServer, dataset: str) -> str:
    return server.job(
        "filterBy", {"where": "n < 4"}, dataset, min_quorum=2, delay_bound_s=DELAY_BOUND_S
    )


def _right_answers(server: LiveServer, dataset: str) -> dict[str, str]:
    """Input digest → the spelled answer: nine different inputs, computed once each."""
    job_id = _job(server, dataset)
    host, right = LiveHost(server), {}
    for _ in waiting(WAIT_S, "every different input"):
        for assignment in host.take():
            digest = assignment["inputs"][0]["digest"]
            if digest not in right:
                right[digest] = host.computed(assignment)["output"]
            host.tell({**report(assignment, None), "output": right[digest]})
        if len(right) == 9:
            break
    server.ask("POST", f"/jobs/{job_id}/cancel", json={})
    return right
