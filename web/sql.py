"""This file is where the public record may be asked in SQL: Datasette, under `/audit/sql/`.

It is mounted read-only over tables that are made from the published log, so it can show nothing
that a seal covers. Its pages hold inline scripts and styles: they are the one exception from this
server's policies, and have a policy of their own.
"""

from __future__ import annotations

import importlib
import secrets
from typing import Any

from datasette.app import Datasette
from litestar.datastructures import MutableScopeHeaders
from litestar.handlers import asgi
from litestar.types import Message, Receive, Scope, Send

from grid.db.record.schema import metadata
from grid.db.record.store import PublicRecord

# It would print every mistake in a stranger's SQL, with all local values, into the server's log.
importlib.import_module("datasette.handle_exception").rich = None  # type: ignore[attr-defined]

PATH = "/audit/sql"
LICENSE_URL = "https://creativecommons.org/publicdomain/zero/1.0/"
POLICY = (
    # An origin of its own, which no cookie, and nobody's session, belongs to.
    "sandbox allow-scripts allow-forms allow-downloads; "
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
SETTINGS = {
    "base_url": f"{PATH}/",
    "sql_time_limit_ms": 1000,
    "max_returned_rows": 1000,
    "max_csv_mb": 50,
    "num_sql_threads": 2,
    "allow_download": False,
    "allow_facet": False,
    "suggest_facets": False,
    "default_cache_ttl": 0,
}
METHODS = ("GET", "HEAD")
#: Headers by which a caller is known.
WHOSE = frozenset({b"cookie", b"authorization"})


class Asked:
    """Datasette over a server's public record; it begins with the first question."""

    def __init__(self, record: PublicRecord) -> None:
        self._record = record
        self._app: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._app is None:
            self._record.taken()  # makes the file where there is none
            self._app = Datasette(
                [str(self._record.path)],
                metadata=described(),
                settings=SETTINGS,
                secret=secrets.token_hex(32),
            ).app()

        # Nothing there depends on who asks, so nobody's cookie or token goes there.
        headers = [pair for pair in scope["headers"] if pair[0] not in WHOSE]
        scope = {**scope, "headers": headers}  # type: ignore[assignment]

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableScopeHeaders.from_message(message)
                headers["Content-Security-Policy"] = POLICY
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
            await send(message)

        await self._app(scope, receive, strict)


def described() -> dict[str, Any]:
    """The tables and columns in words, and the licence, as Datasette wants them."""
    tables = {
        name: {
            "description": table.comment,
            "columns": {column.name: column.comment for column in table.columns},
        }
        for name, table in metadata.tables.items()
    }
    return {
        "title": "The public record of this grid",
        "description": "Made from the public log, of which every entry can be proven.",
        "license": "CC0 1.0",
        "license_url": LICENSE_URL,
        "source": "the public log",
        "source_url": "/audit",
        "databases": {"record": {"tables": tables}},
    }


@asgi(PATH, is_mount=True, copy_scope=True)
async def ask(scope: Scope, receive: Receive, send: Send) -> None:
    """Datasette's own routes."""
    if scope.get("method") not in METHODS:
        await send({"type": "http.response.start", "status": 405, "headers": [(b"allow", b"GET")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    asked: Asked = scope["litestar_app"].state["asked"]
    await asked(scope, receive, send)
