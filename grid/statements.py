"""This file is where it stands what a host signs when it reports, so that nobody speaks for it.

A statement is five lines of text, ended by a line feed each: what it is, the result, the lease, the
outcome, and the SHA-256 of what is said. Signatures are Ed25519 (RFC 8032). The library is
libsodium's: it verifies in less than half the time of OpenSSL, and lets other threads run.
"""

from __future__ import annotations

import base64
import binascii

from nacl.bindings import (
    crypto_core_ed25519_is_valid_point,
    crypto_sign,
    crypto_sign_open,
    crypto_sign_seed_keypair,
)
from nacl.exceptions import BadSignatureError

PUBLIC_KEY_BYTES, SIGNATURE_BYTES = 32, 64
#: What a statement is; a signature under one thing must never pass for another.
OF_REPORT = "grid report 1"
OF_PROMISE = "grid promise 1"


def of_report(result_id: str, lease: str, outcome: str, said: str) -> bytes:
    """What is signed with a report, all of it as it travels.

    `said` is the SHA-256 (64 hex digits) of the output's bytes, or of an error's message in UTF-8;
    nothing where there is neither.
    """
    return f"{OF_REPORT}\n{result_id}\n{lease}\n{outcome}\n{said}\n".encode()


def of_promise(result_id: str, output: str, commitment: str, at: int) -> bytes:
    """What the server signs when it takes an answer: the log will hold this commitment to it.

    `output` and `commitment` are SHA-256 (64 hex digits), `at` is in seconds since 1970.
    """
    return f"{OF_PROMISE}\n{result_id}\n{output}\n{commitment}\n{at}\n".encode()


class Signer:
    """A key that signs statements, from a seed of 32 bytes."""

    def __init__(self, seed: bytes) -> None:
        self.public, self._secret = crypto_sign_seed_keypair(seed)

    def sign(self, statement: bytes) -> str:
        """The signature, in base64."""
        return base64.b64encode(crypto_sign(statement, self._secret)[:SIGNATURE_BYTES]).decode()


def public_key(text: str) -> bytes | None:
    """The Ed25519 key that this base64 text spells, or None when nobody can sign under it."""
    key = _decoded(text, PUBLIC_KEY_BYTES)
    return key if key is not None and crypto_core_ed25519_is_valid_point(key) else None


def verify(key: str, signature: str, statement: bytes) -> bool:
    """Whether the holder of a key that `public_key` has passed signed exactly this; never raises
    for what a stranger sent."""
    public, signed = _decoded(key, PUBLIC_KEY_BYTES), _decoded(signature, SIGNATURE_BYTES)
    if public is None or signed is None:
        return False
    try:
        crypto_sign_open(signed + statement, public)
    except (BadSignatureError, ValueError):
        return False
    return True


def _decoded(text: str, length: int) -> bytes | None:
    """The bytes that base64 spells in its one way, if they are so many."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if len(data) == length and base64.b64encode(data).decode() == text else None
