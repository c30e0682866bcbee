"""This file is where axe-core finds nothing that keeps people out of what volunteers see."""

from __future__ import annotations

import fake_server
from axe import barriers, barriers_everywhere
from browser_visit import Visit
from chromium import DONE, JOB, START, STATE, STOP
from embed_hosts import put, script
from live import TEST_JOB_TYPES, LiveServer
from playwright.sync_api import Page, expect

SETTINGS = {"job_type_folders": TEST_JOB_TYPES}
ENABLED = ("loops", "tally")


def rows(server: LiveServer, count: int) -> str:
    return server.dataset("n\n" + "1\n" * count)


def test_what_keeps_people_out_would_be_found(visit: Visit) -> None:
    page = visit.page("/volunteer")
    page.evaluate("document.querySelector('main').append(new Image())")
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.querySelector('h1').style.color = '#222'")
    found = barriers(page)
    assert any(one.startswith("image-alt") for one in found)
    assert any(one.startswith("color-contrast") for one in found)


def test_the_volunteer_page_is_for_everybody_from_before_the_click_to_forget_me(
    server: LiveServer, visit: Visit
) -> None:
    page = visit.page("/volunteer")
    expect(page.locator(START)).to_be_enabled()
    assert barriers_everywhere(page) == []
    server.job("tally", {}, rows(server, 3), min_quorum=1)
    page.click(START)
    expect(page.locator(DONE)).to_have_text("1")
    server.job("loops", {}, rows(server, 100), min_quorum=1)
    expect(page.locator(f"{JOB} a")).to_contain_text("loops")
    page.click("summary")
    page.click("[data-grid=pair]")
    expect(page.locator("[data-grid=code]")).not_to_be_empty()
    page.fill("[name=dutyPercent]", "1")
    page.locator("[name=dutyPercent]").blur()
    assert barriers_everywhere(page) == []
    page.click(STOP)
    page.click("[data-grid=forget]")
    assert barriers_everywhere(page) == []
    page.click("[data-grid=forget]")
    expect(page.locator("[data-grid=forgotten]")).to_contain_text("Forgotten")
    assert barriers_everywhere(page) == []


def test_the_page_of_consent_is_for_everybody(visit: Visit) -> None:
    page = visit.page("/volunteer/consent?site=http://garden.test&owner=ann&purpose=birds")
    expect(page.locator("[data-grid=yes]")).to_be_enabled()
    assert barriers_everywhere(page) == []
    page.select_option("[data-grid=duty]", "50")
    page.check("[data-grid=battery]")
    page.click("[data-grid=yes]")
    expect(page.locator("[data-grid=outcome]")).to_contain_text("does not hear")
    assert barriers_everywhere(page) == []


def agreed(page: Page, decide: str) -> None:
    with page.expect_popup() as opened:
        page.click(decide)
    opened.value.click("[data-grid=yes]:enabled")


def test_the_card_and_the_frame_after_it_are_for_everybody(
    server: LiveServer, visit: Visit
) -> None:
    server.job("tally", {}, rows(server, 3), min_quorum=1)
    with fake_server.running() as site:
        visit.allowed += [site.url, site.url.replace("127.0.0.1", "localhost"), "data:"]
        page = visit.page(put(site, "/", script(server, 'data-purpose="the bird count"')))
        expect(page.locator("grid-volunteer .yes")).to_be_visible()
        assert barriers_everywhere(page) == []
        agreed(page, "grid-volunteer .yes")
        inner = page.frame_locator("grid-volunteer iframe")
        inner.locator("summary").click()
        expect(inner.locator(DONE)).to_have_text("1")
        expect(inner.locator(STATE)).to_contain_text("Waiting for work")
        assert barriers_everywhere(page) == []


def test_a_frame_that_asks_is_for_everybody(visit: Visit) -> None:
    for theme in ("", "&theme=light", "&theme=dark"):
        page = visit.page(f"/volunteer?embed=1&purpose=birds{theme}")
        page.wait_for_selector("[data-grid=decide]")
        assert barriers_everywhere(page) == []
