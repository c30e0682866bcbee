"""This file is where an auditor without an account has ten minutes: buttons, a bundle, SQL."""

from __future__ import annotations

import csv
import io
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from forging import Forger, flip
from live import LiveHost, LiveServer, waiting
from webdriver import Remote, driven

BROWSERS = ("chromium", "firefox")
ROWS = "a,b\n" + "".join(f"{number},{number % 7}\n" for number in range(200))
#: The sum of the numbers whose remainder by 7 is 3.
FIGURE = "2929"
#: A card's own bytes, its facts aside.
CARD_BYTES_MAX = 60_000


@pytest.fixture(scope="module", params=BROWSERS)
def remote(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Remote]:
    with driven(request.param, tmp_path_factory.mktemp(request.param)) as found:
        yield found


def published(server: LiveServer, rows: str = ROWS) -> str:
    """A job that two volunteers have computed, and the log has told of."""
    dataset = server.dataset(rows, chunk_rows=20)
    job = server.job("SUM", {"column": "a", "where": "b = 3"}, dataset, min_quorum=2)
    for host in (LiveHost(server), LiveHost(server)):
        host.compute_all()
    server.until(job, "completed")
    for _ in waiting(60, "the log to tell of its verdicts"):
        if server.ask("GET", f"/jobs/{job}/evidence", token="").status_code == 200:
            return job
    raise AssertionError


@pytest.fixture(scope="module")
def job(module_server: LiveServer) -> str:
    return published(module_server)


def verified(remote: Remote, where: str) -> str:
    """What the page says in the end when its button was clicked."""
    remote.get(where)
    remote.until(lambda: bool(remote.run(READY)), "the button to be ready")
    remote.click('[data-part="begin"]')
    remote.until(lambda: remote.text('[data-part="verdict"]') != "", "a verdict", 120)
    return remote.text('[data-part="verdict"]')


READY = """return document.querySelector('[data-part="begin"]')?.disabled === false"""


def test_one_work_unit_and_five_of_a_job_turn_green(
    module_server: LiveServer, job: str, remote: Remote
) -> None:
    unit = module_server.workunits(job)[3]["id"]
    assert verified(remote, f"{module_server.url}/audit/workunits/{unit}").startswith("Verified")
    steps = remote.text('[data-part="steps"]').splitlines()
    assert len(steps) == 6 and "the same answer" in steps[-1]
    assert verified(remote, f"{module_server.url}/jobs/{job}").startswith("Verified")
    assert remote.text('[data-part="steps"]').count("the same answer") == 5
    assert "kB to fetch" in remote.text('[data-part="told"]')


def test_a_flipped_byte_of_the_data_turns_it_red_and_is_named(
    module_server: LiveServer, remote: Remote
) -> None:
    rows = "a,b\n" + "".join(f"{number + len(remote.name)},3\n" for number in range(200))
    job = published(module_server, rows)
    forger = Forger(module_server.data)
    found = module_server.view(job)["dataset"]
    for chunk in module_server.get(f"/datasets/{found}/chunks")["items"]:
        for column in chunk["columns"]:
            path = forger.blob(column["digest"])
            path.write_bytes(flip(path.read_bytes(), -9))
    said = verified(remote, f"{module_server.url}/jobs/{job}")
    assert said.startswith("Does not hold: column") and "has the digest" in said


def test_a_card_turns_green_and_its_reader_leaves_a_signed_word(
    module_server: LiveServer, job: str, remote: Remote
) -> None:
    before = module_server.get(f"/jobs/{job}/evidence", token="")["checked"]["same"]
    assert verified(remote, f"{module_server.url}/answer/{job}").startswith("Verified")
    assert remote.text(".figure") == FIGURE
    remote.click('[data-part="leave"]')
    remote.see('[data-part="told"]', "Your signed word is in the log")
    after = module_server.get(f"/jobs/{job}/evidence", token="")["checked"]["same"]
    assert after == before + 1


def test_a_card_that_was_kept_as_a_file_checks_itself_too(
    module_server: LiveServer, job: str, remote: Remote, tmp_path: Path
) -> None:
    answer = module_server.http.get(f"{module_server.url}/answer/{job}?download=true")
    assert answer.headers["content-disposition"].startswith("attachment")
    facts = answer.text.partition('id="facts"')[2].partition("</script>")[0]
    assert len(answer.content) - len(facts.encode()) < CARD_BYTES_MAX
    path = tmp_path / "card.html"
    path.write_bytes(answer.content)
    assert verified(remote, path.as_uri()).startswith("Verified")
    path.write_text(answer.text.replace(FIGURE, "2930"))
    said = verified(remote, path.as_uri())
    assert said.startswith("Does not hold: row 1 on this card is [") and "2930" in said


def audit(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-m", "web.main", "audit", *arguments],
        env={**os.environ, "XDG_STATE_HOME": str(folder), "NO_COLOR": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.splitlines()


def test_the_first_ten_minutes_of_an_auditor_who_has_no_account(
    module_server: LiveServer, job: str, tmp_path: Path
) -> None:
    server = module_server
    page = server.http.get(f"{server.url}/jobs/{job}").text
    unit: dict[str, Any] = server.get(f"/workunits/{server.workunits(job)[0]['id']}", token="")
    for shown in (
        "Download CSV", "What was asked for", "Program", "Public audit", "cosigned by", "s old",
        "the server ran", unit["results"][0]["by"][:8], f"/api/v1/jobs/{job}/bundle",
    ):  # fmt: skip
        assert shown in page, shown
    bundle = tmp_path / f"{job}.zip"
    bundle.write_bytes(server.ask("GET", f"/jobs/{job}/bundle", token="").content)
    code, lines = audit(tmp_path, str(bundle), "--rerun", "all")
    assert code == 0 and lines[0] == "ALL HOLDS: 7 checks", lines
    assert "can see a fork" in lines[-1] and "10 of 10 work units computed again" in "".join(lines)
    query = {"sql": f"SELECT principal, count(*) FROM vote WHERE job = '{job}' GROUP BY 1"}
    answer = httpx.get(f"{server.url}/audit/sql/record.csv", params=query, trust_env=False)
    assert [row[1] for row in csv.reader(io.StringIO(answer.text))] == ["count(*)", "10", "10"]
    data = bytearray(bundle.read_bytes())
    place = data.rindex(b"output/output.csv")
    data[data.index(b"blobs/") + 100] ^= 1
    assert place
    (tmp_path / "tampered.zip").write_bytes(bytes(data))
    code, lines = audit(tmp_path, str(tmp_path / "tampered.zip"))
    assert code == 1 and lines[0].startswith("DOES NOT HOLD: log: blobs/"), lines
    made = server.grid("export-audit", str(tmp_path / "record.db"), "--from", server.url)
    assert made.returncode == 0, made.stderr
    with sqlite3.connect(tmp_path / "record.db") as found:
        counted = found.execute("SELECT count(*) FROM verdict WHERE job = ?", (job,)).fetchone()
    assert counted == (10,)
