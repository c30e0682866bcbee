"""This file is where the OpenAPI document is held against a real server by generated requests."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from live import LiveServer

LIMIT_S = 3_000
#: Of each operation; with what covers the schema, some twenty thousand requests in all.
EXAMPLES = 200
#: What cannot be asked: the document describes queries as text, and a job's data set must be there;
#: everything that is public needs no token.
NOT_ASKED = "positive_data_acceptance,missing_required_header"


@pytest.fixture
def server(tmp_path: Path):
    with LiveServer(tmp_path) as one:
        for name in ("SUM", "filterBy"):
            one.set_plugin(name)
        one.job("SUM", {"column": "n"}, one.dataset("n\n1\n2\n"), min_quorum=1)
        yield one


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S)
def test_107_no_generated_request_fails_the_server_or_gets_what_is_not_documented(
    server: LiveServer, tmp_path: Path
) -> None:
    tool = Path(sys.executable).with_name("schemathesis")
    done = subprocess.run(
        [
            shutil.which(tool) or "schemathesis", "run", f"{server.url}/api/v1/openapi.json",
            "-H", f"Authorization: Bearer {server.admin_token}",
            "--checks", "all", "--exclude-checks", NOT_ASKED,
            "--phases", "examples,coverage,fuzzing,stateful",
            "--max-examples", str(EXAMPLES), "--generation-deterministic",
            "--exclude-path-regex", "events$", "--request-timeout", "60",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:]
    made = re.search(r"([\d,]+) generated", done.stdout)
    assert made is not None and int(made[1].replace(",", "")) >= 20_000, done.stdout[-2_000:]
    assert "Traceback" not in server.log.read_text()
