"""This file is where the measure stands: a bare Litestar handler that answers what it was sent."""

from __future__ import annotations

import sys

import uvicorn
from litestar import Litestar, Request, Response, post


@post("/api/v1/work", status_code=200)
async def echo(request: Request[None, None, object]) -> Response[bytes]:
    """Read the body, send it back."""
    return Response(await request.body(), media_type="application/json")


if __name__ == "__main__":
    uvicorn.run(
        Litestar([echo]),
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
    )
