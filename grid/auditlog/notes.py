"""This file is where texts are signed so that others' tools can check them: signed notes with
Ed25519, checkpoints, and the cosignatures of witnesses (C2SP signed-note, tlog-checkpoint,
tlog-cosignature v1).

Nothing in a note may be believed before `verified` gave it back.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from grid.auditlog.merkle import EMPTY_ROOT, HASH_BYTES

#: Signature types of signed notes: by a log, and by a witness with its time.
ED25519, COSIGNATURE = 1, 4
KEY_BYTES, KEY_ID_BYTES, SIGNATURE_BYTES, TIME_BYTES = 32, 4, 64, 8
#: A log's key or two, and more witnesses than anybody asks for.
SIGNATURES_MAX = 100
#: Longer ones are nobody's checkpoint.
NOTE_BYTES_MAX = 64 * 1024
SIZE_MAX = 2**63 - 1

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_NAME = re.compile(r"[^\s+]+")


class BadNote(ValueError):
    """A note, or a key, that says nothing: malformed, not signed, or signed wrongly."""


@dataclass(frozen=True)
class Key:
    """A public key as signed notes name it; its text is the verifier key, or vkey."""

    name: str
    kind: int
    public: bytes

    @property
    def id(self) -> bytes:
        """Four bytes that tell keys of one name apart."""
        head = self.name.encode() + b"\n" + bytes([self.kind])
        return hashlib.sha256(head + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.kind]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{material}"


@dataclass(frozen=True)
class Signature:
    """One line below a note's text."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        said = base64.b64encode(self.key_id + self.signature).decode()
        return f"— {self.name} {said}\n"

    @property
    def time(self) -> int:
        """When a witness cosigned, in seconds since 1970; meaningless for other signatures."""
        return int.from_bytes(self.signature[:TIME_BYTES], "big")


@dataclass(frozen=True)
class Note:
    """A text and who signed it; nothing is checked yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(map(str, self.signatures))

    def by(self, key: Key) -> Signature | None:
        """The signature that is said to be this key's."""
        same = (one for one in self.signatures if (one.name, one.key_id) == (key.name, key.id))
        return next(same, None)


