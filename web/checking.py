"""This file is where `grid check-job-type` shows what an author's job type keeps to, and where not.

It stands here because this is where browsers are engines, beside those in child processes.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from grid import cli
from grid.engines import Engine
from grid.engines.known import KNOWN
from grid.engines.known import make as make_child
from web.browsers.engine import BrowserEngine
from web.browsers.starting import BROWSERS, program_of

NAMES = (*KNOWN, *BROWSERS)
#: Every engine that is installed.
ALL = "all"
NEEDED = "check-job-type needs Hypothesis: install grid-compute[conformance]"


def check_job_type(
    folder: Annotated[Path, typer.Argument(help="The job type's folder; its code is imported.")],
    engine: Annotated[
        list[str] | None,
        typer.Option(help=f"{', '.join(NAMES)}; may be repeated; `{ALL}` that are here if not."),
    ] = None,
    tables: Annotated[int, typer.Option(min=1, help="Random tables of each example.")] = 20,
    specs: Annotated[int, typer.Option(min=1, help="Random specs of each example.")] = 50,
    seed: Annotated[int, typer.Option(help="All chance comes from it.")] = 0,
) -> None:
    """Hold a job type to the contract: examples, random tables and specs, forged outputs.

    Ends with exit code 1 at the first thing that does not hold, and says how to see it again.
    """
    try:
        from grid.kit.checking import Plan, checked  # Hypothesis is no part of a server
    except ModuleNotFoundError:
        cli.stop(NEEDED)
    chosen = _chosen(engine or [ALL])
    console = Console(soft_wrap=True, highlight=False)
    plan = Plan(tables=tables, specs=specs, seed=seed)
    for step in checked(folder, chosen, plan):
        where = f" on {step.engine}" if step.engine else ""
        sign = "[red]✗[/red]" if step.fault else "[green]✓[/green]"
        console.print(f"{sign} {escape(step.about)}{where}  [dim]{step.took_s:.1f} s[/dim]")
        if step.fault:
            console.print(f"\n[bold]{escape(step.fault)}[/bold]")
            if step.case:
                console.print(f"\n{escape(step.case)}")
            again = ["grid", "check-job-type", str(folder)]
            again += ["--engine", step.engine] if step.engine else []
            again += ["--tables", str(tables), "--specs", str(specs), "--seed", str(seed)]
            console.print(f"\nSee it again: {escape(shlex.join(again))}")
            raise typer.Exit(1)
    console.print(f"It keeps to the contract on {', '.join(name for name, _ in chosen)}.")


def _chosen(names: list[str]) -> list[tuple[str, Callable[[], Engine]]]:
    """The engines of these names; exit code 2 for one that is not known or not here."""
    makers: dict[str, Callable[[], Engine]] = {name: partial(make_child, name) for name in KNOWN}
    makers |= {name: partial(BrowserEngine, name) for name in BROWSERS if program_of(name)}
    if ALL in names:
        return list(makers.items())
    for name in names:
        if name not in NAMES:
            cli.stop(f"--engine {name}: one of {', '.join(NAMES)}, {ALL}")
        if name not in makers:
            cli.stop(f"--engine {name}: it is not installed here")
    return [(name, makers[name]) for name in names]
