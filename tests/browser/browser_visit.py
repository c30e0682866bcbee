"""This file is where a visit keeps an eye on its pages: what they say, and whom they ask."""

from __future__ import annotations

import json

from playwright.sync_api import BrowserContext, ConsoleMessage, Page

SELF_TEST = "/sandbox/reached.js"


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
        # The sandbox is tried once a session: that the browser refuses it is how it should be.
        tried = SELF_TEST in message.text and "Content Security Policy" in message.text
        if message.type in ("error", "warning") and not tried:
            self.complaints.append(f"{message.type}: {message.text}")

    def page(self, address: str = "/volunteer") -> Page:
        """One more tab; a path is one of the server."""
        page = self._context.new_page()
        page.goto(self._home + address if address.startswith("/") else address)
        return page

    def choose(self, **settings: object) -> None:
        """What the volunteer chose on an earlier visit; for pages that are opened from now on."""
        text = json.dumps(json.dumps(settings))
        # The sandboxed frame, which runs it too, has no storage.
        self._context.add_init_script(
            f"try {{ localStorage['grid.settings'] ??= {text}; }} catch {{}}"
        )

    def strays(self) -> list[str]:
        """Requests to anywhere else."""
        return [url for url in self.asked if not url.startswith(tuple(self.allowed))]
