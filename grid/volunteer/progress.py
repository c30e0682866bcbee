"""This file is where a headless volunteer shows what it does, on one line."""

from __future__ import annotations

import threading
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status


class Progress:
    """A line that changes on a terminal, a line for each event elsewhere, nothing when quiet."""

    def __init__(self, quiet: bool, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, quiet=quiet)
        self._line: Status | None = None
        self._lock = threading.Lock()
        self._done, self._text = 0, "starting"

    def __enter__(self) -> Progress:
        if self._console.is_terminal:
            self._line = self._console.status(self._words())
            self._line.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._line is not None:
            self._line.stop()
        self._console.print(f"{self._done} work units accepted", highlight=False)

    def tell(self, text: str, accepted: int) -> None:
        """Show `text`, if any, and count answers that the server has taken; from any thread."""
        with self._lock:
            self._done += accepted
            changed = bool(text) and text != self._text
            self._text = text or self._text
            if self._line is not None:
                self._line.update(self._words())
            elif changed:
                self._console.print(escape(text), highlight=False)

    def _words(self) -> str:
        return f"{self._done} work units accepted · {escape(self._text)}"
