"""This file is where a witness cosigns what continues what it saw, and nothing else, and where a
log gets the cosignatures of those that its policy names."""

from __future__ import annotations

import contextlib
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from grid.auditlog import merkle, notes, policy, witnessing
from grid.auditlog.notes import Checkpoint, Key, Note
from grid.auditlog.witnessing import Request
from grid.cli import app
from grid.publishing.cosigning import Witnesses
from grid.publishing.witness import WitnessFolder, server

LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
KEY = notes.public_key(LOG, "log.example")
HASHES = [merkle.leaf_hash(b"%d" % place) for place in range(20)]
SUBTREES = merkle.in_memory(HASHES)
TIME = 1_800_000_000


def tree(size: int) -> Checkpoint:
    return Checkpoint("log.example", size, merkle.root(size, SUBTREES))


def signed(of: Checkpoint, by: Ed25519PrivateKey = LOG) -> Note:
    return Note(str(of), (notes.sign(str(of), of.origin, by),))


def asked(old: int, new: int) -> Request:
    return Request(old, tuple(merkle.consistency_proof(old, new, SUBTREES)), signed(tree(new)))


@pytest.fixture
def witness(tmp_path: Path) -> WitnessFolder:
    return WitnessFolder(tmp_path / "w", "witness.example", [KEY], clock=lambda: TIME)


def test_a_log_that_grows_is_cosigned_and_remembered(witness: WitnessFolder) -> None:
    for old, new in [(0, 5), (5, 5), (5, 9), (9, 20)]:
        judged = witness.add(str(asked(old, new)))
        assert judged.code == 200
        note = notes.parse(f"{tree(new)}\n{judged.body}")
        assert notes.cosigners(note, [witness.key]) == [witness.key]
        assert note.by(witness.key).time == TIME
    shown = notes.parse(witness.shown(witnessing.origin_hash("log.example")) or "")
    assert notes.checkpoint(shown.text) == tree(20)
    assert notes.verified(shown, [KEY, witness.key]) == [KEY, witness.key]


FORK = Checkpoint("log.example", 9, merkle.leaf_hash(b"another tree"))
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)
FORGED = notes.Signature("log.example", KEY.id, b"x" * 64)
PROOF = tuple(merkle.consistency_proof(5, 9, SUBTREES))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Request(0, (), signed(tree(9))), 409), (Request(4, (), signed(tree(9))), 409),
        (Request(9, (), signed(tree(5))), 400), (Request(5, (), signed(tree(9))), 422),
        (Request(5, PROOF[:-1], signed(tree(9))), 422), (Request(5, PROOF, signed(FORK)), 422),
        (Request(5, (), signed(Checkpoint("log.example", 5, FORK.root))), 409),
        (Request(5, PROOF, signed(tree(9), STRANGER)), 403),
        (Request(5, PROOF, Note(str(tree(9)), (FORGED,))), 403),
        (Request(5, PROOF, signed(Checkpoint("other.example", 9, tree(9).root))), 404),
        (Request(0, (), signed(Checkpoint("log.example", 0, FORK.root))), 400),
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_forgotten(
    witness: WitnessFolder, request_: Request, code: int
) -> None:
    assert witness.add(str(asked(0, 5))).code == 200
    before = witness.shown(witnessing.origin_hash("log.example"))
    judged = witness.add(str(request_))
    assert judged.code == code, judged.body
    assert judged.body == ("5\n" if code == 409 else judged.body)
    assert witness.shown(witnessing.origin_hash("log.example")) == before


@pytest.mark.parametrize("text", ["", "old 1", "old x\n\n", "old 01\n\nnote", "old 0\nAA\n\nx\n"])
def test_what_is_no_request_is_refused(witness: WitnessFolder, text: str) -> None:
    assert witness.add(text).code == 400


def test_a_witness_keeps_its_key_and_what_it_saw(tmp_path: Path) -> None:
    first = WitnessFolder(tmp_path / "w", "witness.example", [KEY])
    assert first.add(str(asked(0, 9))).code == 200
    first.close()
    again = WitnessFolder(tmp_path / "w", "witness.example", [KEY])
    assert again.key == first.key
    assert again.add(str(asked(0, 5))).code == 409
    assert stat.S_IMODE((tmp_path / "w" / "key").stat().st_mode) == 0o600


@contextmanager
def served(folder: WitnessFolder) -> Iterator[str]:
    serving = server(folder, "127.0.0.1", 0)
    thread = threading.Thread(target=serving.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}"
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


