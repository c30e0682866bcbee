"""This file is where the log is signed, in a process of its own.

    python -m grid.publishing.signer FOLDER ORIGIN

It reads one request a line on its standard input and answers with one. It signs a tree only when it
is shown that the tree continues the last one it signed, so whoever runs in the server's process,
and whatever backup is put back, there is one log. It ends with its input.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from grid.auditlog import merkle, notes
from grid.auditlog.merkle import ProofRefused
from grid.auditlog.notes import BadNote, Checkpoint
from grid.publishing.keys import KeyFolder

Answer = dict[str, Any]


def answer(keys: KeyFolder, request: dict[str, Any]) -> Answer:
    """What one request is answered; `refused` says why nothing was signed."""
    with keys.locked():
        match request["do"]:
            case "sign":
                return _sign(keys, request)
            case "rotate":
                keys.add()
            case "retire":
                keys.retire()
        return _state(keys)


def _sign(keys: KeyFolder, request: dict[str, Any]) -> Answer:
    last = keys.signed()
    try:
        tree = Checkpoint(last.origin, request["size"], notes.decode64(request["root"]))
        proof = notes.hashes(request["proof"])
        if len(tree.root) != merkle.HASH_BYTES:
            raise BadNote("the root is no SHA-256 hash")
        merkle.verify_consistency(last.size, tree.size, last.root, tree.root, proof)
    except (BadNote, ProofRefused) as error:
        return {"refused": str(error), **_state(keys)}
    return {"note": keys.sign(tree), **_state(keys)}


def _state(keys: KeyFolder) -> Answer:
    last = keys.signed()
    return {
        "origin": last.origin,
        "size": last.size,
        "root": base64.b64encode(last.root).decode(),
        "keys": list(map(str, keys.keys())),
    }


def main() -> None:
    """Answer until nobody asks any more."""
    keys = KeyFolder(Path(sys.argv[1]))
    with keys.locked():
        keys.begin(sys.argv[2])
    for line in sys.stdin:
        try:
            said = answer(keys, json.loads(line))
        except Exception as error:  # whoever asks must hear of it; what is signed is on the disk
            said = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
