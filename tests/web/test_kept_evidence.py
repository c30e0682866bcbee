"""This file is where it is seen that nothing of the evidence is ever purged."""

from __future__ import annotations

from pathlib import Path

from web_people import API, People, opened

from grid.daemons import deleter
from grid.db.commands import DAY_S

TEN_YEARS_S = 3650 * DAY_S


def test_years_after_its_job_a_work_unit_still_tells_its_whole_story(tmp_path: Path) -> None:
    """The bytes of duplicates are dropped, and no digest, vote, input, output or log entry is."""
    with opened(tmp_path, run_daemons=False) as people:
        job = people.job()
        assert people.finish(job, [people.host() for _ in range(3)])["state"] == "completed"
        for _ in range(5):
            people.settle()
        before = evidence(people, job)
        rows = {name: count for name, count in people.row_counts().items() if name != "token"}
        assert deleter.do_pass(people.store, people.store.now() + TEN_YEARS_S) > 0
        deleter.do_pass(people.store, people.store.now() + TEN_YEARS_S)
        assert evidence(people, job) == before
        after = people.row_counts()
        assert [name for name in ("job", "workunit", "result") if after[name] != rows[name]] == []


def evidence(people: People, job: str) -> list[object]:
    """All that anybody can ask of a job that has ended."""
    listed = people.get(f"/jobs/{job}/workunits").json()["items"]
    assert len(listed) == 3
    stories = [people.get(f"{API}/workunits/{one['id']}").json() for one in listed]
    for story in stories:
        votes = [one for one in story["results"] if one["validate_state"] == "valid"]
        assert len(votes) >= 2 and all(one["output_digest"] for one in votes)
    output = people.get(f"/jobs/{job}/output?format=csv")
    program = people.get(f"/jobs/{job}/program")
    assert (output.status_code, program.status_code) == (200, 200)
    return [stories, output.text, program.text]
