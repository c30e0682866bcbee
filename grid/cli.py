"""This file is where the commands are that need no web server."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from grid import settings
from grid.audit.command import audit
from grid.audit.faults import Broken, Unreadable
from grid.audit.site import Site
from grid.client import commands as requests
from grid.daemons import recorder
from grid.db import commands, queries
from grid.db.keyring import KeyringError
from grid.db.record.exporting import from_log
from grid.db.store import StartRefused, Store
from grid.db.transaction import Transaction
from grid.items import Mode
from grid.kit.making import NotMade, make
from grid.plugins.loader import OWN_FOLDER, Found, PluginError, discover
from grid.publishing.command import key as log_key
from grid.publishing.command import witness
from grid.replay import Difference, histories
from grid.simulation import campaign
from grid.simulation.scenario import Behaviour, Crowd, Scenario, crashes_from
from grid.upkeep.command import backup, doctor, restore
from grid.volunteer.command import volunteer

app = typer.Typer(
    no_args_is_help=True,
    help="Grid: a verified computing grid of web browsers.",
)
plugins = typer.Typer(no_args_is_help=True, help="See and enable job types.")
app.command()(audit)
for command in (requests.jobs, requests.watch, requests.output, requests.cancel):
    app.command()(command)
app.add_typer(requests.datasets_app, name="datasets")
app.command()(requests.hosts)
app.command()(requests.ban)
app.command()(witness)
app.command()(backup)
app.command()(restore)
app.command()(doctor)
app.add_typer(log_key, name="key")
app.add_typer(plugins, name="plugins")

console = Console()

#: Objects that may be made before it is looked for garbage among them: a batch makes ten thousand
#: that are all gone after it, and hardly ever a cycle.
OBJECTS_BETWEEN_COLLECTIONS = 50_000


def collect_rarely() -> None:
    """Look for garbage in cycles only now and then, and never again among what there is already."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(OBJECTS_BETWEEN_COLLECTIONS)


@contextmanager
def open_store() -> Iterator[Store]:
    """The store of the data folder that the environment names; one line and exit 2 if not."""
    try:
        store = Store(settings.from_environment(os.environ))
    except (settings.SettingsError, StartRefused, PluginError, KeyringError) as error:
        stop(str(error))
    try:
        yield store
    finally:
        store.close()


def stop(message: str) -> NoReturn:
    """Say what is wrong on standard error and leave with exit code 2."""
    typer.echo(f"grid: {message}", err=True)
    raise typer.Exit(2)


@app.command("export-audit")
def export_audit(
    file: Annotated[Path, typer.Argument(help="The SQLite file to be made.")],
    source: Annotated[
        str | None, typer.Option("--from", help="A server's address; this data folder otherwise.")
    ] = None,
) -> None:
    """Write the public record, the log as tables, to a SQLite file (docs/public-record.md)."""
    if file.exists():
        stop(f"{file} is there already")
    try:
        if source is None:
            with open_store() as store:
                recorder.do_pass(store, store.now())
                store.record.copy(file)
        else:
            with Site(source) as site:
                from_log(site, file)
    except (Broken, Unreadable, OSError) as error:
        file.unlink(missing_ok=True)
        stop(f"{file}: {error}")
    typer.echo(f"{file}: {file.stat().st_size:,} bytes")


@app.command()
def replay(
    history: Annotated[list[Path], typer.Argument(help="JSON lines of an entry each.")],
) -> None:
    """Judge recorded histories again by today's rules; exit code 1 at the first difference."""
    for path in history:
        try:
            said = histories(path.read_text(encoding="utf-8"))
        except OSError as error:
            stop(f"{path}: {error.strerror or error}")
        except ValueError as error:
            stop(f"{path}: {error}")
        if isinstance(said, Difference):
            typer.echo(f"{path}: entry {said.place} would be decided otherwise today")
            typer.echo(f"  logged: {said.logged}")
            typer.echo(f"  today:  {said.today}")
            raise typer.Exit(1)
        typer.echo(f"{path}: {said} verdicts, all as today's rules decide")


@plugins.command("list")
def plugins_list() -> None:
    """List every job type that is there, with its digest and whether it is enabled."""
    with open_store() as store:
        with store.read() as connection:
            known = queries.plugins(connection)
        table = Table(box=None)
        for name in ("job type", "version", "digest", "state"):
            table.add_column(name, no_wrap=True)
        table.add_column("what it does")
        for found in store.job_types.found():
            manifest = found.manifest
            row = known.get(manifest.name)
            if row is None or not row.enabled:
                state = "disabled"
            else:
                state = "enabled" if row.digest == found.digest else "changed: enable again"
            table.add_row(
                manifest.name, manifest.version, found.digest[:12], state, manifest.summary
            )
    console.print(table)


