"""This file is where a job says how many rows had no value, wherever its spec let them pass."""

from __future__ import annotations

from typing import Any

import pytest
from web_people import People, enable

from grid import canonical

#: Five of the ten rows have a score above 3, which is too much for 64 bits.
HOLE = "score * 3074457345618258600"
CASES: dict[str, tuple[dict[str, Any], bool, int]] = {
    "SUM": ({"expression": HOLE}, True, 5),
    "filterBy": ({"where": f"{HOLE} > 1"}, True, 5),
    "select": ({"columns": [{"expression": HOLE, "as": "x"}]}, True, 5),
    "groupBy": (
        {"by": ["name"], "aggregates": [{"function": "MAX", "expression": HOLE}]}, True, 5,
    ),
    "sql": ({"query": f"SELECT {HOLE} AS x FROM data ORDER BY x LIMIT 3"}, True, 5),
    "bootstrap": (
        {"statistic": "mean", "of": HOLE, "replicates": 50}, True, 5,
    ),
    "pairwise": ({"value": "a.score * 3074457345618258600", "best": "argmax", "top": 3}, True, 29),
    "sweep": ({"parameters": [{"name": "n", "values": [1, 2, 3]}], "all": True,
               "value": "n * 9223372036854775807 // 2"}, False, 2),
    "simulate": ({"state": {"x": "0"}, "step": {"x": "x + 1"}, "steps": 2, "paths": 8,
                  "observe": "x * 9223372036854775807"}, False, 8),
}  # fmt: skip


@pytest.mark.parametrize("job_type", CASES)
def test_rows_without_a_value_are_counted_and_told(crowd: People, job_type: str) -> None:
    enable(crowd.store, job_type)
    spec, over_rows, failed = CASES[job_type]
    further = {} if over_rows else {"workunit_points": 2}
    job_id = crowd.job({**spec, "on_error": "null"}, job_type=job_type, **further)
    crowd.finish(job_id, [crowd.host(), crowd.host()])
    view = crowd.get(f"/jobs/{job_id}", crowd.requester).json()
    (output,) = view["outputs"]
    assert output["failed"] == failed
    manifest = crowd.get(output["_links"]["manifest"]["href"], crowd.requester)
    assert canonical.loads(manifest.content)["failed"] == failed
    page = crowd.http.get(f"/jobs/{job_id}").text
    assert f"In {failed} row{'' if failed == 1 else 's'} something that was asked" in page


def test_a_job_whose_rows_all_have_values_says_nothing(crowd: People) -> None:
    enable(crowd.store, "SUM")
    job_id = crowd.job({"expression": "score", "on_error": "null"}, job_type="SUM")
    crowd.finish(job_id, [crowd.host(), crowd.host()])
    assert crowd.get(f"/jobs/{job_id}", crowd.requester).json()["outputs"][0]["failed"] == 0
    assert "had no value" not in crowd.http.get(f"/jobs/{job_id}").text
