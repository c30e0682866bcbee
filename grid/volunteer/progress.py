"""This file is where a headless volunteer shows what it does: to people, or to programs."""

from __future__ import annotations

import sys
import threading
import time
from enum import StrEnum
from types import TracebackType
from typing import TextIO

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from grid.volunteer.events import Event, Said
from grid.volunteer.options import Options

REFRESHES_PER_S = 4
#: What is worth a line, or a place in the view of its core.
STATES = frozenset({Event.COMPUTING, Event.WAITING, Event.RESTING, Event.TROUBLE})


class Show(StrEnum):
    """How it is shown."""

    #: A view that changes on a terminal, a line for each event elsewhere.
    LINES = "lines"
    #: One JSON object a line, on standard output.
    JSON = "json"
    NOTHING = "nothing"


class Progress:
    """Told everything by all cores."""

    def __init__(
        self,
        show: Show,
        options: Options,
        console: Console | None = None,
        out: TextIO | None = None,
    ) -> None:
        self._show, self._options, self._out = show, options, out or sys.stdout
        self._console = console or Console(stderr=True, quiet=show is not Show.LINES)
        self._live: Live | None = None
        self._lock, self._printing = threading.Lock(), threading.Lock()
        self._started = time.monotonic()
        self._accepted = self._refused = self._failed = 0
        self._host = ""
        self._text = "starting"
        #: What each core is at, and since when.
        self._cores: dict[int, tuple[str, float]] = {}

    def __enter__(self) -> Progress:
        if self._show is Show.LINES and self._console.is_terminal:
            self._live = Live(
                console=self._console,
                get_renderable=self._view,
                refresh_per_second=REFRESHES_PER_S,
                transient=True,
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        text = f"{self._accepted} work units accepted"
        self.tell(Said(event=Event.LEFT, text=text, total=self._accepted))

    def tell(self, said: Said) -> None:
        """Show what happened; from any thread."""
        with self._lock:
            self._count(said)
            changed = bool(said.text) and said.text != self._text
            self._text = said.text or self._text
        with self._printing:  # never within the other lock: printing on a terminal calls `_view`
            if self._show is Show.JSON:
                line = {"time": round(time.time(), 3), **msgspec.to_builtins(said)}
                print(msgspec.json.encode(line).decode(), file=self._out, flush=True)
            elif changed and (self._live is None or said.event not in STATES):
                self._console.print(escape(said.text), highlight=False, soft_wrap=True)

    def _count(self, said: Said) -> None:
        if said.event is Event.REPORTED and said.outcome != "released":
            good = bool(said.accepted) and said.outcome == "success"
            self._accepted += good
            self._refused += not said.accepted
            self._failed += bool(said.accepted) and said.outcome == "error"
        if said.event is Event.ENROLLED:
            self._host = said.host or ""
        if said.core is not None and said.event in STATES:
            self._cores[said.core] = (said.text, time.monotonic())

    def _view(self) -> Group:
        now, options = time.monotonic(), self._options
        with self._lock:
            passed_s = max(now - self._started, 1e-3)
            head = [options.server, self._host, options.engine]
            if options.limits.duty_percent < 100:
                head.append(f"{options.limits.duty_percent} % of each core")
            table = Table.grid(padding=(0, 2))
            for core in range(1, options.cores + 1):
                text, since = self._cores.get(core, (self._text, self._started))
                table.add_row(f"core {core}", escape(text), f"{now - since:.0f} s")
            counts = [
                f"{self._accepted} accepted",
                f"{self._accepted / passed_s * 60:.1f} a minute",
                *([f"{self._failed} failed"] if self._failed else []),
                *([f"{self._refused} refused"] if self._refused else []),
            ]
        return Group(
            Text.from_markup(f"[bold]grid volunteer[/] · {escape(' · '.join(filter(None, head)))}"),
            table,
            Text.from_markup(f"[bold]{' · '.join(counts)}[/] · Ctrl-C finishes and leaves"),
        )