@plugins.command("enable")
def plugins_enable(
    names: Annotated[list[str], typer.Argument(help="One or more job types: all of them or none.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    caution: Annotated[
        bool, typer.Option("--caution", help="I have read what the job type warns of.")
    ] = False,
) -> None:
    """Let requesters use job types: exactly the code that is there now."""
    with open_store() as store:
        wanted = [_find(store, name) for name in dict.fromkeys(names)]
        for found in wanted:
            manifest = found.manifest
            typer.echo(f"{manifest.name} {manifest.version}: {manifest.summary}")
            typer.echo(f"folder  {found.folder}")
            typer.echo(f"digest  {found.digest}")
            if manifest.caution and not caution:
                stop(f"{manifest.caution} Whoever has read this enables it with --caution.")
        if not yes and not typer.confirm("Run this code on the server?"):
            raise typer.Exit(1)
        try:
            for found in wanted:
                store.job_types.loaded(found.digest)
        except PluginError as error:
            stop(str(error))
        store.write(lambda tx: _set_plugins(tx, wanted, enabled=True))
        typer.echo("enabled")


@plugins.command("disable")
def plugins_disable(name: str) -> None:
    """Refuse new jobs of a type; open ones run to their end."""
    with open_store() as store:
        found = _find(store, name)
        store.write(lambda tx: _set_plugins(tx, [found], enabled=False))
        typer.echo(f"{name}: disabled")


@app.command("new-job-type")
def new_job_type(
    name: Annotated[str, typer.Argument(help="Letters and digits, a letter first.")],
    into: Annotated[Path, typer.Option(help="The folder that gets the new folder.")] = Path("."),
) -> None:
    """Write a job type that keeps to the contract as it is, to be changed into one of your own."""
    try:
        folders = settings.from_environment(os.environ).job_type_folders
        there = discover((OWN_FOLDER, *map(Path, folders)))
        written = make(name, into, there)
    except (settings.SettingsError, PluginError, NotMade) as error:
        stop(str(error))
    for path in written:
        typer.echo(path)
    typer.echo(f"Next: grid check-job-type {into / name}")


app.command()(volunteer)


#: What may be chosen about a simulated grid.
SCENARIO = Scenario.__struct_fields__


def part(help: str) -> Any:
    """A probability, or a share of a crowd."""
    return typer.Option(min=0.0, max=1.0, help=help)


def count(help: str) -> Any:
    """A whole number from 1."""
    return typer.Option(min=1, help=help)


@app.command()
def simulate(
    seed: Annotated[int, typer.Option(help="All chance comes from it.")],
    seeds: Annotated[int, typer.Option(min=1, help="So many seeds, one after another.")] = 1,
    varied: Annotated[
        bool, typer.Option("--varied", help="Draw all but the size from each seed.")
    ] = False,
    work_units: Annotated[int, count("Of all jobs together.")] = 200,
    jobs: Annotated[int, count("They share the work units.")] = 1,
    mode: Annotated[Mode, typer.Option(help="How answers are believed.")] = Mode.FIXED,
    min_quorum: Annotated[int, count("Equal answers that fixed mode asks for.")] = 2,
    delay_bound_s: Annotated[int, count("Seconds a host has for a copy.")] = 120,
    hosts: Annotated[int, count("Hosts that are there at a time, about.")] = 40,
    crowd: Annotated[Crowd, typer.Option(help="Whether hosts stay.")] = Crowd.RESIDENTS,
    crowded: Annotated[float, part("Hosts behind one and the same address.")] = 0.0,
    accounts: Annotated[float, part("Hosts that belong to one of a few accounts.")] = 0.0,
    coming_back: Annotated[float, part("Banned hosts that are back as somebody new.")] = 0.0,
    behaviour: Annotated[
        Behaviour, typer.Option(help="How saboteurs choose when to lie.")
    ] = Behaviour.COLLUDING,
    share: Annotated[float, part("Saboteurs among hosts.")] = 0.0,
    lying: Annotated[float, part("Work units that a saboteur lies about where it may.")] = 0.3,
    flaky: Annotated[float, part("Honest hosts whose hardware errs now and then.")] = 0.0,
    bad_engine: Annotated[float, part("Hosts whose engine has a bug.")] = 0.0,
    bad_reference: Annotated[float, part("Work units that the server's own run gets wrong.")] = 0.0,
    errors: Annotated[float, part("Copies whose program fails.")] = 0.01,
    garbage: Annotated[float, part("Copies whose output is no output.")] = 0.002,
    given_back: Annotated[float, part("Copies that are given back.")] = 0.01,
    forgotten: Annotated[float, part("Copies never heard of again.")] = 0.01,
    slow: Annotated[float, part("Hosts so slow that they miss deadlines.")] = 0.05,
    network: Annotated[float, part("Messages that are lost, doubled, late, unanswered.")] = 0.0,
    crashes: Annotated[float, part("Commits at which the server dies.")] = 0.0,
    crashes_at: Annotated[
        str, typer.Option(help="Commits at which the server dies: 17:before,30:after.")
    ] = "",
    check_every: Annotated[int, count("Invariants are checked after so many steps.")] = 1,
) -> None:
    """Play a grid in virtual time: the real rules and store, simulated hosts, from one seed."""
    given = {name: value for name, value in locals().items() if name in SCENARIO}
    try:
        given["crashes_at"] = crashes_from(crashes_at)
    except ValueError as error:
        stop(f"--crashes-at: {error}")
    collect_rarely()
    if not campaign.play_all(Scenario(**given), seeds, varied, typer.echo):
        raise typer.Exit(1)


def _find(store: Store, name: str) -> Found:
    try:
        found = store.job_types.find(name)
    except PluginError as error:
        stop(str(error))
    if found is None:
        there = ", ".join(one.manifest.name for one in store.job_types.found())
        stop(f"{name}: no such job type; there are {there}")
    return found


def _set_plugins(transaction: Transaction, wanted: list[Found], *, enabled: bool) -> None:
    for found in wanted:
        manifest = found.manifest
        commands.set_plugin(transaction, manifest.name, manifest.version, found.digest, enabled)
