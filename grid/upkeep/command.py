"""This file is where `grid backup`, `grid restore` and `grid doctor` are put into words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from grid import settings
from grid.db.copying import NotEmpty
from grid.db.keyring import KeyringError
from grid.db.store import StartRefused, Store
from grid.plugins.loader import PluginError
from grid.upkeep import doctor as looking
from grid.upkeep.backup import BadBackup, Manifest, make, verify
from grid.upkeep.backup import restore as put_back

REFUSED = (settings.SettingsError, StartRefused, PluginError, KeyringError, BadBackup, NotEmpty)

Folder = Annotated[Path, typer.Argument(help="The backup's folder.")]


def backup(
    folder: Folder,
    check: Annotated[bool, typer.Option("--check", help="Only verify one that is there.")] = False,
) -> None:
    """Copy a server whole, while it runs: database, blobs, log and keys; then verify the copy."""
    try:
        if check:
            _say("whole", verify(folder))
            return
        store = Store(settings.from_environment(os.environ))
        try:
            _say("made and verified", make(store, folder))
        finally:
            store.close()
    except REFUSED as error:
        _stop(str(error))
    except OSError as error:
        _stop(f"{folder}: {error}")


def restore(folder: Folder) -> None:
    """Verify a backup, and put it into an empty data folder and database, of either kind."""
    try:
        _say("restored", put_back(folder, settings.from_environment(os.environ)))
    except REFUSED as error:
        _stop(str(error))
    except OSError as error:
        _stop(f"{folder}: {error}")


def doctor() -> None:
    """Look at settings, database, clock, blobs, disk, keys and log; exit code 1 if any is wrong."""
    try:
        store = Store(settings.from_environment(os.environ))
    except REFUSED as error:
        _stop(str(error))
    bad = False
    try:
        for one in looking.examine(store):
            typer.echo(f"{one.what:9} {'WRONG: ' + one.wrong if one.wrong else 'ok: ' + one.seen}")
            bad = bad or bool(one.wrong)
    finally:
        store.close()
    if bad:
        raise typer.Exit(1)


def _say(done: str, manifest: Manifest) -> None:
    rows, blobs = sum(manifest.rows.values()), sum(map(len, manifest.blobs.values()))
    typer.echo(f"{done}: {rows:,} rows, {blobs:,} blobs, {len(manifest.files):,} other files")


def _stop(message: str) -> NoReturn:
    typer.echo(f"grid: {message}", err=True)
    raise typer.Exit(2)
