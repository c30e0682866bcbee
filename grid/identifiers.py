"""This file is where internal integers become public ids, and back.

A public id is one AES-128 block: 8 bytes that name the kind, 8 bytes of integer. That is a keyed
permutation: ids are opaque, say nothing about order or neighbours, and a made-up one is recognised
without asking the database (a forger hits the right kind with probability 2⁻⁶⁴).
"""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class Kind(StrEnum):
    """What an id names; the value is its visible prefix."""

    JOB = "job"
    WORKUNIT = "wu"
    RESULT = "res"
    HOST = "host"
    DATASET = "data"
    ACCOUNT = "acct"


class Identifiers:
    """The permutation under one key of 16 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES128(key), modes.ECB())  # noqa: S305 - one block

    def public(self, kind: Kind, number: int) -> str:
        """`kind_` and 26 characters of lower-case base 32; `number` is 0 … 2⁶³−1."""
        block = kind.value.encode().ljust(8) + number.to_bytes(8, "big")
        sealed = self._cipher.encryptor().update(block)
        return f"{kind.value}_{base64.b32encode(sealed).decode().rstrip('=').lower()}"

    def internal(self, kind: Kind, text: str) -> int | None:
        """The integer behind a public id, or None for anything `public` never gave out."""
        prefix, _, body = text.partition("_")
        if prefix != kind.value or len(body) != 26 or body != body.lower():
            return None
        try:
            sealed = base64.b32decode(body.upper() + "======")
        except (binascii.Error, ValueError):
            return None
        block = self._cipher.decryptor().update(sealed)
        number = int.from_bytes(block[8:], "big")
        if block[:8] != kind.value.encode().ljust(8) or self.public(kind, number) != text:
            return None
        return number
