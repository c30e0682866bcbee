"""This file is where the bytes of a reported output are looked at, before any rule judges them.

This happens outside the writer: an output that no honest program can produce is an error of its
host, whatever it says.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import jsonschema
from msgspec import Struct

from grid import canonical
from grid.db.listings import Given
from grid.db.store import Store
from grid.plugins.contract import OutputError
from grid.plugins.loader import PluginError
from grid.states import Outcome
from web.cache import Cache
from web.messages import MESSAGE_CHARS_MAX

#: An output travels inside its report up to this size.
OUTPUT_BYTES_MAX = 64 * 1024
OUTPUT_CHARS_MAX = -(-OUTPUT_BYTES_MAX // 3) * 4


class Looked(Struct, frozen=True, kw_only=True):
    """What was reported, after a look at its bytes."""

    outcome: Outcome
    digest: str | None = None
    #: Canonical JSON; only when SUCCESS.
    text: str | None = None
    #: Whether it is enough to end its job, should it stand.
    enough: bool = False
    message: str | None = None


class Looker:
    """Decodes outputs and checks them against what their job type allows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._validators: Cache[str, jsonschema.Draft202012Validator] = Cache(limit=200)

    def look(self, encoded: str | None, given: Given, rows: Sequence[int]) -> Looked:
        """Whether this base64 text could be the output for so many points, or rows of each chunk;
        never raises for it."""
        if encoded is None:
            return _bad("no output came with the success")
        if len(encoded) > OUTPUT_CHARS_MAX:
            return _bad(f"the output has more than {OUTPUT_BYTES_MAX:,} bytes")
        try:
            data = base64.b64decode(encoded, validate=True)
            value = canonical.loads(data)
        except canonical.NotCanonical as error:
            return _bad(str(error))
        except (binascii.Error, ValueError) as error:
            return _bad(f"the output is not base64: {error}")
        digest = given.job.job.job_type_digest
        try:
            loaded = self._store.job_types.loaded(digest)
        except PluginError:
            return _bad("the job has ended, and its job type is gone")
        validator = self._validators.get(digest)
        if validator is None:
            fresh = jsonschema.Draft202012Validator(loaded.output_schema)
            validator = self._validators.keep(digest, fresh)
        try:
            wrong = next(validator.iter_errors(value), None)
            if wrong is not None:
                return _bad(f"not of the job type's schema: {wrong.json_path}: {wrong.message}")
            spec, job_type = given.job.job.spec, loaded.job_type
            job_type.check_output(spec, rows, value)
            enough = job_type.stops_early and job_type.enough(spec, value)
        except OutputError as error:
            return _bad(str(error))
        except Exception as error:  # a check that stumbles over a stranger's bytes refuses them
            return _bad(f"the check failed: {type(error).__name__}: {error}")
        return Looked(
            outcome=Outcome.SUCCESS,
            digest=canonical.digest(data),
            text=data.decode("utf-8"),
            enough=enough,
        )


def tidy(message: str | None) -> str | None:
    """A stranger's words, short and storable."""
    if message is None:
        return None
    return message[:MESSAGE_CHARS_MAX].encode("utf-8", "replace").decode("utf-8")


def _bad(message: str) -> Looked:
    return Looked(outcome=Outcome.VALIDATE_ERROR, message=tidy(message))
