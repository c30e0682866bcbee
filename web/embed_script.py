"""This file is where the script that other sites load has its digest, and the lines to copy."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from pathlib import Path

from msgspec import Struct

from grid import canonical

SCRIPT = Path(__file__).parent / "static" / "client" / "embed.js"
#: Hexadecimal digits of the digest in the script's address: 80 bits.
DIGEST_DIGITS = 20
NAME = re.compile(rf"embed-([0-9a-f]{{{DIGEST_DIGITS}}})\.js")


class EmbedScript(Struct, frozen=True):
    """One version of `embed.js`."""

    text: str

    @property
    def path(self) -> str:
        """Where it stays for its time, whatever `/embed.js` becomes."""
        return f"/embed/embed-{canonical.digest(self.text.encode())[:DIGEST_DIGITS]}.js"

    @property
    def integrity(self) -> str:
        """W3C Subresource Integrity: SHA-384, base64."""
        digest = hashlib.sha384(self.text.encode()).digest()
        return f"sha384-{base64.b64encode(digest).decode()}"


def newest() -> EmbedScript:
    """The version of this build; raises FileNotFoundError where the client was not built."""
    return EmbedScript(SCRIPT.read_text("utf-8"))


def iframe_line(address: str, owner: str = "") -> str:
    """The line without any script; the Referer tells us whose page it is in, and no more."""
    chosen = f"&amp;owner={escape(owner)}" if owner else ""
    return (
        f'<iframe src="{address}/volunteer?embed=1{chosen}" title="Lend this browser to Grid" '
        'width="360" height="340" referrerpolicy="origin" allow="compute-pressure"></iframe>'
    )


def script_line(address: str, script: EmbedScript, owner: str = "") -> str:
    """The line with this very version of the script, which the browser checks."""
    chosen = f' data-owner="{escape(owner)}"' if owner else ""
    return (
        f'<script src="{address}{script.path}" integrity="{script.integrity}" '
        f'crossorigin="anonymous"{chosen} async></script>'
    )
