"""This file is where `grid volunteer` reads what the owner of a machine chooses."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from grid.engines.child import DATA_BYTES_MAX, Limits
from grid.engines.known import KNOWN, LEAST_BYTES
from grid.volunteer import volunteer as take_part
from grid.volunteer.hours import hours as hours_of
from grid.volunteer.options import DRAIN_S, Options
from grid.volunteer.progress import Show
from grid.volunteer.state import default_folder
from grid.volunteer.wishes import Wishes
from grid.volunteer.wishes import until as moment_of


def said(help: str, *names: str, **further: Any) -> Any:
    """An option, in a line."""
    return typer.Option(*names, help=help, **further)


WHERE = "~/.local/state/grid-volunteer"
Server = Annotated[str, said("The grid to compute for, http(s)://…", envvar="VOLUNTEER_SERVER")]
Cores = Annotated[int, said("Work units at a time.", min=1, max=256)]
Once = Annotated[bool, said("Leave when there is no more work.", "--once")]
Token = Annotated[str | None, said("A trusted-host token.", envvar="VOLUNTEER_TOKEN")]
Quiet = Annotated[bool, said("Show nothing.", "--quiet")]
JsonLines = Annotated[bool, said("What happens, as a JSON object a line.", "--json")]
Duty = Annotated[int, said("Percent of each core it may take.", min=1, max=100)]
InHours = Annotated[str | None, said("Compute in these hours of the day only, such as 22-6.")]
Until = Annotated[str | None, said("Leave then: 17:30, or a date and time as in ISO 8601.")]
Memory = Annotated[int, said("Megabytes for each core's child.", min=1, max=1 << 20)]
Drain = Annotated[float, said("Seconds to finish what it computes when asked to leave.", min=0)]
State = Annotated[
    Path | None,
    said("Where it keeps its key and who it is.", envvar="VOLUNTEER_STATE", show_default=WHERE),
]
Engine = Annotated[str, said(f"What programs run in: {' or '.join(KNOWN)}.")]
Owners = Annotated[list[str] | None, said("Only for this requester, the dearest first.")]
NotOwners = Annotated[list[str] | None, said("Not for this requester.")]
Topics = Annotated[list[str] | None, said("Only work about this.")]
NotTopics = Annotated[list[str] | None, said("No work about this.")]
JobTypes = Annotated[list[str] | None, said("Only jobs of this type.")]
Jobs = Annotated[list[str] | None, said("Only this job, while it is open.")]
Selector = Annotated[str | None, said("The order of work, such as shortest_first.")]


def volunteer(
    server: Server,
    cores: Cores = 1,
    once: Once = False,
    token: Token = None,
    quiet: Quiet = False,
    json: JsonLines = False,
    duty: Duty = 100,
    hours: InHours = None,
    until: Until = None,
    memory_mb: Memory = DATA_BYTES_MAX >> 20,
    drain: Drain = DRAIN_S,
    state: State = None,
    engine: Engine = "deno",
    owner: Owners = None,
    refuse_owner: NotOwners = None,
    topic: Topics = None,
    refuse_topic: NotTopics = None,
    job_type: JobTypes = None,
    job: Jobs = None,
    selector: Selector = None,
) -> None:
    """Compute for a grid on this machine, in sandboxed child processes (Linux only)."""
    if not server.startswith(("http://", "https://")):
        _refuse(f"--server: {server} begins with neither http:// nor https://")
    if engine not in KNOWN:
        _refuse(f"--engine: one of {', '.join(KNOWN)}")
    if memory_mb < LEAST_BYTES[engine] >> 20:
        _refuse(f"--memory-mb: {engine} needs {LEAST_BYTES[engine] >> 20}")
    options = Options(
        server=server,
        cores=cores,
        once=once,
        token=token,
        engine=engine,
        limits=Limits(data_bytes_max=memory_mb << 20, duty_percent=duty),
        wishes=Wishes(
            owners=tuple(owner or ()),
            refuse_owners=tuple(refuse_owner or ()),
            topics=tuple(topic or ()),
            refuse_topics=tuple(refuse_topic or ()),
            job_types=tuple(job_type or ()),
            jobs=tuple(job or ()),
            selector=selector,
            until=_named("--until", _moment, until),
        ),
        hours=_named("--hours", hours_of, hours),
        drain_s=drain,
        state=state or default_folder(),
    )
    show = Show.JSON if json else Show.NOTHING if quiet else Show.LINES
    raise typer.Exit(take_part(options, show))


def _moment(text: str) -> float:
    return moment_of(text, datetime.now().astimezone()).timestamp()


def _named(option: str, read: Any, text: str | None) -> Any:
    """What the text of an option means; the command ends where that is nothing."""
    try:
        return None if text is None else read(text)
    except ValueError as error:
        _refuse(f"{option}: {error}")


def _refuse(message: str) -> NoReturn:
    typer.echo(f"grid: {message}", err=True)
    raise typer.Exit(2)
