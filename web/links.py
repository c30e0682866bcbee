"""This file is where a link is written that somebody is to open in a browser."""

from __future__ import annotations

from urllib.parse import urlencode

from grid.settings import Settings


def local(host: str, port: int) -> str:
    """What a server is called on its own machine."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def origin(settings: Settings, port: int | None = None) -> str:
    """What the server is called, for whoever has it on this machine."""
    return settings.public_url or local(settings.host, port or settings.port)


def set_up(origin: str, secret: str) -> str:
    """Where an account chooses its password."""
    return f"{origin}/setup?{urlencode({'link': secret})}"
