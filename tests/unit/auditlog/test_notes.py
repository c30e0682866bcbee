"""This file is where signed notes, checkpoints and cosignatures are checked against the published
example, against another implementation, and against whoever bends them."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales import signing as theirs
from tlog_scales.tlog import Checkpoint as TheirCheckpoint

from grid.auditlog import merkle, notes, proofs
from grid.auditlog.merkle import ProofRefused
from grid.auditlog.notes import COSIGNATURE, BadNote, Checkpoint, Key

#: The example of C2SP signed-note.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
LOG = Ed25519PrivateKey.from_private_bytes(b"l" * 32)
WITNESS = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
LOG_KEY = notes.public_key(LOG, "example.com/log")
WITNESS_KEY = notes.public_key(WITNESS, "witness.example", COSIGNATURE)
TREE = Checkpoint("example.com/log", 3, merkle.leaf_hash(b"root"))
TIME = 1_679_315_147


def signed(text: str = str(TREE)) -> notes.Note:
    lines = (notes.sign(text, "example.com/log", LOG),
             notes.cosign(text, "witness.example", WITNESS, TIME))  # fmt: skip
    return notes.Note(text, lines)


def test_the_published_example_verifies() -> None:
    key = notes.key(EXAMPLE_KEY)
    assert str(key) == EXAMPLE_KEY
    note = notes.parse(EXAMPLE)
    assert str(note) == EXAMPLE and notes.verified(note, [key]) == [key]
    bent = notes.parse(EXAMPLE.replace("an example", "no example"))
    with pytest.raises(BadNote, match="does not hold"):
        notes.verified(bent, [key])


def test_a_checkpoint_of_ours_verifies_elsewhere_with_its_cosignature() -> None:
    there = TheirCheckpoint.from_text(str(signed()))
    assert (there.origin, there.size, there.root_hash) == ("example.com/log", 3, TREE.root)
    there.verify(theirs.Vkey.from_string(str(LOG_KEY)))
    there.verify(theirs.Vkey.from_string(str(WITNESS_KEY)))


def test_a_checkpoint_from_elsewhere_verifies_here() -> None:
    signer = theirs.PlainEd25519Signer("example.com/log", b"k" * 32)
    there = TheirCheckpoint.make_signed("example.com/log", 7, b"r" * 32, [signer])
    note = notes.parse(there.serialize())
    key = notes.public_key(Ed25519PrivateKey.from_private_bytes(b"k" * 32), "example.com/log")
    assert notes.verified(note, [key]) == [key]
    assert notes.checkpoint(note.text) == Checkpoint("example.com/log", 7, b"r" * 32)


def test_a_note_comes_back_from_its_text() -> None:
    assert notes.parse(str(signed())) == signed()
    assert notes.checkpoint(signed().text) == TREE
    assert signed().by(WITNESS_KEY).time == TIME


def test_whoever_signed_is_told_and_a_forged_signature_refuses_the_note() -> None:
    other = notes.public_key(LOG, "example.com/other")
    assert notes.verified(signed(), [other, LOG_KEY, WITNESS_KEY]) == [LOG_KEY, WITNESS_KEY]
    with pytest.raises(BadNote, match="not signed"):
        notes.verified(signed(), [other])
    forged = notes.Signature(LOG_KEY.name, LOG_KEY.id, bytes(64))
    with pytest.raises(BadNote, match="does not hold"):
        notes.verified(notes.Note(str(TREE), (forged,)), [LOG_KEY])


def test_cosignatures_count_for_this_text_and_this_time_only() -> None:
    assert notes.cosigners(signed(), [WITNESS_KEY, LOG_KEY]) == [WITNESS_KEY, LOG_KEY]
    line = notes.cosign(str(TREE), "witness.example", WITNESS, TIME)
    later = (TIME + 1).to_bytes(8, "big") + line.signature[8:]
    moved = notes.Signature(line.name, line.key_id, later)
    for note in (notes.Note(str(TREE), (moved,)), notes.Note(str(TREE) + "more\n", (line,))):
        assert notes.cosigners(note, [WITNESS_KEY]) == []


@pytest.mark.parametrize(
    "text",
    [
        "", "no signature\n", "text\n\n", "text\n\n- example.com/foo AAAAAAA=\n",
        "text\n\n— example.com/foo\n", "text\n\n— a b c\n", "text\n\n— n AAAA\n",
        "text\n\n— example.com/foo AAAAAAA=", "te\0xt\n\n— n AAAAAAAA\n",
        "te\ud800xt\n\n— n AAAAAAAA\n", "t\n\n" + "— n AAAAAAAA\n" * 101, "x" * 70_000,
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        notes.parse(text)


ROOT = base64.b64encode(b"r" * 32).decode()


@pytest.mark.parametrize(
    "text",
    [
        "", "log\n1\n", f"log\n01\n{ROOT}\n", f"log\n-1\n{ROOT}\n", f"log\n1\n{ROOT}",
        f"\n1\n{ROOT}\n", f"log\n1\n{ROOT}\n\n", "log\n1\nAAAA\n", f"log\n0\n{ROOT}\n",
        f"log\n9223372036854775808\n{ROOT}\n", f"log\n１\n{ROOT}\n", f"log\n1\n{ROOT[:-2]}J=\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        notes.checkpoint(text)


def test_extension_lines_are_passed_over() -> None:
    assert notes.checkpoint(f"{TREE}further\n") == TREE


@pytest.mark.parametrize(
    "text",
    [
        "", "name", "name+00000000+AAAA", "na me+530d903a+" + EXAMPLE_KEY.split("+")[-1],
        EXAMPLE_KEY.replace("530d903a", "530d903b"), EXAMPLE_KEY.replace("+A", "+B"),
        EXAMPLE_KEY.replace("example.com/foo", ""),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        notes.key(text)


def test_keys_of_one_name_are_told_apart() -> None:
    other = Key(LOG_KEY.name, LOG_KEY.kind, WITNESS_KEY.public)
    assert other.id != LOG_KEY.id and signed().by(other) is None
    with pytest.raises(BadNote, match="cannot name"):
        notes.public_key(LOG, "with space")


def proof() -> proofs.Proof:
    leaves = [b"a", b"b", b"c"]
    subtrees = merkle.in_memory([merkle.leaf_hash(one) for one in leaves])
    tree = Checkpoint("example.com/log", 3, merkle.root(3, subtrees))
    return proofs.of(1, merkle.inclusion_proof(1, 3, subtrees), str(signed(str(tree))), b"b")


def test_a_proof_stands_alone() -> None:
    text = str(proof())
    again = proofs.parse(text)
    assert again == proof() and again.extra == b"b"
    assert proofs.verify(again, again.extra, [LOG_KEY]).size == 3
    assert text.splitlines()[:3] == ["c2sp.org/tlog-proof@v1", "extra Yg==", "index 1"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("proof@v1", "proof@v2"), ("index 1", "index 2"), ("index 1", "index 01"),
        ("index 1\n", ""), ("extra Yg==", "extra Y"), ("\n3\n", "\n4\n"),
        ("— example.com/log ", "— example.com/lag "), ("\n\n", "\n"),
    ],
)  # fmt: skip
def test_a_bent_proof_is_refused(old: str, new: str) -> None:
    text = str(proof())
    assert old in text
    with pytest.raises((BadNote, ProofRefused)):
        proofs.verify(proofs.parse(text.replace(old, new, 1)), b"b", [LOG_KEY])


def test_a_proof_shows_its_own_leaf_and_log_only() -> None:
    with pytest.raises(ProofRefused):
        proofs.verify(proof(), b"a", [LOG_KEY])
    with pytest.raises(BadNote):
        proofs.verify(proof(), b"b", [notes.public_key(WITNESS, "example.com/log")])
    with pytest.raises(ProofRefused, match="another log"):
        proofs.verify(proof(), b"b", [WITNESS_KEY])
