"""This file is where the public record is asked in SQL, and where it gives away nothing sealed."""

from __future__ import annotations

import csv
import html
import io
from pathlib import Path
from urllib.parse import urlencode

import pytest
from web_people import People

from grid.audit.site import Site
from grid.daemons import recorder
from grid.daemons.integrator import Integrator
from grid.db.record.exporting import from_log
from grid.db.record.schema import metadata
from grid.db.record.store import PublicRecord

SQL = "/audit/sql/record"


def publish(people: People) -> None:
    Integrator(people.store).do_pass(people.store, people.store.now())
    recorder.do_pass(people.store, people.store.now())


@pytest.fixture(scope="module")
def told(crowd: People) -> tuple[People, str]:
    """A finished job in the record."""
    people = crowd
    job_id = people.job()
    people.finish(job_id, [people.host(), people.host()])
    publish(people)
    return people, job_id


def ask(people: People, sql: str, form: str = "json", **further: str) -> object:
    query = urlencode({"sql": sql, "_shape": "arrays", **further})
    return people.http.get(f"{SQL}.{form}?{query}")


def test_anybody_asks_the_record_in_sql_and_gets_csv(told: tuple[People, str]) -> None:
    people, job_id = told
    wanted = (
        "SELECT vote.principal, count(*) AS answers, sum(vote.credit) AS credit FROM vote"
        f" WHERE job = '{job_id}' AND validate_state = 'valid' GROUP BY 1"
    )
    answer = ask(people, wanted, "csv")
    rows = list(csv.reader(io.StringIO(answer.text)))
    assert rows[0] == ["principal", "answers", "credit"]
    assert [row[1] for row in rows[1:]] == ["3", "3"]


def test_every_table_and_column_is_described(told: tuple[People, str]) -> None:
    people, _ = told
    for name, table in metadata.tables.items():
        page = html.unescape(people.http.get(f"{SQL}/{name}").text)
        assert table.comment in page and "CC0" in page, name
        for column in table.columns:
            assert column.comment and column.comment in page, (name, column.name)


def test_its_pages_alone_have_a_policy_of_their_own(
    told: tuple[People, str],
) -> None:
    people, _ = told
    policy = people.http.get(SQL).headers["content-security-policy"]
    assert "unsafe-inline" in policy and "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in people.http.get("/audit").headers["content-security-policy"]


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM vote",
        "UPDATE vote SET credit = 1",
        "ATTACH DATABASE 'grid.db' AS grid",
        "PRAGMA writable_schema = 1",
        "SELECT load_extension('x')",
        "INSERT INTO vote DEFAULT VALUES",
    ],
)
def test_nothing_can_be_changed_or_reached_from_there(told: tuple[People, str], sql: str) -> None:
    people, _ = told
    before = ask(people, "SELECT count(*), sum(credit) FROM vote").json()["rows"]
    assert ask(people, sql).status_code == 400
    assert ask(people, "SELECT count(*), sum(credit) FROM vote").json()["rows"] == before


def test_a_question_ends_after_a_second(told: tuple[People, str]) -> None:
    people, _ = told
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    answer = ask(people, endless)
    assert answer.status_code == 400 and "time limit" in answer.text.lower()


def test_only_reading_is_allowed(told: tuple[People, str]) -> None:
    people, _ = told
    assert people.http.post(SQL).status_code == 405
    assert people.http.get("/audit/sql/-/nothing").status_code == 404


def test_a_sealed_job_is_in_it_as_a_job_and_no_more(people: People) -> None:
    job_id = people.job()
    host = people.host()
    host.compute_all()
    publish(people)
    with people.store.record.read() as connection:
        counts = {
            name: connection.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar()
            for name in metadata.tables
        }
    assert counts["job"] == 1 and counts["verdict"] == counts["vote"] == counts["output"] == 0
    assert ask(people, f"SELECT seed FROM job WHERE job = '{job_id}'").json()["rows"] == [[None]]


def test_a_stranger_makes_the_same_record_from_the_log(
    told: tuple[People, str], tmp_path: Path
) -> None:
    people, _ = told
    from_log(Site("http://grid.example", people.http), tmp_path / "record.db")
    mine = PublicRecord(tmp_path)
    for name in metadata.tables:
        with mine.read() as one, people.store.record.read() as other:
            statement = f"SELECT * FROM {name} ORDER BY 1, 2"
            found = [tuple(row) for row in one.exec_driver_sql(statement)]
            assert found == [tuple(row) for row in other.exec_driver_sql(statement)], name
    mine.close()


def test_the_record_can_be_deleted_and_comes_back(told: tuple[People, str]) -> None:
    people, _ = told
    with people.store.record.read() as connection:
        votes = connection.exec_driver_sql("SELECT count(*) FROM vote").scalar()
    people.store.record.close()
    people.store.record.path.unlink()
    fresh = PublicRecord(people.store.record.path.parent)
    assert fresh.taken() == 0
    fresh.close()
    people.store.record = PublicRecord(people.store.record.path.parent)
    recorder.do_pass(people.store, people.store.now())
    with people.store.record.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM vote").scalar() == votes


@pytest.mark.parametrize("what", ["job", "work unit", "program", "volunteer", "answer", "nothing"])
def test_the_page_finds_what_is_searched_for(told: tuple[People, str], what: str) -> None:
    people, job_id = told
    unit = people.get(f"/jobs/{job_id}/workunits").json()["items"][1]
    wanted = {
        "job": job_id,
        "work unit": unit["id"],
        "program": people.get(f"/jobs/{job_id}").json()["program"]["digest"],
        "volunteer": unit["results"][0]["by"][:10],
        "answer": unit["canonical_digest"],
        "nothing": "0123456789abcdef",
    }[what]
    text = people.http.get(f"/audit?q={wanted}").text
    if what == "nothing":
        assert "The log says nothing of that" in text
        return
    place = f"/jobs/{job_id}" if what in ("job", "program") else f"/audit/workunits/{unit['id']}"
    assert f'href="{place}"' in text
