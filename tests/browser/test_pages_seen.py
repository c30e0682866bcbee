"""This file is where people read a real server's pages, at a desk and on a telephone."""

from __future__ import annotations

import pytest
from browser_visit import Visit
from live import LiveHost, LiveServer, View
from playwright.sync_api import Page, expect

#: Marked up, unbroken, and longer than any page is wide.
LOUD = "<img src=x onerror=alert(1)><script>alert(2)</script>"
LONG = "W" * 170
MARKUP = "img[src='x'], main script, b.loud"


def dataset(server: LiveServer) -> str:
    """Columns and cells full of HTML and of long words; twelve chunks."""
    header = f'n,"{LOUD}",{LONG}\n'
    rows = "".join(f'{n},"{LOUD} {n}",{LONG}{n}\n' for n in range(12))
    return server.dataset(header + rows, name=f"<b class=loud>{LONG}</b>", chunk_rows=1)


def submit(server: LiveServer, dataset_id: str, **policy: int) -> str:
    """A job whose every word is HTML."""
    body = {
        "job_type": "filterBy",
        "spec": {"where": f"n >= 4 AND \"{LOUD}\" <> '{LOUD}'"},
        "dataset": dataset_id,
        "name": f"{LOUD} {'j' * 140}",
        "metadata": {"description": f"{LOUD} {LONG}", LOUD: [LOUD, LONG]},
        "policy": policy,
    }
    answer = server.ask("POST", "/jobs", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def some(server: LiveServer, host: LiveHost, count: int) -> None:
    """That many work units, computed by that host."""
    for assignment in host.take(count):
        assert host.tell(host.computed(assignment))[0]["accepted"]


@pytest.fixture(scope="module")
def running(module_server: LiveServer) -> View:
    """A job that stays in the middle, at quorum 2."""
    job_id = submit(module_server, dataset(module_server), min_quorum=2)
    for host in (LiveHost(module_server), LiveHost(module_server)):
        some(module_server, host, 5)
    return module_server.view(job_id)


@pytest.fixture(scope="module")
def done(module_server: LiveServer) -> View:
    """A job with an output and an opened seal."""
    job_id = submit(module_server, dataset(module_server), min_quorum=2, priority=1)
    for host in (LiveHost(module_server), LiveHost(module_server)):
        some(module_server, host, 12)
    return module_server.until(job_id, "completed")


@pytest.fixture
def server(module_server: LiveServer) -> LiveServer:
    """The server, whose open jobs stay open between these tests."""
    return module_server


def addresses(running: View, done: View) -> list[str]:
    """Every page."""
    return [
        "/",
        "/jobs",
        "/jobs?state=completed",
        "/jobs?state=failed",
        f"/jobs/{running['id']}",
        f"/jobs/{done['id']}",
        f"/datasets/{done['dataset']}",
        "/job-types/filterBy",
        "/job-types/SUM",
        "/volunteer",
        "/volunteer?embed=1",
    ]


@pytest.mark.parametrize("light", ["light", "dark"])
def test_no_page_scrolls_sideways_on_a_telephone_complains_or_asks_elsewhere(
    visit: Visit, running: View, done: View, light: str
) -> None:
    for address in addresses(running, done):
        page = visit.page(address)
        page.emulate_media(color_scheme="dark" if light == "dark" else "light")
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 850})
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, f"{address} is {wide} wide on {width}"
        assert page.locator(MARKUP).count() == 0, address
        page.close()


@pytest.mark.parametrize("light", ["light", "dark"])
def test_every_text_stands_out_from_what_it_stands_on(
    visit: Visit, running: View, done: View, light: str
) -> None:
    for address in addresses(running, done):
        page = visit.page(address)
        page.emulate_media(color_scheme="dark" if light == "dark" else "light")
        faint = page.evaluate(CONTRASTS)
        # WCAG 2.2, 1.4.3: 4.5 to 1.
        assert [one for one in faint if one["ratio"] < 4.5] == [], address
        page.close()


