"""This file is where one visit to a real server's page computes whole jobs."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import fake_server
import httpx
import pytest
from browser_visit import Visit
from chromium import DONE, START, STATE
from live import LiveServer, until_named, volunteer
from playwright.sync_api import expect

FIFTY = "n,word\n" + "".join(f"{n},word {n * n}\n" for n in range(50))
WHERE = {"where": "n % 7 = 3 OR word = 'word 4'"}
RIGHT = [[n, f"word {n * n}"] for n in range(50) if n % 7 == 3 or n == 2]


def fifty_rows(server: LiveServer, **policy: int) -> str:
    """A job of ten work units."""
    return server.job("filterBy", WHERE, server.dataset(FIFTY, chunk_rows=5), **policy)


def test_r14_row_64_one_open_page_finishes_a_job_of_fifty_rows(
    server: LiveServer, visit: Visit
) -> None:
    job_id = fifty_rows(server, min_quorum=1)
    page = visit.page()
    page.click(START)
    server.until(job_id, "completed")
    assert server.output(job_id) == RIGHT
    assert len(server.workunits(job_id)) == 10
    expect(page.locator(DONE)).to_have_text("10")
    expect(page.locator(STATE)).to_contain_text("Waiting for work")


def test_a_page_runs_a_program_with_the_proof_that_the_log_names_it(
    server: LiveServer, visit: Visit
) -> None:
    job_id = fifty_rows(server, min_quorum=1)
    until_named(server)
    page = visit.page()
    page.click(START)
    server.until(job_id, "completed")
    assert server.output(job_id) == RIGHT
    expect(page.locator(DONE)).to_have_text("10")
    assert any("/log/proof/" in url for url in visit.asked)
    seen = page.evaluate("JSON.parse(localStorage.getItem('grid.log'))")
    assert "\n\n— " in seen["note"], "a signed checkpoint"


def test_r13_a_page_of_another_site_does_it_with_one_line_and_no_script(
    server: LiveServer, visit: Visit
) -> None:
    job_id = fifty_rows(server, min_quorum=1)
    line = visit.page().locator("[data-grid=embed]").inner_text()
    assert line.startswith("<iframe ")
    assert "script" not in line
    with fake_server.running() as other:
        host = f'<!doctype html><link rel="icon" href="data:,"><h1>Not Grid</h1>{line}'
        other.pages["/"] = ("text/html", host.encode(), {})
        visit.allowed += [f"{other.url}/", "data:"]
        page = visit.page(f"{other.url}/")
        inner = page.frame_locator("iframe")
        with page.expect_popup() as opened:
            inner.locator("[data-grid=decide]").click()
        opened.value.locator("[data-grid=yes]").click()
        server.until(job_id, "completed")
        assert server.output(job_id) == RIGHT
        expect(inner.locator(DONE)).to_have_text("10")
        assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_r31_of_twenty_units_in_one_page_each_result_belongs_to_its_input(
    server: LiveServer, visit: Visit
) -> None:
    visit.choose(cores=2, dutyPercent=100)
    wanted = [10**number for number in range(18)] + [7, -3]
    dataset = server.dataset("n\n" + "".join(f"{one}\n" for one in wanted), chunk_rows=1)
    job_id = server.job("SUM", {"column": "n"}, dataset, min_quorum=1)
    page = visit.page()
    page.click(START)
    server.until(job_id, "completed")
    units = [server.get(f"/workunits/{unit['id']}") for unit in server.workunits(job_id)]
    assert [int(unit["canonical_output"]["states"][1][0]) for unit in units] == wanted
    assert [int(value) for value in server.output(job_id)[0]] == [sum(wanted), len(wanted)]


def test_a_browser_and_a_machine_agree(server: LiveServer, visit: Visit, tmp_path: Path) -> None:
    job_id = fifty_rows(server, min_quorum=2)
    page = visit.page()
    page.click(START)
    with volunteer(server, tmp_path / "volunteer.log", "--cores", "1"):
        server.until(job_id, "completed")
        expect(page.locator(DONE)).to_have_text("10")
    assert server.output(job_id) == RIGHT
    for unit in server.workunits(job_id):
        assert [one["validate_state"] for one in unit["results"]] == ["valid", "valid"]
        assert len({one["by"] for one in unit["results"]}) == 2


def test_row_66_nothing_runs_and_nobody_is_asked_before_the_click(
    server: LiveServer, visit: Visit
) -> None:
    fifty_rows(server, min_quorum=1)
    page = visit.page()
    page.wait_for_timeout(700)
    assert page.locator("iframe").count() == 0
    assert {url.removeprefix(server.url).split("/")[1] for url in visit.asked} == {
        "static",
        "volunteer",
    }
    assert page.evaluate("localStorage.length") == 0


def hostile_cells(url: str) -> list[str]:
    """Texts that break out of strings, comments, templates, scripts and lines."""
    call = f"fetch('{url}/leak')"
    return [
        "O'Brien",
        'he said "no"',
        "back\\slash\\",
        "two\nlines",
        "line\u2028separator",
        "tag \U000e0001 beyond",
        f"'+{call}+'",
        f'"+{call}+"',
        f"'); {call}; ('",
        f"\\'+{call}//",
        f"*/{call}/*",
        f"${{{call}}}`+{call}+`",
        f"</script><script>{call}</script>",
        "plain",
    ]


def as_csv(rows: list[list[Any]]) -> str:
    """RFC 4180."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_NONNUMERIC).writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("form", ["where", "criterias"])
def test_r08_hostile_data_and_values_are_only_text(
    server: LiveServer, visit: Visit, form: str
) -> None:
    page = visit.page()
    page.click(START)
    with fake_server.running() as sink:
        cells = hostile_cells(sink.url)
        column = f"it's \"+fetch('{sink.url}/leak')+\""
        rows = [[number, cell] for number, cell in enumerate(cells)]
        dataset = server.dataset(as_csv([["n", column], *rows]), chunk_rows=5)
        quoted = column.replace('"', '""')
        jobs = {}
        for cell in cells:
            value = cell.replace("'", "''")
            criteria = {"col": column, "operator": "==", "value": cell}
            where = {"where": f"\"{quoted}\" = '{value}'"}
            spec = where if form == "where" else {"criterias": [criteria]}
            jobs[cell] = server.job("filterBy", spec, dataset, min_quorum=1)
        every = server.job("filterBy", {"where": "n >= 0"}, dataset, min_quorum=1)
        for number, (cell, job_id) in enumerate(jobs.items()):
            server.until(job_id, "completed")
            assert server.output(job_id) == [[number, cell]]
        server.until(every, "completed")
        assert server.output(every) == rows
        # Whatever a program set going has had its chance by then.
        page.wait_for_timeout(300)
        assert sink.hits == []
        httpx.get(f"{sink.url}/leak", trust_env=False)
        assert sink.hits == ["/leak"]
    units = Counter(unit["state"] for job_id in jobs.values() for unit in server.workunits(job_id))
    assert units == {"decided": 3 * len(jobs)}