def test_a_witness_speaks_http_as_the_protocol_says(witness: WitnessFolder) -> None:
    with served(witness) as url, httpx.Client(base_url=url, trust_env=False) as http:
        answer = http.post("/add-checkpoint", content=str(asked(0, 5)))
        assert answer.status_code == 200 and answer.text.startswith("— witness.example ")
        again = http.post("/add-checkpoint", content=str(asked(0, 5)))
        assert (again.status_code, again.text) == (409, "5\n")
        assert again.headers["content-type"] == "text/x.tlog.size"
        shown = http.get(f"/{witnessing.origin_hash('log.example')}/checkpoint")
        assert notes.checkpoint(notes.parse(shown.text).text) == tree(5)
        assert http.get("/" + "0" * 64 + "/checkpoint").status_code == 404
        assert http.get("/../key").status_code == 404
        assert http.post("/other", content="x").status_code == 404
        assert http.post("/add-checkpoint", content="x" * 200_000).status_code == 413
        assert http.post("/add-checkpoint", content=b"\xff\xfe").status_code == 400


def prove(old: int, new: int) -> list[bytes]:
    return merkle.consistency_proof(old, new, SUBTREES)


def asking(*witnesses: tuple[Key, str]) -> Witnesses:
    """A log that wants two of these."""
    names = [f"w{place}" for place in range(len(witnesses))]
    lines = [f"witness {n} {key} {url}" for n, (key, url) in zip(names, witnesses, strict=True)]
    return Witnesses(
        policy.parse("\n".join([*lines, f"group two 2 {' '.join(names)}", "quorum two"]))
    )


def test_a_log_collects_from_those_that_answer(tmp_path: Path) -> None:
    folders = [WitnessFolder(tmp_path / f"{n}", f"w{n}.example", [KEY]) for n in range(2)]
    with served(folders[0]) as one, served(folders[1]) as other:
        gone = notes.public_key(STRANGER, "gone.example", notes.COSIGNATURE)
        who = ((folders[0].key, one), (folders[1].key, other), (gone, "http://127.0.0.1:9"))
        log = asking(*who)
        note = log.ask(signed(tree(5)), tree(5), prove)
        assert log.policy.cosigned_by(note) == {"w0", "w1"} and log.policy.enough(note)
        folders[0].add(str(asked(5, 7)))  # asked by somebody else meanwhile
        note = log.ask(signed(tree(9)), tree(9), prove)
        assert log.policy.enough(note)
        forked = signed(FORK)
        assert log.ask(forked, FORK, prove) == forked, "nobody cosigns a second tree of one size"
        again = asking(*who)
        assert again.ask(signed(tree(5)), tree(5), prove) == signed(tree(5))
        assert again.newest("log.example", [KEY]) == tree(9), "an older log hears of the newer one"
        assert again.newest("log.example", [gone]) is None
        assert again.newest("other.example", [KEY]) is None


@contextmanager
def lying(code: int, body: bytes, endless: bool = False) -> Iterator[str]:
    """A witness that gives everybody one answer."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        def do_GET(self) -> None:
            self.send_response(code)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)
                while endless:
                    self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever, args=[0.01])
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_address[1]}"
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


LINE = str(notes.cosign(str(tree(5)), "stranger.example", STRANGER, TIME))
LIES = [
    (200, b"", False), (200, b"\xff" * 100, False), (200, LINE.encode(), False),
    (200, str(notes.sign(str(tree(5)), "log.example", LOG)).encode(), False),
    (200, b"\xe2\x80\x94 " * 1000, True), (409, b"9223372036854775807\n", False),
    (409, b"-1\n", False), (409, b"2\n", False), (500, b"", False), (302, b"", False),
    (200, str(signed(FORK, STRANGER)).encode(), False),
]  # fmt: skip


@pytest.mark.parametrize(("code", "body", "endless"), LIES, ids=range(len(LIES)))
def test_a_lying_witness_costs_its_own_cosignature_only(
    witness: WitnessFolder, code: int, body: bytes, endless: bool
) -> None:
    with served(witness) as honest, lying(code, body, endless) as liar:
        key = notes.public_key(LOG, "liar.example", notes.COSIGNATURE)
        log = asking((witness.key, honest), (key, liar))
        note = log.ask(signed(tree(5)), tree(5), prove)
        assert log.policy.cosigned_by(note) == {"w0"} and not log.policy.enough(note)
        assert log.newest("log.example", [KEY]) == tree(5), "what it claims needs the log's own key"


def test_two_witnesses_never_share_a_folder(witness: WitnessFolder, tmp_path: Path) -> None:
    with pytest.raises(BlockingIOError):
        WitnessFolder(tmp_path / "w", "witness.example", [KEY])
    command = ["witness", str(tmp_path / "w"), "--name", "witness.example", "--port", "0"]
    for log, said in [(str(KEY), "another witness runs"), ("x", "not an Ed25519 verifier key")]:
        done = CliRunner().invoke(app, [*command, "--log", log])
        assert done.exit_code == 2 and said in done.stderr
