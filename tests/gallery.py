"""This file is where every page is photographed: `make gallery`, both themes, wide and narrow.

A server of its own with a little of everything: a job that is done, one that runs, people.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from chromium import launched
from live import LiveHost, LiveServer
from playwright.sync_api import Browser, BrowserContext, Page

FOLDER = Path(__file__).parents[1] / "docs" / "gallery"
#: A context in which the admin has signed in, the pages by name, and the server's address.
Furnished = tuple[BrowserContext, dict[str, str], str]
PASSWORD = "a sentence for pictures"
LOOKS = (("light", 1280), ("dark", 1280), ("light", 390), ("dark", 390))
#: Taller pages are cut off.
HEIGHT_MAX = 3_000


def sign_in(server: LiveServer, page: Page, name: str = "admin") -> None:
    """Sign somebody in by a link, as the operator hands it out."""
    said = server.grid("user", "link", name)
    page.goto(server.url + "/setup" + said.stdout.strip().partition("/setup")[2])
    page.fill("[name=password]", PASSWORD)
    page.click("main button")
    page.wait_for_url("**/account*")


def furnish(server: LiveServer) -> dict[str, str]:
    """A little of everything; what the pages are called."""
    for name in ("filterBy", "SUM", "groupBy"):
        server.set_plugin(name)
    rows = "".join(f"{['JFK', 'LGA', 'EWR'][n % 3]},{n % 97},{n * 7 % 501}\n" for n in range(600))
    dataset = server.dataset(f"origin,dep_delay,distance\n{rows}", name="flights", chunk_rows=50)
    spec = {"by": ["origin"], "aggregates": [{"function": "MEAN", "column": "dep_delay"}]}
    done = server.job("groupBy", spec, dataset, min_quorum=2)
    hosts = [LiveHost(server, cores=4, memory_mb=8_192, os="linux") for _ in range(3)]
    for host in hosts[:2]:
        host.compute_all()
    server.until(done, "completed")
    running = server.job("filterBy", {"where": "dep_delay > 60"}, dataset, min_quorum=2)
    for host in hosts[:2]:
        for assignment in host.take(5):
            host.tell(host.computed(assignment))
    unit = server.workunits(done)[0]["id"]
    return {
        "front": "/",
        "jobs": "/jobs",
        "job-done": f"/jobs/{done}",
        "job-running": f"/jobs/{running}",
        "new": "/jobs/new",
        "new-job": f"/jobs/new?clone={running}",
        "data-set": f"/datasets/{dataset}",
        "job-type": "/job-types/groupBy",
        "story": f"/audit/workunits/{unit}",
        "audit": "/audit",
        "leaderboard": "/leaderboard",
        "volunteer": "/volunteer",
        "account": "/account",
    }


@contextmanager
def furnished(browser: Browser, folder: Path) -> Iterator[Furnished]:
    """A server with a little of everything, as an admin sees it."""
    with LiveServer(folder, default_mode="fixed", seal_max_s=60) as server:
        pages = furnish(server)
        context = browser.new_context()
        page = context.new_page()
        sign_in(server, page)
        page.close()
        yield context, pages, server.url
        context.close()


def photograph(context: BrowserContext, pages: dict[str, str], url: str, folder: Path) -> None:
    """Every page in every look, as files."""
    folder.mkdir(parents=True, exist_ok=True)
    page = context.new_page()
    for name, path in pages.items():
        for theme, width in LOOKS:
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(url + path)
            page.wait_for_timeout(600)
            height = min(page.evaluate("document.documentElement.scrollHeight"), HEIGHT_MAX)
            clip = {"x": 0, "y": 0, "width": width, "height": height}
            file = folder / f"{name}-{theme}-{width}.png"
            page.screenshot(path=file, full_page=True, clip=clip)
    page.close()


def main() -> None:
    """All of them, or those that are named."""
    folder = FOLDER
    wanted = sys.argv[1:]
    if wanted and "/" in wanted[0]:
        folder = Path(wanted.pop(0))
    with (
        TemporaryDirectory() as data,
        launched() as browser,
        furnished(browser, Path(data)) as (context, pages, url),
    ):
        some = {name: path for name, path in pages.items() if not wanted or name in wanted}
        photograph(context, some, url, folder)


if __name__ == "__main__":
    main()
