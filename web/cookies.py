"""This file is where cookies are spelled: no script reads them, and no other site sends them.

Behind TLS they are `__Host-` cookies (RFC 6265bis, section 4.1.3.2), so no other host can plant
them.
"""

from __future__ import annotations

from litestar.datastructures import Cookie

from grid.settings import Settings


def session_name(settings: Settings) -> str:
    """The cookie of somebody who has signed in."""
    return _named("grid", settings)


def form_name(settings: Settings) -> str:
    """The cookie of a browser that was given a form before anybody has signed in."""
    return _named("grid-form", settings)


def kept(name: str, value: str, age_s: int, settings: Settings, *, strict: bool = False) -> Cookie:
    """A cookie to be set. `strict` cookies do not even come with a link from another site."""
    return Cookie(
        key=name,
        value=value,
        path="/",
        max_age=age_s,
        secure=_secure(settings),
        httponly=True,
        samesite="strict" if strict else "lax",
    )


def dropped(name: str, settings: Settings) -> Cookie:
    """The same, that ends it."""
    return kept(name, "", 0, settings)


def _named(name: str, settings: Settings) -> str:
    return f"__Host-{name}" if _secure(settings) else name


def _secure(settings: Settings) -> bool:
    return settings.public_url.startswith("https://")
