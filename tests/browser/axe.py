"""This file is where axe-core looks at a page for what keeps people out: any page, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Frame, Page

ROOT = Path(__file__).parents[2]
AXE = ROOT / "web" / "client" / "node_modules" / "axe-core" / "axe.min.js"

#: Every rule that axe-core has on, whatever standard it belongs to, on everything that is there.
#: A page's frames are looked at one by one, as the documents that they are.
RUN = "axe.run(document, { iframes: false, resultTypes: ['violations'] })"

#: Both themes, a telephone's width and a desk's. Colours do not depend on the width.
LOOKS = (("light", 390), ("dark", 1280))


def barriers(page: Page) -> list[str]:
    """What axe-core finds wrong in a page and its frames: a line for each, with where it is."""
    return [line for frame in page.frames for line in _barriers_in(frame)]


def barriers_everywhere(page: Page) -> list[str]:
    """The same in both themes and at both widths; the page is left dark and wide."""
    found = []
    for theme, width in LOOKS:
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 850})
        found += [f"{theme}, {width} px, {line}" for line in barriers(page)]
    return found


def _barriers_in(frame: Frame) -> list[str]:
    # By the debugger, which no page's Content-Security-Policy keeps out.
    if not frame.evaluate("'axe' in globalThis"):
        frame.evaluate(AXE.read_text(encoding="utf-8"))
    result: dict[str, Any] = frame.evaluate(RUN)
    assert result["passes"], f"nothing of {frame.url} was looked at"
    return [
        f"{one['id']}: {one['help']} at {' '.join(map(str, node['target']))} of {frame.url}"
        for one in result["violations"]
        for node in one["nodes"]
    ]
