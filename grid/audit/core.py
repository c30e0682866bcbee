"""This file is where a bundle's log is checked by as little code as can be.

`python -m grid.audit.core BUNDLE.zip [VKEY [POLICY]]` says who signed, that every leaf is in the
log, and that every file has the digest that the bundle names. It imports nothing of the server, and
beside the standard library `cryptography` and `rfc8785` only.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

from grid.audit import layout, log
from grid.audit.bundle import Bundle
from grid.audit.faults import Broken, Unreadable
from grid.auditlog import notes, policy
from grid.auditlog.notes import BadNote, Checkpoint, Key
from grid.auditlog.policy import BadPolicy, Policy


def keys_of(bundle: Bundle) -> list[Key]:
    """The keys that the bundle says sign its log; raises Broken."""
    try:
        lines = bundle.whole(layout.KEY).decode("utf-8").split()
        return [notes.key(line) for line in lines]
    except (BadNote, UnicodeDecodeError) as error:
        raise Broken(f"{layout.KEY} names no key: {error}") from error


def tree_of(bundle: Bundle, keys: list[Key], wanted: Policy | None = None) -> Checkpoint:
    """The signed tree of a bundle's checkpoint; raises Broken."""
    text = bundle.whole(layout.CHECKPOINT).decode("utf-8", "replace")
    return log.signed(text, keys, wanted)


def check_leaf(tree: Checkpoint, line: Any, last: int) -> tuple[int, bytes]:
    """One line of the bundle's leaves, proven to be in the tree; raises Broken."""
    try:
        index, leaf, proof = int(line["index"]), str(line["leaf"]).encode(), list(line["proof"])
    except (KeyError, TypeError, ValueError) as error:
        raise Broken(f"{layout.LEAVES} has a line that is no leaf: {error!r}") from error
    if index <= last:
        raise Broken(f"{layout.LEAVES} has leaf {index} out of its order")
    log.proven(tree, index, leaf, proof)
    return index, leaf


def check_files(bundle: Bundle) -> int:
    """How many files have the SHA-256 that the crate names; raises Broken, also for others."""
    graph = bundle.json(layout.CRATE)
    try:
        wanted = {one["@id"]: one["sha256"] for one in graph["@graph"] if "sha256" in one}
    except (KeyError, TypeError) as error:
        raise Broken(f"{layout.CRATE} is no RO-Crate: {error!r}") from error
    others = set(bundle.names()) - set(wanted) - {layout.CRATE}
    if others:
        raise Broken(f"the bundle holds {min(others)}, which its {layout.CRATE} does not name")
    for name, digest in wanted.items():
        found = hashlib.sha256()
        for piece in bundle.pieces(name):
            found.update(piece)
        if found.hexdigest() != digest:
            raise Broken(f"{name} was changed: its SHA-256 is {found.hexdigest()}, not {digest}")
    return len(wanted)


def main(path: str, vkey: str | None = None, policy_file: str | None = None) -> int:
    """Check one bundle; the exit code: 0 holds, 1 does not, 2 cannot be read."""
    try:
        wanted = None if policy_file is None else policy.parse(Path(policy_file).read_text("utf-8"))
        with Bundle(Path(path)) as bundle:
            files = check_files(bundle)
            keys = keys_of(bundle) if vkey is None else [notes.key(vkey)]
            tree = tree_of(bundle, keys, wanted)
            last, count, said = -1, 0, 0
            for line in bundle.lines(layout.LEAVES):
                last, leaf = check_leaf(tree, line, last)
                count, said = count + 1, said + sum(1 for _ in log.entries(last, leaf))
    except Broken as error:
        print(f"DOES NOT HOLD: {error}")
        return 1
    except (Unreadable, BadNote, BadPolicy, OSError, UnicodeError) as error:
        print(f"grid.audit.core: {error}", file=sys.stderr)
        return 2
    print(f"HOLDS: {files} files, {count} leaves with {said} entries of {tree.origin}")
    print(f"signed by {' '.join(map(str, keys))}")
    print("Not checked here: programs, verdicts, outputs. `grid audit` checks those as well.")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
