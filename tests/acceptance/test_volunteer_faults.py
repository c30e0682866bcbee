"""This file is where real volunteers meet programs that loop, throw, or end well."""

from __future__ import annotations

from pathlib import Path

from live import TEST_JOB_TYPES, LiveServer, View, volunteer

SETTINGS = {"job_type_folders": TEST_JOB_TYPES, "compute_time_limit_s": 1}
ENABLED = ("filterBy", "SUM", "loops", "throws")

#: A hundred rows a chunk: `loops` would count to 100⁸.
HUNDRED = "n\n" + "".join(f"{number}\n" for number in range(100))


def test_r12_row_68_an_endless_loop_is_stopped_tried_elsewhere_and_fails_its_job(
    server: LiveServer, volunteers: list[Path]
) -> None:
    results = _fails_twice(server, "loops", "stopped at the time limit of 1 s")
    assert all(900 <= one["elapsed_ms"] < 30_000 for one in results)
    _both_compute(server)


def test_r28_a_program_that_throws_is_tried_elsewhere_and_fails_its_job(
    server: LiveServer, volunteers: list[Path]
) -> None:
    _fails_twice(server, "throws", "TypeError")
    _both_compute(server)


def test_r14_one_visit_finishes_a_job_of_fifty_rows(server: LiveServer, tmp_path: Path) -> None:
    text = "n,name\n" + "".join(f"{number},row {number}\n" for number in range(50))
    dataset = server.dataset(text, chunk_rows=5)
    job_id = server.job("filterBy", {"where": "n >= 0"}, dataset, min_quorum=1)
    with volunteer(server, tmp_path / "visit.log", "--once") as visit:
        assert visit.wait(60) == 0, (tmp_path / "visit.log").read_text()
    server.until(job_id, "completed")
    assert server.output(job_id) == [[number, f"row {number}"] for number in range(50)]


def test_r31_of_twenty_units_in_one_visit_each_result_belongs_to_its_input(
    server: LiveServer, tmp_path: Path
) -> None:
    text = "n\n" + "".join(f"{10**number}\n" for number in range(18)) + "7\n-3\n"
    dataset = server.dataset(text, chunk_rows=1)
    job_id = server.job("SUM", {"column": "n"}, dataset, min_quorum=1)
    with volunteer(server, tmp_path / "visit.log", "--once") as visit:
        assert visit.wait(60) == 0, (tmp_path / "visit.log").read_text()
    server.until(job_id, "completed")
    wanted = [10**number for number in range(18)] + [7, -3]
    assert [
        int(_answer(server, unit)["states"][1][0]) for unit in server.workunits(job_id)
    ] == wanted
    assert [int(value) for value in server.output(job_id)[0]] == [sum(wanted), 20]


def _fails_twice(server: LiveServer, job_type: str, why: str) -> list[View]:
    """Post a job whose program fails wherever it is computed; the two results of its unit."""
    job_id = server.job(job_type, {}, server.dataset(HUNDRED), min_quorum=1, max_error_results=2)
    failed = server.until(job_id, "failed")
    assert failed["failure"].startswith("work unit 0 gave up (too many error results): ")
    assert any(why in said for said in failed["failure_messages"])
    (unit,) = server.workunits(job_id)
    assert unit["error_mask"] == ["TOO_MANY_ERROR_RESULTS"]
    results: list[View] = unit["results"]
    assert [one["outcome"] for one in results] == ["client_error"] * 2, "tried again"
    assert all(why in one["message"] for one in results)
    assert len({one["by"] for one in results}) == 2, "by another volunteer"
    assert server.ask("GET", f"/jobs/{job_id}/output").status_code == 409
    return results


def _both_compute(server: LiveServer) -> None:
    """Both volunteers are still at work."""
    job_id = server.job("SUM", {"column": "n"}, server.dataset(HUNDRED), min_quorum=2)
    server.until(job_id, "completed")
    assert server.output(job_id) == [[4950, 100]]


def _answer(server: LiveServer, unit: View) -> View:
    """The canonical output of a work unit."""
    return dict(server.get(unit["_links"]["self"]["href"])["canonical_output"])
