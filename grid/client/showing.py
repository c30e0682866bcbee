"""This file is where a job is shown while it is waited for: a bar in a terminal or a notebook."""

from __future__ import annotations

from html import escape
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

View = dict[str, Any]
CELLS = 24


class Bar:
    """Follows one job; shows nothing where nobody looks unless it is told to."""

    def __init__(self, wanted: bool | None) -> None:
        console = Console(stderr=True)
        shown = console.is_terminal or console.is_jupyter if wanted is None else wanted
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not shown,
            transient=False,
        )
        self._line: Any = None

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self._progress.stop()

    def seen(self, view: View) -> None:
        """Show how far it is."""
        counts = view["counts"]
        said = f"{counts['decided']:,} of {counts['work_units']:,} work units, {view['state']}"
        if self._line is None:
            self._line = self._progress.add_task(view["name"], total=1.0, said=said)
        self._progress.update(self._line, completed=view["progress"], said=said)


def line(view: View) -> Text:
    """A job in one line, with a bar of how far it is."""
    full = round(view["progress"] * CELLS)
    counts = view["counts"]
    shown = Text()
    shown.append(f"{view['name']} ", style="bold")
    shown.append("━" * full, style="green").append("━" * (CELLS - full), style="dim")
    shown.append(f" {view['progress']:.0%}  {view['state']}  ")
    shown.append(f"{counts['decided']:,}/{counts['work_units']:,} work units", style="dim")
    if view.get("failure"):
        shown.append(f"  {view['failure']}", style="red")
    return shown


def html(view: View, url: str) -> str:
    """The same for a notebook."""
    name, state = escape(view["name"]), escape(view["state"])
    page = escape(url + view["_links"]["page"]["href"])
    bar = f'<progress value="{view["progress"]}" max="1"></progress>'
    return f'<div><a href="{page}">{name}</a> {bar} {view["progress"]:.0%} {state}</div>'
