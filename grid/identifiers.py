"""This file is where internal integers become public ids, and back.

A public id is one AES-128 block: 8 bytes that name the kind, 8 bytes of integer. That is a keyed
permutation: ids are opaque, say nothing about order or neighbours, and a made-up one is recognised
without asking the database (a forger hits the right kind with probability 2⁻⁶⁴).
"""

from __future__ import annotations

from enum import StrEnum

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class Kind(StrEnum):
    """What an id names; the value is its visible prefix."""

    JOB = "job"
    WORKUNIT = "wu"
    RESULT = "res"
    HOST = "host"
    DATASET = "data"
    VOLUNTEER = "vol"
    ACCOUNT = "acct"
    TOKEN = "tok"  # noqa: S105 - a prefix
    TEAM = "team"
    #: A host as leaderboards name it: nobody can tell which host id it is.
    MACHINE = "machine"


class Identifiers:
    """The permutation under one key of 16 bytes."""

    def __init__(self, key: bytes) -> None:
        cipher = Cipher(algorithms.AES128(key), modes.ECB())  # noqa: S305 - one block
        # Made once: a block leaves nothing behind for the next, and making one costs thirty blocks.
        self._seal, self._open = cipher.encryptor(), cipher.decryptor()

    def public(self, kind: Kind, number: int) -> str:
        """`kind_` and 32 lower-case hex digits; `number` is 0 … 2⁶³−1."""
        block = kind.value.encode().ljust(8) + number.to_bytes(8, "big")
        return f"{kind.value}_{self._seal.update(block).hex()}"

    def internal(self, kind: Kind, text: str) -> int | None:
        """The integer behind a public id, or None for anything `public` never gave out."""
        prefix, _, body = text.partition("_")
        try:
            sealed = bytes.fromhex(body)
        except ValueError:
            return None
        if prefix != kind.value or sealed.hex() != body or len(sealed) != 16:
            return None
        block = self._open.update(sealed)
        number = int.from_bytes(block[8:], "big")
        known = block[:8] == kind.value.encode().ljust(8) and number < 2**63
        return number if known else None
