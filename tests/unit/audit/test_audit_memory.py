"""This file is where an audit of 10⁵ work units is held to the memory of a small machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

#: What is promised, in MB.
MEMORY_MB_MAX = 300
WORKUNITS = 100_000

#: Writes a log of so many work units, two answers each, as files under their public paths.
WRITE = """
import hashlib, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grid.auditlog import entries, notes
from grid.auditlog.leaves import packed
from grid.auditlog.merkle import leaf_hash
from grid.auditlog.notes import Checkpoint, Note
from grid.auditlog.tiles import WIDTH, Growing, Tile, bundle, width_of
from grid.canonical import dumps_facts

folder, count = Path(sys.argv[1]), int(sys.argv[2])
HEAD = {"schema": entries.SCHEMA, "grid": entries.__version__, "minute": 30_000_000, "job": "job_x"}
RULE = {"mode": "fixed", "min_quorum": 2, "target_error_ppb": None, "min_engines": 1}
seed = "5e" * 32

def hexed(text, size=64):
    return hashlib.sha256(text.encode()).hexdigest()[:size]

def vote(unit, who):
    return {"salt": hexed(f"salt {unit} {who}", 32), "work_unit": unit,
            "principal": hexed(f"host {(unit + who * 7) % 5000}", 20),
            "output": hexed(f"answer {unit}")}

def told():
    submitted = {**HEAD, "event": "submitted", "job_type": "SUM", "version": "1", "columns": None,
                 "job_type_digest": "0" * 64, "spec_digest": "0" * 64, "source_digest": "0" * 64,
                 "points": None, "policy": RULE, "work_units": count,
                 "data": {"rows": count, "chunk_rows": 1, "chunks": count, "root": "0" * 64},
                 "seed_commitment": hashlib.sha256(seed.encode()).hexdigest()}
    yield "job", submitted
    yield "program", {**HEAD, "program": "0" * 64}
    for unit in range(count):
        for who in range(2):
            yield "commit", {**HEAD, "commitment": entries.commitment(vote(unit, who))}
    worth = {"validate_state": "valid", "checks2": 0, "lied": False, "credit": 23}
    rule = {"quorum": 2, "mode": "fixed", "target_error_ppb": None, "min_engines": 1}
    for unit in range(count):
        votes = [{**vote(unit, who), **worth, "trusted": False, "engine": "deno", "believed2": 0}
                 for who in range(2)]
        yield "verdict", {**HEAD, "work_unit": unit, "first_chunk": unit, "chunks": 1, "rule": rule,
                          "support": "agreed", "votes": votes, "outcomes": {"success": 2},
                          "canonical": hexed(f"answer {unit}"), "error_mask": []}
    yield "output", {**HEAD, "output_version": 1, "manifest": "0" * 64}
    yield "job", {**HEAD, "event": "completed", "because": "all merged"}
    yield "reveal", {**HEAD, "seed": seed}

def put(tile, data):
    path = folder / tile.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)

tree, leaves, bite = Growing(), [], []
def flush():
    for _, leaf in packed(bite, dumps_facts):
        leaves.append(leaf)
        for tile, data in tree.add(leaf_hash(leaf)):
            put(tile, data)
    bite.clear()
for one in told():
    bite.append(one)
    if len(bite) == 2000:
        flush()
flush()
size = len(leaves)
for level, edge in enumerate(tree.levels):
    if edge:
        put(Tile(level, (size >> (8 * level)) // WIDTH, len(edge)), b"".join(edge))
for number in range(-(-size // WIDTH)):
    tile = Tile(None, number, width_of(None, number, size))
    put(tile, bundle(leaves[number * WIDTH : (number + 1) * WIDTH]))
key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
text = str(Checkpoint("big.example/log", size, tree.root()))
note = Note(text, (notes.sign(text, "big.example/log", key),))
(folder / "checkpoint").write_text(str(note))
(folder / "key").write_text(str(notes.public_key(key, "big.example/log")))
print(size, "leaves,", sum(map(len, leaves)), "bytes")
"""

#: Audits it, with everything that `grid audit` imports, and says what it took.
AUDIT = """
import sys, time
from pathlib import Path
import grid.audit.command
from grid.audit import log
from grid.audit.ledger import told
from grid.auditlog import notes

folder = Path(sys.argv[1])
began = time.monotonic()
tree = log.signed((folder / "checkpoint").read_text(), [notes.key((folder / "key").read_text())])
def read(tile):
    path = folder / tile.path
    return path.read_bytes()
ledgers, broken = {}, {}
entries = (one for index, leaf in log.all_leaves(tree, read) for one in log.entries(index, leaf))
count = sum(1 for _ in told(entries, ledgers, broken))
assert not broken, broken
ledger = ledgers["job_x"]
ledger.close()
assert ledger.verdicts == int(sys.argv[2])
# ru_maxrss would be that of the process that began this one, where that was larger.
status = Path("/proc/self/status").read_text()
used = int(status.partition("VmHWM:")[2].split()[0]) // 1024
print(f"{count} entries in {time.monotonic() - began:.0f} s, {used} MB")
"""


@pytest.mark.slow
def test_an_audit_of_a_hundred_thousand_work_units_needs_little_memory(tmp_path: Path) -> None:
    for program in (WRITE, AUDIT):
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path), str(WORKUNITS)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        print(done.stdout)
    assert int(done.stdout.split()[-2]) < MEMORY_MB_MAX
