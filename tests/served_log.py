"""This file is where tests find a server's public log, and what a dishonest server does to one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid import canonical
from grid.auditlog import leaves, merkle, notes, proofs, tiles
from grid.auditlog.tiles import WIDTH, Tile

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


#: Proofs that do not hold: a leaf of the program's number 5 in a log of six, changed.
FORGERIES: list[Callable[[str], str]] = [
    lambda text: "",
    lambda text: text[: len(text) // 2],
    lambda text: text.replace("index 5", "index 4"),
    lambda text: text.replace("\n6\n", "\n7\n"),
    lambda text: text.replace(ORIGIN, "evil.example/log"),
    lambda text: text.replace("extra eyJ", "extra eyK"),
    lambda text: text[:-8] + "AAAAAA=\n",
    lambda text: "\x00" * 300_000,
]


def forged(change: Callable[[str], str]) -> Log:
    log = Log()
    log.fill(5)
    log.program()
    whole = log.proof
    log.proof = lambda number: change(whole(number))  # type: ignore[method-assign]
    return log


def rolled_back(log: Log) -> None:
    del log.leaves[5:]


def rewritten(log: Log) -> None:
    log.leaves[2] = log.leaves[1]
    log.fill(4)


def forked(log: Log) -> None:
    log.leaves[6] = log.leaves[5]


DEEDS = [(rolled_back, "rolled back"), (rewritten, "rewritten"), (forked, "fork")]
