"""This file is where passes are written and read: what somebody may carry and not change or read.

A pass is a JWT signed by HMAC-SHA256 (JWS, RFC 7515) inside a JWE (RFC 7516, `dir` and A256GCM).
Each purpose has two keys of its own, so a pass for one purpose is none for another.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from msgspec import Struct

#: The only ways of signing and encrypting; what a pass says of itself chooses nothing.
SIGNED, ENCRYPTED = {"alg": "HS256"}, {"alg": "dir", "enc": "A256GCM", "cty": "JWT"}
#: No pass of ours is longer, whoever's names are in it.
PASS_CHARS_MAX = 1_000


class Purpose(StrEnum):
    """What a pass is for."""

    TOKEN = "token"  # noqa: S105 - a name
    SESSION = "session"
    #: A form that was given to one browser.
    FORM = "form"


class Claims(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a pass says."""

    #: A number that nobody can guess: of the row that may withdraw it, or of what it belongs to.
    jti: str
    #: Space-separated: what it may be used for at most.
    scope: str = ""
    #: When it ends; None for never.
    exp: int | None = None


class Passes:
    """Passes under keys that come from one secret; `derive` gives 32 bytes for a purpose."""

    def __init__(self, derive: Callable[[str], bytes]) -> None:
        self._keys = {
            purpose: tuple(
                OctKey.import_key(derive(f"{use} of {purpose} passes"))
                for use in ("signature", "encryption")
            )
            for purpose in Purpose
        }

    def write(self, purpose: Purpose, claims: Claims) -> str:
        """A new pass, of letters, digits, dots, dashes and underscores."""
        signature, encryption = self._keys[purpose]
        signed = jws.serialize_compact(dict(SIGNED), msgspec.json.encode(claims), signature)
        return jwe.encrypt_compact(dict(ENCRYPTED), signed.encode(), encryption)

    def read(self, purpose: Purpose, text: str, now: int) -> Claims | None:
        """What a pass says; None when it is not one of ours for this purpose, or has ended."""
        if len(text) > PASS_CHARS_MAX or not text.isascii():
            return None
        signature, encryption = self._keys[purpose]
        try:
            signed = jwe.decrypt_compact(text, encryption, algorithms=["dir", "A256GCM"]).plaintext
            read = jws.deserialize_compact(signed or b"", signature, algorithms=["HS256"])
            claims = msgspec.json.decode(read.payload, type=Claims)
        except (JoseError, ValueError, msgspec.MsgspecError):
            return None
        return None if claims.exp is not None and claims.exp <= now else claims
