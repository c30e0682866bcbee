"""This file is where it is tested what people's pages show, and that they show it as text."""

from __future__ import annotations

import html
import re

import pytest
from crowd import NOW, job
from markupsafe import escape
from web_people import People

from grid.db.listings import Counts
from grid.states import JobState
from web import public_view

NASTY = "<script>alert(1)</script>\"'&{{7*7}}"


def page(people: People, path: str) -> str:
    answer = people.http.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, path
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def test_what_strangers_write_is_shown_as_text(people: People) -> None:
    cell = NASTY.replace('"', '""')
    dataset = people.dataset(f'"{cell}",b\n"{cell}",1\n', name=NASTY, header="true")
    job_id = people.job(
        {"where": "b = 1"}, dataset, name=NASTY, metadata={"description": NASTY, NASTY: [NASTY]}
    )
    people.finish(job_id, [people.host(), people.host()])
    for path in ("/", "/jobs", f"/jobs/{job_id}", f"/datasets/{dataset}"):
        text = page(people, path)
        assert NASTY not in text and "<script>alert" not in text, path
        assert escape(NASTY) in text


def test_a_job_page_shows_all_of_a_finished_job(people: People) -> None:
    job_id = people.job(name="people called Suyash", metadata={"description": "who they are"})
    sealed = page(people, f"/jobs/{job_id}")
    assert "Sealed" in sealed and "equal answers" not in sealed and "data-events" in sealed
    assert "data-statistics" not in sealed, "no picture tells what is sealed"
    people.finish(job_id, [people.host(), people.host()])
    text = page(people, f"/jobs/{job_id}")
    program = people.get(f"/jobs/{job_id}/program").text
    for shown in (
        "people called Suyash", "who they are", "completed", "100 %", "Download CSV", "Suyash",
        "2 equal answers of 2 needed", "min_quorum", "data-statistics",
    ):  # fmt: skip
        assert shown in text, shown
    shown_text = html.unescape(re.sub(r"</?span[^>]*>", "", text))
    assert program in shown_text, "colours change no byte"
    assert "data-events" not in text, "nothing of it will change"


@pytest.mark.parametrize(
    ("decided", "after_s", "fields", "left_s"),
    [
        (1, 60, {}, 120),
        (2, 60, {}, 30),
        (1, 0, {}, 2),
        (0, 60, {}, None),
        (3, 60, {}, None),
        (1, 60, {"job_state": JobState.PAUSED}, None),
        (1, 60, {"job_state": JobState.COMPLETED}, None),
        (25, 1000, {"workunit_count": 100}, 3000),
    ],
)
def test_the_time_left_follows_from_the_pace_so_far(
    decided: int, after_s: int, fields: dict[str, object], left_s: int | None
) -> None:
    assert public_view.left_s(job(**fields), Counts(decided=decided), NOW + after_s) == left_s


def test_a_job_page_says_how_long_it_takes_yet_while_it_is_computed(people: People) -> None:
    job_id = people.job({"where": "a = 1"}, people.dataset("a\n" + "1\n" * 6, chunk_rows=1))
    assert "at this pace" not in page(people, f"/jobs/{job_id}")
    for host in (people.host(), people.host()):
        reports = [host.computed(one) for one in host.ask(3)]
        assert all(said["accepted"] for said in host.tell(*reports))
    view = people.get(f"/jobs/{job_id}").json()
    assert 0 < view["counts"]["decided"] < 6
    assert re.search(r"about \d+ s left at this pace", page(people, f"/jobs/{job_id}"))
    people.finish(job_id, [people.host(), people.host()])
    assert "at this pace" not in page(people, f"/jobs/{job_id}")


def test_long_lists_of_work_units_have_further_pages(people: People) -> None:
    rows = "a\n" + "1\n" * 60
    job_id = people.job({"where": "a = 1"}, people.dataset(rows, chunk_rows=1))
    first = page(people, f"/jobs/{job_id}")
    following = html.unescape(first).partition('<p><a class="button quiet" href="')[2]
    second = page(people, following.partition('"')[0])
    links = [re.findall(r'href="/api/v1/workunits/(\w+)"', text) for text in (first, second)]
    assert [len(one) for one in links] == [50, 10]
    assert len({*links[0], *links[1]}) == 60


def test_the_list_of_an_opened_job_is_in_order_and_has_further_pages(people: People) -> None:
    job_id = people.job({"where": "a = 1"}, people.dataset("a\n" + "1\n" * 60, chunk_rows=1))
    people.finish(job_id, [people.host(), people.host()])
    first = page(people, f"/jobs/{job_id}")
    following = html.unescape(first).partition('<p><a class="button quiet" href="')[2]
    second = page(people, following.partition('"')[0])
    assert ">49</a>" in first and ">50</a>" not in first
    assert ">50</a>" in second and ">59</a>" in second and ">49</a>" not in second


def test_the_list_of_jobs_has_further_pages_and_filters(people: People) -> None:
    dataset = people.dataset(chunk_rows=10)
    for number in range(27):
        people.job(dataset=dataset, name=f"job number {number:02}")
    first = page(people, "/jobs")
    assert "job number 26" in first and "job number 01" not in first
    following = html.unescape(first).partition('class="button quiet" href="')[2].partition('"')[0]
    assert "job number 01" in page(people, following)
    assert "job number" not in page(people, "/jobs?state=completed")


def test_the_first_page_shows_the_server_now(people: People) -> None:
    people.job()
    people.host().ask()
    text = page(people, "/")
    assert 'data-live="hosts_online">1<' in text
    assert 'data-live="jobs_active">1<' in text
    assert "filterBy" in text


def test_an_empty_server_has_pages_too(people: People) -> None:
    assert "No public job yet" in page(people, "/")
    assert "No such public job" in page(people, "/jobs")


def test_a_job_type_page_shows_how_to_use_it(people: People) -> None:
    text = page(people, "/job-types/SUM")
    for shown in ("README", "Schema of a spec", "Examples", "column"):
        assert shown in text


def test_a_data_set_without_rows_has_a_page(people: People) -> None:
    dataset = people.dataset("a,b\n", header="true")
    assert "0 rows" in page(people, f"/datasets/{dataset}")
    job_id = people.job({"where": "a IS NOT NULL"}, dataset)
    people.settle()
    assert "completed" in page(people, f"/jobs/{job_id}")


def test_whoever_errs_gets_a_page(people: People) -> None:
    for path in ("/nowhere", "/jobs/job_x", "/datasets/x", "/job-types/none"):
        answer = people.http.get(path, headers={"Accept": "text/html,*/*"})
        assert answer.status_code == 404
        assert "<h1>Not Found</h1>" in answer.text
    answer = people.http.get("/jobs?state=odd", headers={"Accept": "text/html"})
    assert answer.status_code == 400


def test_the_volunteer_page_is_there_with_its_script(people: People) -> None:
    text = page(people, "/volunteer")
    assert 'src="/static/client/volunteer.js"' in text
    assert "<nav" in text and "<nav" not in page(people, "/volunteer?embed=1")
    assert people.http.get("/static/client/volunteer.js").status_code == 200
