"""This file is where a job type is read about without running a line of it."""

from __future__ import annotations

import re
import tomllib

from msgspec import Struct

#: The contract a job type is written against; raised when `JobType` changes incompatibly.
CONTRACT = 1
NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+")


class ManifestError(Exception):
    """A `jobtype.toml` that cannot be read; names the key."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What `jobtype.toml` says."""

    name: str
    version: str
    title: str
    summary: str
    contract: int
    #: What an admin must have read before enabling it; "" for nothing.
    caution: str = ""


def parse(text: str) -> Manifest:
    """Read a manifest; raises ManifestError for a missing, unknown or ill-formed key."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(f"not TOML: {error}") from error
    wanted = {"name": str, "version": str, "title": str, "summary": str, "contract": int}
    for key in raw:
        if key not in wanted and key != "caution":
            raise ManifestError(f"{key}: unknown key")
    for key, kind in {**wanted, "caution": str}.items():
        if not isinstance(raw.get(key, "" if key == "caution" else None), kind):
            raise ManifestError(f"{key}: wanted, as {kind.__name__}")
    if not NAME.fullmatch(raw["name"]):
        raise ManifestError("name: letters and digits, at most 40, a letter first")
    if not VERSION.fullmatch(raw["version"]):
        raise ManifestError('version: three numbers, such as "1.0.0"')
    if raw["contract"] != CONTRACT:
        raise ManifestError(f"contract: this Grid knows contract {CONTRACT}")
    return Manifest(**raw)
