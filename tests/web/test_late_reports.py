"""This file is where a host comes back after everything, and changes nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar.testing import TestClient
from sqlmodel import select
from web_people import People, enable, report

from grid.db.store import Store
from grid.db.tables import ResultRow, WorkUnitRow, table
from grid.settings import Settings
from web.app import create_app

START = 1_800_000_000


@pytest.fixture
def clock() -> list[float]:
    """The server's time, in a test's hand."""
    return [START]


@pytest.fixture
def people(tmp_path: Path, clock: list[float]) -> Iterator[People]:
    settings = Settings(data_dir=tmp_path / "data", default_mode="fixed")
    store = Store(settings, clock=lambda: clock[0])
    enable(store, "filterBy")
    app = create_app(settings, store, run_daemons=False)
    with TestClient(app, base_url="http://grid.example") as http:
        yield People(http, store)
    store.close()


def kept(people: People, job_id: str) -> list[Any]:
    """All results, all work units, the job's counts and state, and its output."""
    with people.store.read() as connection:
        found = [
            [tuple(row) for row in connection.execute(select(table(model)))]
            for model in (ResultRow, WorkUnitRow)
        ]
    job = people.get(f"/jobs/{job_id}").json()
    output = people.get(f"/jobs/{job_id}/output").json()
    return [*found, job["counts"], job["state"], job["outputs"], output["rows"]]


@pytest.mark.parametrize("honest", [True, False])
def test_a_report_after_everything_is_told_too_late_and_changes_nothing(
    people: People, clock: list[float], honest: bool
) -> None:
    policy = {"min_quorum": 1, "delay_bound_s": 10}
    job_id = people.job(dataset=people.dataset(chunk_rows=10), policy=policy)
    slow, quick = people.host(), people.host()
    (slowly,) = slow.ask()
    clock[0] += 11
    people.settle()
    view = people.finish(job_id, [quick])
    assert (view["state"], view["counts"]["decided"]) == ("completed", 1)
    before, rows_before = kept(people, job_id), people.row_counts()

    late = slow.computed(slowly) if honest else report(slowly, {"form": "none", "selected": 0})
    for _ in range(2):
        (said,) = slow.tell(late)
        assert (said["accepted"], said["reason"]) == (False, "too_late")
        assert "receipt" not in said
        people.settle()
    assert kept(people, job_id) == before
    assert people.row_counts() == rows_before
