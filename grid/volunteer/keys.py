"""This file is where a headless host signs its reports, with a key that nobody else has."""

from __future__ import annotations

import base64
from typing import Self

import msgspec
from nacl.signing import SigningKey

from grid import canonical, statements
from grid.volunteer.messages import Report


class HostKey:
    """An Ed25519 key pair."""

    def __init__(self, seed: bytes) -> None:
        """`seed` is 32 random bytes that are told to nobody."""
        self._key = SigningKey(seed)

    @classmethod
    def fresh(cls) -> Self:
        """A key that never was."""
        return cls(bytes(SigningKey.generate()))

    @property
    def seed(self) -> bytes:
        """What it is made from."""
        return bytes(self._key)

    @property
    def public_key(self) -> str:
        """Base64 of 32 bytes, as enrolment wants it."""
        return base64.b64encode(bytes(self._key.verify_key)).decode()

    def signed(self, report: Report) -> Report:
        """The report with its signature; what is given back needs none."""
        if report.outcome == "released":
            return report
        statement = statements.of_report(
            report.result_id, report.lease, report.outcome, _said(report)
        )
        signature = base64.b64encode(self._key.sign(statement).signature).decode()
        return msgspec.structs.replace(report, signature=signature)


def _said(report: Report) -> str:
    if report.output_digest is not None:
        return report.output_digest
    if report.output is not None:
        return canonical.digest(base64.b64decode(report.output))
    return "" if report.message is None else canonical.digest(report.message.encode())
