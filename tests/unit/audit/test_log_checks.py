"""This file is where a log of two thousand leaves is damaged bit by bit; each place is named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.audit import log
from grid.audit.faults import Broken
from grid.auditlog import notes
from grid.auditlog.leaves import packed
from grid.auditlog.merkle import leaf_hash
from grid.auditlog.notes import COSIGNATURE, Checkpoint, Note
from grid.auditlog.policy import of_witnesses
from grid.auditlog.tiles import WIDTH, Growing, Tile, bundle, width_of
from grid.canonical import dumps

ORIGIN = "grid.example/log"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
PUBLIC = notes.public_key(KEY, ORIGIN)
SIZE = 2_000


def leaf(number: int) -> bytes:
    ((_, data),) = packed([("ban", {"by": "admin", "minute": number})], dumps)
    return data


LEAVES = [leaf(number) for number in range(SIZE)]


class Log:
    """A served log: its files by path, and its signed checkpoint."""

    def __init__(self, leaves: list[bytes] = LEAVES) -> None:
        tree = Growing()
        self.files: dict[str, bytes] = {}
        for data in leaves:
            for tile, hashes in tree.add(leaf_hash(data)):
                self.files[tile.path] = hashes
        size = len(leaves)
        for level, edge in enumerate(tree.levels):
            if edge:
                tile = Tile(level, (size >> (8 * level)) // WIDTH, len(edge))
                self.files[tile.path] = b"".join(edge)
        for number in range(-(-size // WIDTH)):
            tile = Tile(None, number, width_of(None, number, size))
            self.files[tile.path] = bundle(leaves[number * WIDTH : (number + 1) * WIDTH])
        self.tree = Checkpoint(ORIGIN, size, tree.root())

    def read(self, tile: Tile) -> bytes:
        whole = self.files.get(tile.path)
        if whole is None and tile.level is not None:  # a full tile begins like its partial ones
            whole = self.files[Tile(tile.level, tile.index).path]
        assert whole is not None
        return whole

    @property
    def checkpoint(self) -> str:
        return str(Note(str(self.tree), (notes.sign(str(self.tree), ORIGIN, KEY),)))

    def audit(self) -> int:
        tree = log.signed(self.checkpoint, [PUBLIC])
        return sum(
            1 for index, data in log.all_leaves(tree, self.read) for _ in log.entries(index, data)
        )


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 512, SIZE])
def test_a_sound_log_is_read_to_its_end(size: int) -> None:
    assert Log(LEAVES[:size]).audit() == size


@pytest.mark.parametrize(
    ("path", "at", "said"),
    [
        ("entries/003", 40, "leaf 768 was changed"),
        ("entries/003", 0, "tile entries/003 are damaged"),
        ("entries/007.p/208", 50, "leaf 1792 was changed"),
        ("0/003", 9, "tile 0/003 was changed"),
        ("0/007.p/208", 9, "edge of the tree"),
        ("1/000.p/7", 9, "edge of the tree"),
    ],
)
def test_one_flipped_bit_is_found_and_its_file_is_named(path: str, at: int, said: str) -> None:
    served = Log()
    served.files[path] = flip(served.files[path], at)
    with pytest.raises(Broken, match=said):
        served.audit()


def test_a_flipped_bit_in_a_signature_is_found() -> None:
    text = Log().checkpoint
    forged = text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:]
    with pytest.raises(Broken, match="checkpoint does not hold"):
        log.signed(forged, [PUBLIC])


def test_the_key_of_another_log_signs_nothing_here() -> None:
    other = notes.public_key(KEY, "elsewhere.example/log")
    with pytest.raises(Broken, match="not signed by a key that is trusted"):
        log.signed(Log().checkpoint, [other])


def dropped(leaves: list[bytes]) -> None:
    del leaves[100]


def reordered(leaves: list[bytes]) -> None:
    leaves[100], leaves[101] = leaves[101], leaves[100]


def inserted(leaves: list[bytes]) -> None:
    leaves.insert(100, leaf(10**6))


def replaced(leaves: list[bytes]) -> None:
    leaves[100] = leaf(10**6)


REWRITES: list[Callable[[list[bytes]], None]] = [dropped, reordered, inserted, replaced]


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda one: one.__name__)
def test_a_rewritten_history_is_found_though_the_real_key_signed_it(rewrite: Any) -> None:
    seen, leaves = Log(LEAVES[:700]).tree, list(LEAVES)
    log.continues(seen, Log().tree, Log().read)
    rewrite(leaves)
    forged = Log(leaves)
    assert forged.audit() == len(leaves)
    with pytest.raises(Broken, match="history was rewritten: the first 700 leaves"):
        log.continues(seen, forged.tree, forged.read)


def test_a_rolled_back_log_is_found() -> None:
    older = Log(LEAVES[:700])
    with pytest.raises(Broken, match="rolled back: it had 2000 leaves before, and now it has 700"):
        log.continues(Log().tree, older.tree, older.read)


def test_two_checkpoints_of_one_size_are_a_fork() -> None:
    fork = Log([*LEAVES[:-1], leaf(10**6)])
    with pytest.raises(Broken, match="a fork: two checkpoints of 2000 leaves"):
        log.continues(Log().tree, fork.tree, fork.read)


def test_too_few_witnesses_are_named() -> None:
    witnesses = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in range(3)]
    keys = [notes.public_key(one, f"w{n}", COSIGNATURE) for n, one in enumerate(witnesses)]
    text = str(Log().tree)
    signatures = [notes.sign(text, ORIGIN, KEY)]
    signatures += [notes.cosign(text, f"w{n}", witnesses[n], 1_800_000_000) for n in range(2)]
    note = str(Note(text, tuple(signatures)))
    assert log.signed(note, [PUBLIC], of_witnesses(keys, 2)).size == SIZE
    with pytest.raises(Broken, match="too few witnesses have cosigned the checkpoint: w0, w1"):
        log.signed(note, [PUBLIC], of_witnesses(keys, 3))


def test_a_leaf_that_is_spelled_otherwise_is_no_leaf() -> None:
    with pytest.raises(Broken, match="leaf 5 is no leaf of a grid's log: not canonical JSON"):
        list(log.entries(5, LEAVES[5].replace(b":", b": ", 1)))


#: Runs a module with every import refused that is neither Python's own nor one of the two.
ALONE = """
import importlib.abc, runpy, sys
class Only(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        if top in sys.stdlib_module_names or top in {"cryptography", "rfc8785", "_cffi_backend"}:
            return None
        if name in {"grid", "grid.audit", "grid.auditlog"} or name.startswith(
            ("grid.audit.", "grid.auditlog.")
        ):
            return None
        raise ImportError(f"{name} is not needed to verify")
sys.meta_path.insert(0, Only())
sys.argv = ["core", *sys.argv[1:]]
runpy.run_module("grid.audit.core", run_name="__main__")
"""


def test_the_verifier_runs_with_two_libraries_and_nothing_of_the_server(tmp_path: Path) -> None:
    path = tmp_path / "nothing.zip"
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert "no audit bundle" in done.stderr
