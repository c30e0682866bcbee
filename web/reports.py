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
from grid.blobs import BlobMissing
from grid.db import put
from grid.db.listings import Given
from grid.db.store import Store
from grid.items import Job
from grid.jobspec import VALIDATOR
from grid.plugins.contract import INLINE_BYTES_MAX, OutputError
from grid.plugins.loader import PluginError
from grid.states import Outcome
from web.cache import Cache
from web.messages import MESSAGE_CHARS_MAX

#: Base64 of the largest output that a report holds.
INLINE_CHARS_MAX = -(-INLINE_BYTES_MAX // 3) * 4
#: A large output is few values that are long texts: the schema of so many is checked in a second.
PUT_VALUES_MAX = 20_000
#: Each begins a value, or stands in a text.
VALUE_MARKS = (b",", b"[", b"{")


class Looked(Struct, frozen=True, kw_only=True):
    """What was reported, after a look at its bytes."""

    outcome: Outcome
    digest: str | None = None
    #: Canonical JSON; only when SUCCESS, and None where it was put before its report.
    text: str | None = None
    #: Whether it is enough to end its job, should it stand.
    enough: bool = False
    #: Whether its input proves it right or wrong, for little.
    provable: bool = False
    message: str | None = None


class Looker:
    """Decodes outputs and checks them against what their job type allows."""

    def __init__(self, store: Store) -> None:
        self._store = store
        #: What was put never changes, and the second copy mostly says the same as the first.
        self._kept: Cache[tuple[int, tuple[int, ...], str], Looked] = Cache(limit=2_000)
        self._validators: Cache[str, jsonschema.Draft202012Validator] = Cache(limit=200)

    def look(self, encoded: str | None, given: Given, rows: Sequence[int]) -> Looked:
        """Whether this base64 text could be the output for so many points, or rows of each chunk;
        never raises for it."""
        if encoded is None:
            return _bad("no output came with the success")
        if len(encoded) > INLINE_CHARS_MAX:
            return _bad(f"the output has more than {INLINE_BYTES_MAX:,} bytes: put it first")
        try:
            data = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError) as error:
            return _bad(f"the output is not base64: {error}")
        return self._judged(data, given, rows, text=True)

    def look_at_put(self, number: int, digest: str, given: Given, rows: Sequence[int]) -> Looked:
        """The same of an output that was put under this result; a bad one where none was."""
        with self._store.read() as connection:
            known = put.is_put(connection, number, digest)
        try:
            self._store.outputs.size(digest)
        except BlobMissing:
            known = False
        if not known:
            return _bad("no output of this digest was put under this lease")
        key = (given.job.job.id, tuple(rows), digest)
        looked = self._kept.get(key)
        if looked is None:
            data = self._store.outputs.get(digest)
            if data.isascii() and sum(map(data.count, VALUE_MARKS)) <= PUT_VALUES_MAX:
                looked = self._judged(data, given, rows, text=False)
            else:
                looked = _bad(f"what is put is ASCII, of {PUT_VALUES_MAX:,} values at most")
            self._kept.keep(key, looked)
        return looked

    def output_bytes_max(self, job: Job) -> int:
        """How large an output of this job may be."""
        try:
            return self._store.job_types.loaded(job.job_type_digest).job_type.output_bytes_max
        except PluginError:  # the job has ended
            return INLINE_BYTES_MAX

    def _judged(self, data: bytes, given: Given, rows: Sequence[int], *, text: bool) -> Looked:
        limit = self.output_bytes_max(given.job.job)
        if len(data) > limit:
            return _bad(f"the output has more than {limit:,} bytes")
        try:
            value = canonical.loads(data)
        except (canonical.NotCanonical, RecursionError) as error:
            return _bad(str(error))
        digest = given.job.job.job_type_digest
        try:
            loaded = self._store.job_types.loaded(digest)
        except PluginError:
            return _bad("the job has ended, and its job type is gone")
        validator = self._validators.get(digest)
        if validator is None:
            fresh = VALIDATOR(loaded.output_schema)
            validator = self._validators.keep(digest, fresh)
        try:
            wrong = next(validator.iter_errors(value), None)
            if wrong is not None:
                return _bad(f"not of the job type's schema: {wrong.json_path}: {wrong.message}")
            spec, job_type = given.job.job.spec, loaded.job_type
            job_type.check_output(spec, rows, value)
            if job_type.unsolved(spec, value):
                return Looked(outcome=Outcome.UNSOLVED)
            enough = job_type.stops_early and job_type.enough(spec, value)
            provable = job_type.verifies and job_type.provable(spec, value)
        except OutputError as error:
            return _bad(str(error))
        except Exception as error:  # a check that stumbles over a stranger's bytes refuses them
            return _bad(f"the check failed: {type(error).__name__}: {error}")
        return Looked(
            outcome=Outcome.SUCCESS,
            digest=canonical.digest(data),
            text=data.decode("utf-8") if text else None,
            enough=enough,
            provable=provable,
        )


def tidy(message: str | None) -> str | None:
    """A stranger's words, short and storable."""
    if message is None:
        return None
    return message[:MESSAGE_CHARS_MAX].encode("utf-8", "replace").decode("utf-8")


def _bad(message: str) -> Looked:
    return Looked(outcome=Outcome.VALIDATE_ERROR, message=tidy(message))