@dataclass(frozen=True)
class Checkpoint:
    """A tree's size and root, as its log states them."""

    origin: str
    size: int
    root: bytes

    def __str__(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key(text: str) -> Key:
    """The key that a vkey names. Raises BadNote."""
    name, _, rest = text.strip().partition("+")
    key_id, _, material = rest.partition("+")
    raw = decode64(material)
    if not _NAME.fullmatch(name) or len(raw) != 1 + KEY_BYTES:
        raise BadNote(f"not an Ed25519 verifier key: {text.strip()!r}")
    found = Key(name, raw[0], raw[1:])
    if found.kind not in (ED25519, COSIGNATURE) or found.id.hex() != key_id:
        raise BadNote(f"a verifier key with another key's id: {text.strip()!r}")
    return found


def public_key(private: Ed25519PrivateKey, name: str, kind: int = ED25519) -> Key:
    """The public part of a key that signs as `name`. Raises BadNote for an unusable name."""
    if not _NAME.fullmatch(name) or not name.isprintable():
        raise BadNote(f"{name!r} cannot name a key: no spaces, no plus")
    return Key(name, kind, private.public_key().public_bytes_raw())


def parse(text: str) -> Note:
    """A note out of its text. Raises BadNote when it is malformed."""
    if len(text.encode("utf-8", "surrogatepass")) > NOTE_BYTES_MAX:
        raise BadNote("a note of more than 64 KiB")
    if any(one < " " and one != "\n" for one in text) or (not text.isascii() and not _sound(text)):
        raise BadNote("a note with characters that notes do not have")
    body, gap, lines = text.rpartition("\n\n")
    signatures = [_signature(line) for line in lines.splitlines(keepends=True)]
    if not gap or not signatures or not lines.endswith("\n"):
        raise BadNote("a note without signatures")
    if len(signatures) > SIGNATURES_MAX:
        raise BadNote(f"a note with more than {SIGNATURES_MAX} signatures")
    return Note(body + "\n", tuple(signatures))


def sign(text: str, name: str, private: Ed25519PrivateKey) -> Signature:
    """A log's signature on a text, which ends in a newline."""
    return Signature(name, public_key(private, name).id, private.sign(text.encode()))


def cosign(text: str, name: str, private: Ed25519PrivateKey, time: int) -> Signature:
    """A witness's signature on a checkpoint's text, at `time`."""
    said = time.to_bytes(TIME_BYTES, "big") + private.sign(_cosigned(text, time))
    return Signature(name, public_key(private, name, COSIGNATURE).id, said)


def verified(note: Note, keys: Iterable[Key]) -> list[Key]:
    """Those of `keys` that signed the note.

    Raises BadNote when a signature that is said to be one of theirs is not, or when none signed.
    """
    signers = [one for one in keys if _signed(note, one)]
    if not signers:
        raise BadNote("not signed by a key that is trusted")
    return signers


def cosigners(note: Note, keys: Iterable[Key]) -> list[Key]:
    """Those witnesses that cosigned the note; forged and unknown lines are passed over."""
    found = []
    for one in keys:
        try:
            if _signed(note, one):
                found.append(one)
        except BadNote:
            continue
    return found


def checkpoint(text: str) -> Checkpoint:
    """The tree that a checkpoint's text states; extension lines are passed over.

    Raises BadNote.
    """
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise BadNote("a checkpoint has an origin, a size and a root, a line each")
    origin, size, root = lines[:3]
    hashed = decode64(root)
    if len(hashed) != HASH_BYTES or base64.b64encode(hashed).decode() != root:
        raise BadNote("a checkpoint whose root is no SHA-256 hash")
    found = Checkpoint(origin, number(size), hashed)
    if found.size == 0 and hashed != EMPTY_ROOT:
        raise BadNote("a checkpoint of no leaves with the root of some")
    return found


def number(text: str) -> int:
    """A count, spelled in the one way there is. Raises BadNote."""
    if not _NUMBER.fullmatch(text) or int(text) > SIZE_MAX:
        raise BadNote(f"not a size: {text[:30]!r}")
    return int(text)


def hashes(lines: Sequence[str]) -> list[bytes]:
    """A proof's hashes, a line each. Raises BadNote."""
    found = [decode64(line) for line in lines]
    if any(len(one) != HASH_BYTES for one in found):
        raise BadNote("a line of a proof is no SHA-256 hash")
    return found


def decode64(text: str) -> bytes:
    """The bytes that standard Base64 spells. Raises BadNote."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote(f"not Base64: {text[:60]!r}") from error


def _signature(line: str) -> Signature:
    mark, _, rest = line.removesuffix("\n").partition(" ")
    name, _, said = rest.partition(" ")
    raw = decode64(said)
    if mark != "—" or not _NAME.fullmatch(name) or len(raw) <= KEY_ID_BYTES:
        raise BadNote(f"not a signature: {line[:60]!r}")
    return Signature(name, raw[:KEY_ID_BYTES], raw[KEY_ID_BYTES:])


def _signed(note: Note, key: Key) -> bool:
    said = note.by(key)
    if said is None:
        return False
    text, signature = note.text.encode(), said.signature
    if key.kind == COSIGNATURE:
        text, signature = _cosigned(note.text, said.time), signature[TIME_BYTES:]
        if said.time > SIZE_MAX:
            raise BadNote(f"the cosignature of {key.name} is of no time")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text)
    except (InvalidSignature, ValueError) as error:
        raise BadNote(f"the signature of {key.name} does not hold") from error
    return True


def _cosigned(text: str, time: int) -> bytes:
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _sound(text: str) -> bool:
    """Whether a text can be spelled in UTF-8."""
    try:
        text.encode()
    except UnicodeError:
        return False
    return True
