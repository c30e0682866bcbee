"""This file is where it is looked whether a host itself said what it is said to report.

This happens outside the writer, beside the look at the output's bytes.
"""

from __future__ import annotations

import base64
import binascii

from grid import canonical, statements
from grid.items import Host
from web.messages import ReportBody


def authentic(host: Host, said: ReportBody, output_digest: str | None) -> bool:
    """Whether this report may be taken for the host's: it has no key, or it signed this.

    `output_digest` is that of the output's bytes, where it is known already. What is given back
    says nothing that anybody could be held to, so that needs no signature: a page that is closed
    has no time for one.
    """
    if host.public_key is None:
        return True
    if said.signature is None:
        return said.outcome == "released"
    digest = output_digest or _digest(said)
    if digest is None:
        return False
    statement = statements.of_report(said.result_id, said.lease, said.outcome, digest)
    return statements.verify(host.public_key, said.signature, statement)


def _digest(said: ReportBody) -> str | None:
    """The SHA-256 of what is said; "" for nothing, and None for what is not base64."""
    if said.outcome == "success":
        if said.output is None:
            return said.output_digest or ""
        try:
            return canonical.digest(base64.b64decode(said.output, validate=True))
        except (binascii.Error, ValueError):
            return None
    return "" if said.message is None else canonical.digest(said.message.encode())
