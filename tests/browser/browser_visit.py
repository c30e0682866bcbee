"""This file is where a visit keeps an eye on its pages: what they say, and whom they ask."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, ConsoleMessage, Page


class Visit:
    """A fresh browser profile: its pages, what they complained of, and what they asked for."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        self._context, self._home = context, home
        self.complaints: list[str] = []
        self.asked: list[str] = []
        #: Where requests may go.
        self.allowed = [f"{home}/", "blob:"]
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(f"thrown: {error.error}"))
        context.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))
        context.on("request", lambda request: self.asked.append(request.url))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def page(self, address: str = "/volunteer") -> Page:
        """One more tab; a path is one of the server."""
        page = self._context.new_page()
        page.goto(self._home + address if address.startswith("/") else address)
        return page

    def strays(self) -> list[str]:
        """Requests to anywhere else."""
        return [url for url in self.asked if not url.startswith(tuple(self.allowed))]