def test_a_running_jobs_bar_moves_by_itself(visit: Visit, server: LiveServer) -> None:
    job_id = submit(server, dataset(server), min_quorum=1, priority=2)
    page = visit.page(f"/jobs/{job_id}")
    page.evaluate("window.before = true")
    host = LiveHost(server)
    bar = page.locator("progress")
    assert bar.evaluate("(bar) => bar.value") == 0
    for count in (3, 6, 9):
        some(server, host, 3)
        expect(page.locator("[data-part=decided]")).to_have_text(str(count))
        assert bar.evaluate("(bar) => bar.value") == pytest.approx(count / 12)
        assert page.evaluate("window.before") is True
    expect(page.locator("text=Download CSV")).to_have_count(0)
    some(server, host, 3)
    expect(page.locator("text=Download CSV")).to_be_visible()
    expect(page.locator("[data-part=state]")).to_have_text("completed")
    expect(page.locator("text=equal answer").first).to_be_visible()


def test_the_other_pages_figures_move_by_themselves(visit: Visit, server: LiveServer) -> None:
    job_id = submit(server, dataset(server), min_quorum=1, priority=3)
    home, jobs = visit.page("/"), visit.page("/jobs")
    verified = home.locator("[data-live=workunits_verified]")
    before = int(verified.inner_text())
    some(server, LiveHost(server), 5)
    expect(verified).to_have_text(str(before + 5))
    row = jobs.locator(f"[data-job={job_id}]")
    expect(row.locator("[data-part=decided]")).to_have_text("5")
    some(server, LiveHost(server), 7)
    expect(row.locator("[data-part=state]")).to_have_text("completed")


def test_a_sealed_job_shows_no_votes_and_an_opened_one_shows_them_all(
    visit: Visit, server: LiveServer, running: View, done: View
) -> None:
    assert running["counts"]["decided"] == 5
    page = visit.page(f"/jobs/{running['id']}")
    expect(page.locator(".notice")).to_contain_text("Sealed")
    table = page.locator("table").last
    assert headings(page) == ["id", "state"]
    assert "valid" not in table.inner_text()
    page = visit.page(f"/jobs/{done['id']}")
    expect(page.locator("text=Sealed")).to_have_count(0)
    assert headings(page) == ["no.", "chunks", "state", "results", "verdict"]
    assert page.locator("table").last.locator(".chip.valid").count() == 24


def headings(page: Page) -> list[str]:
    """Of the table of work units."""
    return page.locator("table").last.locator("th").all_inner_texts()


def test_an_opened_jobs_pictures_are_drawn_in_the_pages_colours(visit: Visit, done: View) -> None:
    page = visit.page(f"/jobs/{done['id']}")
    accent = page.evaluate(ACCENT)
    for name in ("units", "output", "minutes", "engines"):
        canvas = page.locator(f"canvas[data-chart={name}]")
        expect(canvas).to_be_visible()
        page.wait_for_function(PAINTED, arg=[name, accent])


def test_html_in_names_metadata_and_cells_is_text(visit: Visit, done: View) -> None:
    page = visit.page(f"/jobs/{done['id']}")
    expect(page.locator("h1")).to_contain_text(LOUD)
    expect(page.locator(".lead")).to_contain_text(LOUD)
    expect(page.locator(".cells th").nth(1)).to_have_text(LOUD)
    expect(page.locator(".cells td").nth(1)).to_have_text(f"{LOUD} 4")
    expect(page.locator(f"pre:has-text('{LOUD}')").first).to_be_visible()
    page = visit.page(f"/datasets/{done['dataset']}")
    expect(page.locator("h1")).to_contain_text("<b class=loud>")
    expect(page.locator(".cells td").nth(1)).to_have_text(f"{LOUD} 0")
    assert page.locator(MARKUP).count() == 0


def test_an_address_that_does_not_exist_has_a_page_too(visit: Visit) -> None:
    page = visit.page("/jobs/job_nothing")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("main")).to_contain_text("404")
    visit.complaints = [one for one in visit.complaints if "404" not in one]


#: The page's own colour, as three numbers.
ACCENT = """() => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = "var(--accent)";
  const found = getComputedStyle(probe).color.match(/\\d+/g).map(Number);
  probe.remove();
  return found;
}"""

#: Whether a canvas has a point of that colour.
PAINTED = """([name, [r, g, b]]) => {
  const canvas = document.querySelector(`canvas[data-chart=${name}]`);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] === r && data[at + 1] === g && data[at + 2] === b && data[at + 3]) return true;
  }
  return false;
}"""

#: Contrast of each visible text with the nearest opaque background behind it.
CONTRASTS = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = (v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((one) => one.nodeType === 3 && one.data.trim());
    if (!own || !element.checkVisibility() || element.disabled) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push({ ratio, text: element.textContent.trim().slice(0, 40) });
  }
  return found;
}"""
