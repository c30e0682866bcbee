"""This file is where the log is read over HTTP, by a client that is not ours."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from tlog_scales.backend import HttpBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Vkey
from web_people import People, opened

from benchmarks.serving import free_port
from grid import canonical, statements
from grid.auditlog import leaves, merkle, notes, proofs, tiles
from grid.auditlog.notes import Key
from grid.daemons.integrator import Integrator
from grid.db import apply as writes
from grid.db import leaves as kept
from grid.db.tables import LeafRow


class Log:
    """A server's people, and the one that grows its log."""

    def __init__(self, people: People) -> None:
        self.people = people
        self.grow()

    def grow(self) -> None:
        """What the daemon does twice a second."""
        Integrator(self.people.store).do_pass(self.people.store, self.people.store.now())

    def get(self, path: str):
        return self.people.http.get(f"/log/{path}")

    def key(self) -> Key:
        (text,) = self.get("keys").text.splitlines()
        return notes.key(text)

    def entries(self) -> list[leaves.Entry]:
        size = notes.checkpoint(notes.parse(self.get("checkpoint").text).text).size
        return [
            entry
            for number in range(size)
            for entry in leaves.unpacked(proofs.parse(self.get(f"proof/{number}").text).extra)
        ]


def grow_by(people: People, count: int) -> None:
    """Give so many made-up leaves their places."""

    def add(transaction) -> None:
        first = kept.size(transaction.connection)
        rows = []
        for number in range(first, first + count):
            entry = ("setting", {"minute": number, "schema": 1})
            ((_, data),) = leaves.packed([entry], canonical.dumps_facts)
            hashed = merkle.leaf_hash(data)
            rows.append(LeafRow(number=number, data=data, hash=hashed))
        writes.add_leaves(transaction.connection, rows, [])

    people.store.write(add)


