"""This file is where the log's keys are changed, and where a witness is run: `grid key …` and
`grid witness`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from grid import settings
from grid.auditlog import notes
from grid.auditlog.notes import BadNote
from grid.publishing.signing import Signed, SignerFailed, Signing

key = typer.Typer(no_args_is_help=True, help="The key that the public log is signed with.")


@key.command("show")
def show() -> None:
    """Print the log's verifier keys, newest first."""
    with _signing() as signing:
        _say(signing.state())


@key.command("rotate")
def rotate() -> None:
    """Make a further key: checkpoints are signed by both from now on, and the log says so."""
    with _signing() as signing:
        _say(signing.rotate())


@key.command("retire")
def retire(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete every key but the newest; the log says so, and is signed by that one alone."""
    question = "Whoever knows only an older key can check nothing new. Delete it?"
    if not yes and not typer.confirm(question):
        raise typer.Exit(1)
    with _signing() as signing:
        _say(signing.retire())


def witness(
    folder: Annotated[Path, typer.Argument(help="Where its key and what it saw are kept.")],
    name: Annotated[str, typer.Option(help="What it is called, such as witness.example/w1.")],
    log: Annotated[list[str], typer.Option(help="The verifier key of a log; may be repeated.")],
    host: Annotated[str, typer.Option(help="The address it listens on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free port.")] = 8090,
) -> None:
    """Cosign logs (C2SP tlog-witness): only what continues what was cosigned before."""
    try:
        keys = [notes.key(one) for one in log]
        if any(one.kind != notes.ED25519 for one in keys):
            _stop("--log: a log's key is one for checkpoints (type 1)")
        from grid.publishing.witness import WitnessFolder, server  # locks files as POSIX does

        kept = WitnessFolder(folder, name, keys)
        serving = server(kept, host, port)
    except BadNote as error:
        _stop(str(error))
    except BlockingIOError:
        _stop(f"{folder}: another witness runs in this folder")
    except OSError as error:
        _stop(f"{error.filename or f'{host}:{port}'}: {error.strerror or error}")
    place = serving.server_address
    typer.echo(f"key: {kept.key}")
    typer.echo(f"listening on http://{place[0]!s}:{place[1]}")
    try:
        serving.serve_forever()
    except KeyboardInterrupt:
        serving.server_close()


@contextmanager
def _signing() -> Iterator[Signing]:
    try:
        chosen = settings.from_environment(os.environ)
    except settings.SettingsError as error:
        _stop(str(error))
    if not chosen.data_dir.exists():
        _stop(f"{chosen.data_dir}: there is no data folder; `grid serve` makes it")
    signing = Signing(chosen.data_dir / "signer", chosen.public_url)
    try:
        yield signing
    except SignerFailed as error:
        _stop(str(error))
    finally:
        signing.close()


def _say(state: Signed) -> None:
    for one in state.keys:
        typer.echo(one)


def _stop(message: str) -> NoReturn:
    typer.echo(f"grid: {message}", err=True)
    raise typer.Exit(2)
