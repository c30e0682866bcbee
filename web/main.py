"""This file is where the `grid` command begins, and where `grid serve` serves."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable

import structlog
import typer
import uvicorn

from grid import cli, settings
from grid.db import accounts
from grid.db.keyring import KeyringError
from grid.db.store import StartRefused, Store
from grid.plugins.loader import PluginError
from grid.settings import Settings
from web import access, admin_cli, links, sites_cli, submit_cli
from web.app import create_app
from web.checking import check_job_type
from web.server import Server

#: In-flight requests are answered within this time after SIGTERM.
GRACE_S = 3
#: Connections that the kernel holds while the server is busy.
BACKLOG = 2048
#: How long a thread may keep the others waiting: the loop and the writer hand over a thousand
#: times a second, and a tenth of the usual 5 ms gave a quarter more requests.
SWITCH_INTERVAL_S = 0.0005

app = cli.app
app.command()(check_job_type)
app.command()(admin_cli.admin)
app.command()(submit_cli.submit)
app.add_typer(sites_cli.app, name="sites")
app.add_typer(access.user, name="user")
app.add_typer(access.token, name="token")


class _Uvicorn(uvicorn.Server):
    """Says when it listens, and ends event streams before it waits for open connections."""

    def __init__(self, config: uvicorn.Config, say: Callable[[], None], end: Callable[[], None]):
        super().__init__(config)
        self._say, self._end = say, end

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._say()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end()
        await super().shutdown(sockets)


@app.command()
def serve() -> None:
    """Serve the API, the pages and the volunteers' client; settings come from GRID_* variables."""
    _configure_log()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    try:
        chosen = settings.from_environment(os.environ)
        _configure_log(chosen.log_format)
        listener = _listen(chosen)
        store = Store(chosen)
    except (settings.SettingsError, StartRefused, PluginError, KeyringError) as error:
        cli.stop(str(error))
    except OSError as error:
        cli.stop(f"{chosen.host}:{chosen.port}: {error.strerror or error}")
    try:
        _say_link(chosen, store, listener.getsockname()[1])
        ok = _run(chosen, store, listener)
    finally:
        store.close()
    raise typer.Exit(0 if ok else 3)


def _run(chosen: Settings, store: Store, listener: socket.socket) -> bool:
    application = create_app(chosen, store)
    config = uvicorn.Config(
        application,
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        backlog=BACKLOG,
    )

    def end_streams() -> None:
        server: Server | None = application.state.get("server")
        if server is not None:
            server.events.close()
            server.exchange.close()

    cli.collect_rarely()
    place = links.local(*listener.getsockname()[:2])
    server = _Uvicorn(config, lambda: typer.echo(f"listening on {place}"), end_streams)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, _done)
    server.run(sockets=[listener])
    return server.started


def _done(_number: int, _frame: object) -> None:
    """uvicorn raises the signal that ended it once more: the end was orderly, so exit with 0."""


def _listen(chosen: Settings) -> socket.socket:
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    return socket.create_server((chosen.host, chosen.port), family=family, backlog=BACKLOG)


def _configure_log(form: str = "text") -> None:
    """Lines on standard error; a traceback shows code, never values, for those may be secrets."""
    as_json = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    as_text = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("iso"),
            *(as_json if form == "json" else [as_text]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _say_link(chosen: Settings, store: Store, port: int) -> None:
    """Print the link by which the first admin chooses a password, until some admin can get in."""
    with store.read() as connection:
        if accounts.has_admin(connection, store.now()):
            return
    secret = store.write(lambda tx: accounts.make_link(tx, accounts.grant(tx, "admin", ["admin"])))
    typer.echo(f"data folder: {store.settings.data_dir.resolve()}")
    typer.echo(f"set up the admin: {links.set_up(links.origin(chosen, port), secret)}")
    typer.echo("This link is good for a day and for one password; a new start makes a new one.")


def main() -> None:
    """The `grid` command."""
    app()


if __name__ == "__main__":
    main()
