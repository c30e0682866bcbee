"""This file is where volunteers run what the log names, and believe no log that was rewritten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid import canonical
from grid.auditlog import leaves, merkle, notes, proofs, tiles
from grid.auditlog.tiles import WIDTH, Tile
from grid.volunteer.client import Failure
from grid.volunteer.messages import Program
from grid.volunteer.witness import Dishonest, Seen, Unproven, Witness

DIGEST, OTHER = "ab" * 32, "cd" * 32
ORIGIN = "grid.example/log"


class Log:
    """A server's log, and what it may do to it."""

    def __init__(self, seed: int = 1) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)
        self.keys = [notes.public_key(self.private, ORIGIN)]
        self.leaves: list[bytes] = []
        self.asked: list[str] = []

    def add(self, *entries: tuple[str, dict[str, Any]]) -> int:
        """The number of a new leaf."""
        ((_, data),) = leaves.packed(entries, canonical.dumps_facts)
        self.leaves.append(data)
        return len(self.leaves) - 1

    def program(self, job: str = "job_a", digest: str = DIGEST) -> int:
        return self.add(("program", {"job": job, "program": digest, "schema": 1}))

    def fill(self, count: int) -> None:
        for number in range(count):
            self.add(("commit", {"commitment": f"{number:064x}"}))

    @property
    def hashes(self) -> list[bytes]:
        return [merkle.leaf_hash(one) for one in self.leaves]

    def note(self, size: int | None = None) -> str:
        subtrees = merkle.in_memory(self.hashes)
        size = len(self.leaves) if size is None else size
        text = str(notes.Checkpoint(ORIGIN, size, merkle.root(size, subtrees)))
        return str(notes.Note(text, (notes.sign(text, ORIGIN, self.private),)))

    def proof(self, number: int) -> str:
        path = merkle.inclusion_proof(number, len(self.leaves), merkle.in_memory(self.hashes))
        return str(proofs.of(number, path, self.note(), self.leaves[number]))

    def fetch(self, path: str) -> bytes:
        self.asked.append(path)
        kind, _, rest = path.removeprefix("log/").partition("/")
        if kind == "keys":
            return "".join(f"{one}\n" for one in self.keys).encode()
        if kind == "proof":
            return self.proof(int(rest)).encode()
        tile = tiles.parse(rest)
        assert kind == "tile" and tile is not None and tile.level is not None
        return self.tile(tile)

    def tile(self, tile: Tile) -> bytes:
        step = 1 << (8 * (tile.level or 0))
        starts = range(tile.index * WIDTH * step, (tile.index * WIDTH + tile.width) * step, step)
        return b"".join(merkle.complete(self.hashes[at : at + step]) for at in starts)


def witness(log: Log, seen: Seen | None = None) -> tuple[Witness, list[Seen]]:
    kept: list[Seen] = []
    return Witness(lambda path: log.fetch(path), seen, kept.append), kept


def program(leaf: int | None, digest: str = DIGEST) -> Program:
    return Program(digest=digest, url="/x", bytes=1, leaf=leaf)


def test_a_program_that_the_log_names_is_run_and_the_proof_asked_for_once() -> None:
    log = Log()
    log.fill(3)
    leaf = log.program()
    one, kept = witness(log)
    for _ in range(3):
        one.check(program(leaf), "job_a")
    assert log.asked == [f"log/proof/{leaf}", "log/keys"]
    assert kept == [Seen(note=log.note(), keys=(str(log.keys[0]),))]


def test_a_server_that_does_not_say_where_is_not_asked() -> None:
    log = Log()
    witness(log)[0].check(program(None), "job_a")
    assert log.asked == []


@pytest.mark.parametrize(
    ("job", "digest", "leaf"), [("job_b", DIGEST, 0), ("job_a", OTHER, 0), ("job_a", DIGEST, 1)]
)
def test_a_program_that_the_log_does_not_name_is_not_run(job: str, digest: str, leaf: int) -> None:
    log = Log()
    log.program()
    log.fill(1)
    with pytest.raises(Unproven, match="does not name"):
        witness(log)[0].check(program(leaf, digest), job)


def forged(change: Callable[[str], str]) -> Log:
    log = Log()
    log.fill(5)
    log.program()
    whole = log.proof
    log.proof = lambda number: change(whole(number))  # type: ignore[method-assign]
    return log


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("index 5", "index 4"),
        lambda text: text.replace("\n6\n", "\n7\n"),
        lambda text: text.replace(ORIGIN, "evil.example/log"),
        lambda text: text.replace("extra eyJ", "extra eyK"),
        lambda text: text[:-8] + "AAAAAA=\n",
        lambda text: "\x00" * 300_000,
    ],
)
def test_a_proof_that_does_not_hold_is_no_proof(change: Callable[[str], str]) -> None:
    with pytest.raises(Unproven, match="does not hold"):
        witness(forged(change))[0].check(program(5), "job_a")


def test_what_another_key_signed_is_no_proof() -> None:
    log, other = Log(), Log(seed=2)
    log.program()
    other.program()
    log.keys = other.keys
    with pytest.raises(Unproven):
        witness(log)[0].check(program(0), "job_a")


def test_a_log_that_grows_is_believed_across_processes_and_a_new_key() -> None:
    log = Log()
    first = log.program()
    one, kept = witness(log)
    one.check(program(first), "job_a")
    for count in (1, 3, 300, 700):
        log.fill(count)
        leaf = log.program(f"job_{count}")
        one, kept = witness(log, kept[-1])
        one.check(program(leaf), f"job_{count}")
    log.private = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
    log.keys.insert(0, notes.public_key(log.private, ORIGIN))
    leaf = log.program("job_new")
    one, kept = witness(log, kept[-1])
    one.check(program(leaf), "job_new")
    assert kept[-1].note == log.note()


def rolled_back(log: Log) -> None:
    del log.leaves[5:]


def rewritten(log: Log) -> None:
    log.leaves[2] = log.leaves[1]
    log.fill(4)


def forked(log: Log) -> None:
    log.leaves[6] = log.leaves[5]


@pytest.mark.parametrize(
    ("deed", "said"),
    [(rolled_back, "rolled back"), (rewritten, "rewritten"), (forked, "fork")],
)
def test_a_log_that_was_changed_is_found_out_though_its_own_key_signed_it(
    deed: Callable[[Log], None], said: str
) -> None:
    log = Log()
    first = log.program()
    log.fill(6)
    one, kept = witness(log)
    one.check(program(first), "job_a")
    deed(log)
    again, later = witness(log, kept[-1])
    with pytest.raises(Dishonest, match=said):
        again.check(program(first), "job_a")
    assert later == [], "what was seen is kept as evidence"


def test_a_log_that_cannot_be_reached_is_asked_again() -> None:
    log = Log()
    leaf = log.program()

    def away(path: str) -> bytes:
        raise Failure("the server is away")

    one = Witness(away, None, lambda seen: None)
    with pytest.raises(Failure):
        one.check(program(leaf), "job_a")
    one._fetch = log.fetch
    one.check(program(leaf), "job_a")