@contextmanager
def listening(people: People) -> Iterator[str]:
    """The same app on a socket; its address."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(people.http.app, port=port, lifespan="off", log_level="error")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    with opened(tmp_path_factory.mktemp("log"), run_daemons=False) as people:
        found = Log(people)
        hosts = [people.host() for _ in range(3)]
        people.finish(people.job(policy={"min_quorum": 2}), hosts)
        found.grow()
        yield found


def test_the_log_is_signed_by_the_key_that_its_first_entry_announces(log: Log) -> None:
    answer = log.get("checkpoint")
    note = notes.parse(answer.text)
    assert notes.verified(note, [log.key()]) == [log.key()]
    assert notes.checkpoint(note.text).origin == log.key().name
    facts = next(said for kind, said in log.entries() if kind == "key")
    assert facts["keys"] == [str(log.key())] and facts["purpose"] == "log"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_every_leaf_has_a_proof_that_stands_alone(log: Log) -> None:
    size = notes.checkpoint(notes.parse(log.get("checkpoint").text).text).size
    assert size > 1
    for number in range(size):
        proof = proofs.parse(log.get(f"proof/{number}").text)
        assert proof.index == number
        assert proofs.verify(proof, proof.extra, [log.key()]).size == size


def test_tiles_and_bundles_are_served_for_every_width_that_was_published(log: Log) -> None:
    size = notes.checkpoint(notes.parse(log.get("checkpoint").text).text).size
    for width in range(1, size + 1):
        tile = log.get(f"tile/0/000.p/{width}")
        bundle = log.get(f"tile/entries/000.p/{width}")
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert tile.headers["content-type"] == "application/octet-stream"
        assert tile.headers["access-control-allow-origin"] == "*"
        said = [merkle.leaf_hash(one) for one in tiles.leaves_of(bundle.content, width)]
        assert b"".join(said) == tile.content


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("tile/0/000", 404), ("tile/0/000.p/255", 404), ("tile/1/000.p/1", 404),
        ("tile/entries/001.p/1", 404), ("tile/0/0", 404), ("tile/x", 404), ("tile/", 404),
        ("tile/0/..%2f..%2fsigner/0001.key", 404), ("tile/..%2f..%2fsigner%2f0001.key", 404),
        ("proof/999999", 404), ("proof/-1", 400), ("proof/one", 400), ("proof/" + "9" * 40, 400),
        ("proof/%D9%A1", 400), ("nothing", 404), ("", 404),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(log: Log, path: str, code: int) -> None:
    answer = log.get(path)
    assert answer.status_code == code, answer.text
    assert answer.json()["status"] == code


def test_before_anything_was_signed_there_is_no_checkpoint(people: People) -> None:
    for path in ("checkpoint", "tile/0/000.p/1", "proof/0"):
        assert people.http.get(f"/log/{path}").status_code == 404
    assert people.http.get("/log/keys").text == ""


def test_nothing_sealed_is_in_the_log_and_everything_is_once_the_seal_opens(
    people: People,
) -> None:
    log = Log(people)
    hosts = [people.host() for _ in range(2)]
    job = people.job(policy={"min_quorum": 2})
    assignment = hosts[0].ask()[0]
    hosts[0].tell(hosts[0].computed(assignment))
    log.grow()
    kinds = [kind for kind, _ in log.entries()]
    assert "commit" in kinds and not {"verdict", "reveal", "trap", "credit"} & set(kinds)
    people.finish(job, hosts)
    log.grow()
    kinds = [kind for kind, _ in log.entries()]
    assert {"verdict", "reveal", "output"} <= set(kinds)


def test_a_promise_is_redeemed_by_a_proof_and_names_what_was_answered(people: People) -> None:
    log = Log(people)
    host = people.host()
    people.job(policy={"min_quorum": 2})
    assignment = host.ask()[0]
    report = host.computed(assignment)
    (said,) = host.tell(report)
    promise = said["promise"]
    assert host.tell(report)[0]["promise"] == promise, "the same report, the same promise"
    output = canonical.digest(base64.b64decode(report["output"]))
    statement = statements.of_promise(
        assignment["result_id"], output, promise["commitment"], promise["at"]
    )
    log.grow()
    key = notes.key(log.get("keys?purpose=promise").text)
    public = base64.b64encode(key.public).decode()
    assert statements.verify(public, promise["signature"], statement)
    other = statements.of_promise(
        assignment["result_id"], "0" * 64, promise["commitment"], promise["at"]
    )
    assert not statements.verify(public, promise["signature"], other)
    receipt = log.get(f"receipts/{promise['commitment']}?at={promise['at']}")
    proof = proofs.parse(receipt.text)
    proofs.verify(proof, proof.extra, [log.key()])
    told = [facts.get("commitment") for _, facts in leaves.unpacked(proof.extra)]
    assert promise["commitment"] in told
    assert [facts for kind, facts in log.entries() if kind == "key"][-1]["keys"] == [str(key)]


def test_a_promise_waits_for_the_log_and_only_answers_get_one(people: People) -> None:
    log = Log(people)
    host = people.host()
    people.job(policy={"min_quorum": 2})
    first, second = host.ask(2)
    (said,) = host.tell(host.computed(first))
    promise = said["promise"]
    path = f"receipts/{promise['commitment']}?at={promise['at']}"
    assert log.get(path).status_code == 404
    log.grow()
    assert log.get(path).status_code == 200
    assert log.get(f"receipts/{'0' * 64}?at={promise['at']}").status_code == 404
    assert log.get(f"receipts/{promise['commitment']}?at=x").status_code == 400
    assert log.get(f"receipts/{promise['commitment']}").status_code == 400
    assert log.get("keys?purpose=other").status_code == 400
    lease = {"result_id": second["result_id"], "lease": second["lease"]}
    (released,) = host.tell({**lease, "outcome": "released"})
    assert released["accepted"] and "promise" not in released


def test_a_client_of_others_reads_and_verifies_a_served_log(tmp_path: Path) -> None:
    with opened(tmp_path / "data", run_daemons=False) as people:
        log = Log(people)
        grow_by(people, 600)
        log.grow()
        with listening(people) as address:
            reader = TilesReader(HttpBackend(f"{address}/log"))
            tree = reader.get_checkpoint()
            tree.verify(Vkey.from_string(str(log.key())))
            assert tree.size > 600 and reader.calculate_root_hash() == tree.root_hash
            for number in (0, 255, 256, tree.size - 1):
                leaf = merkle.leaf_hash(reader.get_entry(number))
                reader.get_inclusion_proof(number, tree.size).check(leaf, tree.root_hash)
            grow_by(people, 300)
            log.grow()
            later = reader.get_checkpoint()
            reader.get_consistency_proof(tree.size, later.size).check(
                tree.root_hash, later.root_hash
            )
