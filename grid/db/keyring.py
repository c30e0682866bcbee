"""This file is where the server's secret lives: one file, from which every key is derived."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from grid.auditlog import entries
from grid.auditlog.entries import About
from grid.auditlog.notes import ED25519, Key
from grid.db.passes import Passes
from grid.db.transaction import Entropy
from grid.identifiers import Identifiers, Kind
from grid.items import Job
from grid.statements import Signer

FILE_NAME = "secret.key"
SECRET_BYTES = 32


class KeyringError(Exception):
    """The secret file cannot be used; says why."""


class Keyring:
    """Keys for ids, leases and pseudonyms; lose the secret and no id or lease is known again."""

    def __init__(self, secret: bytes) -> None:
        self.identifiers = Identifiers(_derive(secret, "identifiers")[:16])
        self.lease_key = _derive(secret, "leases")
        self.pseudonym_key = _derive(secret, "pseudonyms")
        #: Promises what the log will hold. Checkpoints have a key of their own, elsewhere.
        self.promises = Signer(_derive(secret, "promises"))
        self._body_key = _derive(secret, "bodies")
        self.passes = Passes(partial(_derive, secret))
        self._secrets = AESGCM(_derive(secret, "secrets of jobs"))

    def seal_secret(self, nonce: bytes, data: bytes, job_id: int) -> bytes:
        """What a job keeps secret, encrypted by AES-256-GCM for this job alone."""
        return self._secrets.encrypt(nonce, data, b"job %d" % job_id)

    def open_secret(self, nonce: bytes, sealed: bytes, job_id: int) -> bytes:
        """The same decrypted; raises InvalidTag for anything else."""
        return self._secrets.decrypt(nonce, sealed, b"job %d" % job_id)

    def body_digest(self, body: bytes) -> str:
        """A digest of a posted body that proves no guess of what is secret in it."""
        return hmac.digest(self._body_key, body, hashlib.sha256).hex()

    def promise_key(self) -> Key:
        """The public key of promises, as the log announces it."""
        return Key("promises", ED25519, self.promises.public)

    def about(self, job: Job) -> About:
        """How the log speaks of a job."""
        public_id = self.identifiers.public(Kind.JOB, job.id)
        return entries.about(job, public_id, self.pseudonym_key)


def open_keyring(folder: Path, entropy: Entropy = secrets.token_bytes) -> Keyring:
    """The keyring of a data folder; made at first start, readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
    else:
        secret = entropy(SECRET_BYTES)
        with os.fdopen(handle, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
    if len(secret) != SECRET_BYTES:
        raise KeyringError(f"{path}: holds {len(secret)} bytes, not {SECRET_BYTES}")
    return Keyring(secret)


def _derive(secret: bytes, purpose: str) -> bytes:
    return hmac.digest(secret, purpose.encode(), hashlib.sha256)
