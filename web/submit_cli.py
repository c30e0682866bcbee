"""This file is where the `grid submit` command is: a job from a file, to a server anywhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import httpx
import msgspec
import typer

from grid import cli
from web.messages import JobBody

#: A spec may take the server some seconds to check.
TIMEOUT_S = 60


def submit(
    file: Annotated[Path, typer.Argument(help="The job as JSON, as POST /jobs takes it; - reads.")],
    server: Annotated[str, typer.Option(help="The server's address.")] = "http://127.0.0.1:8080",
) -> None:
    """Submit a job, with the token in TOKEN; prints where its page is."""
    token = os.environ.get("TOKEN", "")
    if not token:
        cli.stop("TOKEN is not set: make a token at /account, or with `grid token create`")
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        body = msgspec.json.decode(text, type=JobBody)
    except (OSError, UnicodeDecodeError) as error:
        cli.stop(f"{file}: {error}")
    except msgspec.MsgspecError as error:
        cli.stop(f"{file}: {error}")
    try:
        answer = httpx.post(
            f"{server.rstrip('/')}/api/v1/jobs",
            content=msgspec.json.encode(body),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            timeout=TIMEOUT_S,
        )
        said = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        cli.stop(f"{server}: {error}")
    if answer.status_code != httpx.codes.CREATED:
        cli.stop(str(said.get("detail", answer.status_code)))
    typer.echo(f"{server.rstrip('/')}/jobs/{said['id']}")
