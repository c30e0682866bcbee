"""This file is where the figures of a server are read, and its health believed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import structlog
from prometheus_client.parser import text_string_to_metric_families
from web_people import People

from web import main

MONITORING = Path(__file__).parents[2] / "packaging" / "monitoring"


def _figures(people: People) -> dict[str, float]:
    answer = people.http.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    return {
        "/".join([one.name, *one.labels.values()]): one.value
        for family in text_string_to_metric_families(answer.text)
        for one in family.samples
    }


def test_what_hosts_were_given_and_reported_is_counted(people: People) -> None:
    before = _figures(people)
    job_id = people.job()
    people.finish(job_id, [people.host(), people.host()])
    after = _figures(people)
    assert after["grid_assignments_total"] - before["grid_assignments_total"] == 6
    assert after["grid_reports_total/accepted"] - before.get("grid_reports_total/accepted", 0) == 6
    assert after["grid_exchange_seconds_count"] > before["grid_exchange_seconds_count"]
    assert not any(name.startswith("grid_commits") for name in after), "a secret copy is one more"
    assert after["grid_commit_waiting"] == 0
    assert after["process_resident_memory_bytes"] > 10**7


def test_a_refused_report_is_counted_by_its_reason(people: People) -> None:
    people.job()
    host = people.host()
    (given,) = host.ask(1)
    host.tell(host.computed(given))
    host.tell({**host.computed(given), "output": "e30="})
    assert _figures(people)["grid_reports_total/already_reported"] == 1


def test_nothing_of_a_job_or_host_is_among_the_figures(people: People) -> None:
    job_id = people.job()
    host = people.host()
    host.ask(1)
    said = people.http.get("/metrics").text
    assert job_id not in said and host.identity["host_id"] not in said


def test_a_line_of_the_log_is_one_json_object_where_that_was_chosen(capsys) -> None:
    main._configure_log("json")
    try:
        try:
            raise ValueError("what went wrong")
        except ValueError:
            structlog.get_logger("tests").exception("it failed", job=7)
        said = json.loads(capsys.readouterr().err)
    finally:
        structlog.reset_defaults()
    assert (said["event"], said["level"], said["job"]) == ("it failed", "error", 7)
    assert "what went wrong" in said["exception"] and said["timestamp"]


def test_the_dashboard_and_the_alerts_ask_for_figures_that_there_are(lively: People) -> None:
    lively.job()
    lively.host().ask(1)
    known = {name.split("/")[0] for name in _figures(lively)} | {"up", "grid_reports_total"}
    dashboard = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    asked = [one["expr"] for panel in dashboard["panels"] for one in panel["targets"]]
    asked += re.findall(r"^ +expr: (.+)$", (MONITORING / "alerts.yml").read_text("utf-8"), re.M)
    assert len(asked) > 12
    for expression in asked:
        names = set(re.findall(r"\b(?:grid|process)_[a-z_]+|\bup\b", expression))
        assert names and names <= known, expression
