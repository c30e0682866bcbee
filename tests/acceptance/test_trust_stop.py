"""This file is where a server that computes for itself is stopped, and goes on afterwards."""

from __future__ import annotations

import time
from pathlib import Path

from live import TEST_JOB_TYPES, LiveHost, LiveServer, waiting

SETTINGS = {
    "cold_start_wait_s": 0,
    "copy_delay_max_s": 0,
    "compute_time_limit_s": 600,
    "job_type_folders": TEST_JOB_TYPES,
}
ENABLED = ("loops",)
#: What a stop may take in all.
STOP_S = 5


def children(pid: int) -> list[str]:
    """The programs of a process's children."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found.append(Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0].decode())
    return found


def test_sigterm_ends_the_server_in_time_also_while_it_computes_and_the_run_is_made_again(
    server: LiveServer,
) -> None:
    dataset = server.dataset("n\n" + "".join(f"{n}\n" for n in range(200)))
    job_id = server.job("loops", {}, dataset, mode="standard")
    host = LiveHost(server, lambda _: {"rows": 1})
    host.compute_all()
    for _ in waiting(60, "the server to compute it itself"):
        if any("deno" in one for one in children(server.pid)):
            break
    assert server.view(job_id)["state"] == "active", "it answers while it computes"
    began = time.monotonic()
    server.terminate()
    assert server.wait() == 0
    assert time.monotonic() - began < STOP_S
    server.start()
    for _ in waiting(60, "the server to begin it again"):
        if any("deno" in one for one in children(server.pid)):
            break
