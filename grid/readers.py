"""This file is where it stands what a reader signs who has computed part of an output again.

Six lines of text, each ended by a newline, signed with Ed25519 by a key that the reader made:

    grid-checked/v1
    JOB
    MANIFEST          SHA-256 of the output's manifest
    ROOT              root hash of the checkpoint that drew the work units, as Base64
    0,7,19            their places in the job
    same              or "different"
"""

from __future__ import annotations

import base64
import re

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

HEAD = "grid-checked/v1"
#: Nobody computes more in a page, and the log shall not grow by what a reader likes to write.
WORKUNITS_MAX = 100
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ROOT = re.compile(r"[A-Za-z0-9+/]{43}=")
_PLACES = re.compile(r"(0|[1-9][0-9]{0,9})(,(0|[1-9][0-9]{0,9}))*")


class Refused(ValueError):
    """A statement that nobody made, or that says nothing."""


class Checked(Struct, frozen=True, kw_only=True):
    """What a statement says."""

    job: str
    manifest: str
    root: str
    work_units: tuple[int, ...]
    same: bool


def read(statement: str, key: str, signature: str) -> Checked:
    """A statement whose signature is the key's, both as Base64; raises Refused."""
    lines = statement.split("\n")
    if len(lines) != 7 or lines[0] != HEAD or lines[6]:
        raise Refused(f"a statement has six lines and begins with {HEAD}")
    _, job, manifest, root, places, result, _ = lines
    if not _DIGEST.fullmatch(manifest) or not _ROOT.fullmatch(root):
        raise Refused("a statement names a manifest and a root")
    if not _PLACES.fullmatch(places) or result not in ("same", "different"):
        raise Refused("a statement lists work units, and says same or different")
    work_units = tuple(map(int, places.split(",")))
    if len(work_units) > WORKUNITS_MAX or list(work_units) != sorted(set(work_units)):
        raise Refused(f"work units are in order, each once, {WORKUNITS_MAX} at most")
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key, validate=True))
        public.verify(base64.b64decode(signature, validate=True), statement.encode())
    except (ValueError, InvalidSignature) as error:
        raise Refused("the signature is not that key's") from error
    return Checked(
        job=job, manifest=manifest, root=root, work_units=work_units, same=result == "same"
    )
