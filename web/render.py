"""This file is where templates become pages. Everything is escaped: names, cells, metadata."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from litestar.datastructures import Cookie
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import JavascriptLexer

from grid.items import Json
from grid.validator.credit import spelled

TEMPLATES = Path(__file__).parent / "templates"
#: Longer cells are cut off in a page; the files have them whole.
CELL_CHARS_MAX = 300


def _utc(seconds: int) -> Markup:
    """A time element in UTC; a script of every page tells it in the reader's own zone."""
    moment = datetime.fromtimestamp(seconds, UTC)
    shown, exact = moment.strftime("%Y-%m-%d %H:%M:%S UTC"), moment.isoformat()
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, shown, shown)


@functools.lru_cache(maxsize=64)
def _javascript(program: str) -> Markup:
    """A program with its words coloured by classes; the text is as it was."""
    return Markup(highlight(program, JavascriptLexer(stripnl=False), HtmlFormatter(nowrap=True)))  # noqa: S704 - the formatter escapes


def _cell(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if len(text) <= CELL_CHARS_MAX else text[:CELL_CHARS_MAX] + "…"


def _pretty(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _share(part: int, whole: int) -> str:
    """As a percentage; never 0 % of what there is some of, nor 100 % of what is not all."""
    if not part or part == whole:
        return "100 %" if part else "0 %"
    return f"{min(max(round(100 * part / whole), 1), 99)} %"


def _duration(seconds: int) -> str:
    """In the unit that says enough."""
    units = ((86_400, 172_800, "days"), (3_600, 5_400, "h"), (60, 90, "min"), (1, 0, "s"))
    size, unit = next((size, unit) for size, least, unit in units if seconds >= least)
    return f"{round(seconds / size)} {unit}"


def _seconds(value: float) -> str:
    """A measured or estimated time, with as many digits as it deserves."""
    if value < 0.01:
        return "under 0.01 s"
    return f"about {value:.2g} s" if value < 90 else f"about {_duration(round(value))}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "utc": _utc,
        "javascript": _javascript,
        "cell": _cell,
        "pretty": _pretty,
        "share": _share,
        "duration": _duration,
        "seconds": _seconds,
        "number": lambda value: f"{value:,}",
        "credits": spelled,
    }
    environment.globals |= {"here": "", "embed": False, "theme": ""}
    return environment


_templates = _environment()


#: What a page needs to stand in an isolated one.
ISOLATED = {
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "cross-origin",
}


def policy(sandbox_origin: str = "", ancestors: str = "'none'") -> str:
    """A page's Content-Security-Policy: nothing from elsewhere, no inline script or style.

    What others may frame has no form.
    """
    forms = "'self'" if ancestors == "'none'" else "'none'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self'; frame-src 'self' {sandbox_origin}".rstrip()
        + f"; base-uri 'none'; form-action {forms}; frame-ancestors {ancestors}"
    )


def page(
    template: str,
    facts: Mapping[str, Any],
    *,
    code: int = 200,
    headers: Mapping[str, str] = MappingProxyType({}),
    cookies: Sequence[Cookie] = (),
) -> Response[str]:
    """A whole page; `headers` go before what every page has."""
    usual = {"Content-Security-Policy": policy(), "Cache-Control": "private, no-cache"}
    return Response(
        _templates.get_template(template).render(facts),
        status_code=code,
        media_type="text/html",
        headers={**usual, **headers},
        cookies=cookies,
    )
