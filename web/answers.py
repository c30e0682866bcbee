"""This file is where answers get their bytes."""

from __future__ import annotations

import msgspec
from litestar import Response

from grid.items import Json

#: Where answers may be kept: what one may see depends on the token, and changes.
PRIVATE = "private, no-cache"
#: The headers that say who asks.
CALLER = "Authorization, Cookie"


def as_json(value: Json, code: int = 200, headers: dict[str, str] | None = None) -> Response[bytes]:
    """A JSON answer."""
    return Response(
        msgspec.json.encode(value),
        status_code=code,
        media_type="application/json",
        headers={"Cache-Control": PRIVATE, "Vary": CALLER, **(headers or {})},
    )
