"""This file is where a job that was put together on a page is told as a program would send it."""

from __future__ import annotations

import json
import shlex

from msgspec import Struct

from grid.items import Json


class Copies(Struct, frozen=True, kw_only=True):
    """One request in three spellings, each ready to be pasted."""

    curl: str
    python: str
    cli: str


def copies(origin: str, body: Json) -> Copies:
    """A POST of this body to the server that is called `origin`; the token is the reader's own."""
    text = json.dumps(body, ensure_ascii=False)
    curl = (
        'curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\\n'
        f"  {shlex.quote(origin + '/api/v1/jobs')} -d {shlex.quote(text)}"
    )
    python = (
        "import json, os, httpx\n\n"
        f"body = json.loads({text!r})\n"
        'headers = {"Authorization": f"Bearer {os.environ[\'TOKEN\']}"}\n'
        f"answer = httpx.post({origin + '/api/v1/jobs'!r}, json=body, headers=headers)\n"
        "print(answer.raise_for_status().json()['id'])"
    )
    cli = f"echo {shlex.quote(text)} | grid submit - --server {shlex.quote(origin)}"
    return Copies(curl=curl, python=python, cli=cli)
