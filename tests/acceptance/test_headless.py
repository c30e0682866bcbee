"""This file is where machines without a browser take part in a real grid, and come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from live import LiveServer, until_named, volunteer

ROWS = "n\n" + "".join(f"{number}\n" for number in range(40))


def events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def once(server: LiveServer, log: Path, *options: str) -> list[dict[str, Any]]:
    """What a volunteer says that leaves when there is no more work."""
    with volunteer(server, log, "--once", "--json", *options) as process:
        assert process.wait(100) == 0, log.read_text()
    return events(log)


def test_a_machine_computes_what_the_log_names_and_comes_back_as_itself(
    server: LiveServer, tmp_path: Path
) -> None:
    dataset, log = server.dataset(ROWS, chunk_rows=20), tmp_path / "one.log"
    job_id = server.job("SUM", {"column": "n"}, dataset, min_quorum=1)
    until_named(server)
    said = once(server, log, "--duty", "80", "--cores", "2")
    server.until(job_id, "completed")
    assert said[-1]["total"] == 2
    assert all(one["accepted"] for one in said if one["event"] == "reported")
    (file,) = log.with_suffix(".state").glob("*.json")
    kept = json.loads(file.read_text())
    assert "\n\n— " in kept["seen"]["note"], "a signed checkpoint"
    again = server.job("SUM", {"column": "n"}, dataset, min_quorum=1)
    later = once(server, log)
    server.until(again, "completed")
    hosts = [one["host"] for one in [*said, *later] if one["event"] == "enrolled"]
    assert len(set(hosts)) == 1 and len(hosts) >= 2
    assert server.output(again) == [[780, 40]]


def test_a_machine_with_a_token_joins_the_pool_that_is_trusted(
    server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = server.job("SUM", {"column": "n"}, server.dataset(ROWS), mode="trusted")
    said = once(server, tmp_path / "stranger.log")
    assert said[-1]["total"] == 0
    assert [one["reason"] for one in said if one["event"] == "waiting"] == ["trusted_only"]
    made = server.ask("POST", "/admin/tokens", json={"account": "lab", "scope": "trusted_host"})
    assert made.status_code == 201, made.text
    monkeypatch.setenv("VOLUNTEER_TOKEN", made.json()["token"])
    assert once(server, tmp_path / "lab.log")[-1]["total"] >= 1
    server.until(job_id, "completed")
    assert server.output(job_id) == [[780, 40]]
