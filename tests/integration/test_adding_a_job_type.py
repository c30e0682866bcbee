"""This file is where docs/adding-a-job-type.md is followed to the letter, and the result is used.

The package of the page is a stranger's: it lies in another folder, is installed into a third one,
and Grid finds it by its entry point alone.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from live import LiveServer, volunteer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-job-type.md"
BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n\n)?^```(?P<kind>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
LIMIT_S = 300


class Reader:
    """Somebody at a shell, who types what the page says; variables stay from block to block."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site = folder / "home", folder / "site"
        programs = folder / "bin"
        for made in (self.folder, self.site, programs):
            made.mkdir()
        for name, module in (("grid", "web.main"), ("pip", "pip"), ("python", "")):
            script = programs / name
            called = f"-m {module}" if module else ""
            script.write_text(f'#!/bin/sh\nexec {sys.executable} {called} "$@"\n')
            script.chmod(0o755)
        inherited = {
            name: text for name, text in os.environ.items() if not name.startswith("GRID_")
        }
        paths = [str(self.site), str(ROOT), os.environ.get("PYTHONPATH", "")]
        self.environment = {
            **inherited,
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "PYTHONDONTWRITEBYTECODE": "1",
            "GRID_DATA_DIR": str(folder / "data"),
            "COLUMNS": "200",
            # No network, nothing else than the package, and not into this environment.
            "PIP_NO_INDEX": "1",
            "PIP_NO_DEPS": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PIP_TARGET": str(self.site),
        }

    def type(self, text: str) -> subprocess.CompletedProcess[str]:
        """One block; what it exports is there for the next."""
        kept = self.folder.parent / "environment"
        done = subprocess.run(
            ["bash", "-c", f"set -e\n{text}\nenv -0 > {kept}"],
            cwd=self.folder, env=self.environment, capture_output=True, text=True,
            timeout=LIMIT_S, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            pairs = [one.partition("=") for one in kept.read_text().split("\0") if one]
            self.environment = {name: value for name, _, value in pairs}
        return done


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reader, list[str]]:
    """The reader at the end of the page, and what each block of commands said."""
    reader = Reader(tmp_path_factory.mktemp("adding"))
    said = []
    for block in BLOCK.finditer(PAGE.read_text("utf-8")):
        if block["file"]:
            (reader.folder / block["file"]).write_text(block["text"], "utf-8")
        elif block["kind"].startswith("sh"):
            done = reader.type(block["text"])
            wanted = 1 if block["kind"] == "sh fails" else 0
            assert done.returncode == wanted, block["text"] + done.stdout + done.stderr
            said.append(done.stdout)
    return reader, said


def test_every_block_of_the_page_is_a_command_a_file_or_what_is_seen(
    read: tuple[Reader, list[str]],
) -> None:
    blocks = list(BLOCK.finditer(PAGE.read_text("utf-8")))
    assert len([block for block in blocks if block["kind"].startswith("sh")]) == len(read[1]) == 7
    assert {block["kind"] for block in blocks if not block["file"]} == {"sh", "sh fails", ""}


def test_the_page_shows_what_is_seen(read: tuple[Reader, list[str]]) -> None:
    (shown,) = [block["text"] for block in BLOCK.finditer(PAGE.read_text()) if not block["kind"]]
    (seen,) = [one for one in read[1] if "See it again" in one]

    def without_times(text: str) -> list[str]:
        return [re.sub(r"[\d.]+ s$|: […{].*", "", line) for line in text.splitlines()]

    assert [line for line in without_times(seen) if line in without_times(shown)] == without_times(
        shown
    )


def test_the_package_is_found_by_its_entry_point_and_enabled_as_the_same_code(
    read: tuple[Reader, list[str]],
) -> None:
    reader, said = read
    listed = [line.split() for one in said for line in one.splitlines() if "rainyDays" in line]
    states = [line[3] for line in listed if len(line) > 3 and line[1] == "0.1.0"]
    assert states == ["disabled", "enabled"], "the folder, and the package with the same files"
    assert str(reader.site / "rainfall_jobs" / "rainyDays") in said[-1]


def test_a_server_runs_the_strangers_job_type(
    read: tuple[Reader, list[str]], tmp_path: Path
) -> None:
    path = {"PYTHONPATH": read[0].environment["PYTHONPATH"]}
    with LiveServer(tmp_path, environment=path, chunk_rows=2) as server:
        server.set_plugin("rainyDays")
        dataset = server.dataset("day,mm\n1,0\n2,3\n3,10\n4,11\n5,\n6,1\n")
        job = server.job("rainyDays", {"column": "mm", "low": 1, "high": 10}, dataset, min_quorum=1)
        with volunteer(server, tmp_path / "volunteer.log"):
            server.until(job, "completed")
        assert server.output(job) == [[3, 0.6]]
