"""This file is where bytes get one spelling: RFC 8785 JSON and SHA-256 digests."""

from __future__ import annotations

import hashlib
import re

import msgspec
import rfc8785

from grid.items import Json

#: Whole numbers up to here are exact in every JSON reader.
SAFE_INTEGER_MAX = 2**53 - 1
INEXACT = "numbers must be whole and below 2^53; write others as strings"


class NotCanonical(ValueError):
    """Bytes that are not the one spelling of their value."""


def dumps(value: Json) -> bytes:
    """Canonical JSON (RFC 8785) of `value`; raises ValueError for what JSON cannot hold."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, UnicodeError) as error:
        raise ValueError(str(error)) from error


def dumps_facts(value: Json) -> bytes:
    """The same bytes as `dumps`, several times faster, for facts of our own making.

    They have ASCII keys and no floats, and no integer beyond 2⁵³.
    """
    return msgspec.json.encode(value, order="sorted")


def loads(data: bytes) -> Json:
    """The value of canonical JSON; raises NotCanonical for any other spelling.

    Floats are refused: outputs, parameters and log entries carry numbers that JSON readers agree
    on (integers below 2⁵³) and everything else as strings.
    """
    try:
        value = _decoder.decode(data)
        if _LONG_NUMBER.search(data) and _has_long_number(value):
            raise NotCanonical(INEXACT)
        if data == (dumps_facts(value) if data.isascii() else dumps(value)):
            return value
    except (msgspec.DecodeError, UnicodeError, ValueError, RecursionError) as error:
        inexact = error if isinstance(error, NotCanonical) else error.__cause__
        if isinstance(inexact, NotCanonical):
            raise inexact from None
        raise NotCanonical(f"not canonical JSON: {error}") from error
    raise NotCanonical("not canonical JSON: spelled otherwise (RFC 8785)")


def digest(data: bytes) -> str:
    """SHA-256 as 64 lower-case hex digits."""
    return hashlib.sha256(data).hexdigest()


def _refuse_float(_: str) -> float:
    raise NotCanonical(INEXACT)


def _has_long_number(value: Json) -> bool:
    if isinstance(value, int):
        return abs(value) > SAFE_INTEGER_MAX
    if isinstance(value, dict):
        return any(map(_has_long_number, value.values()))
    return isinstance(value, list) and any(map(_has_long_number, value))


_decoder = msgspec.json.Decoder(float_hook=_refuse_float)
#: Only what has as many digits as 2⁵³ may be beyond it.
_LONG_NUMBER = re.compile(rb"\d{16}")
