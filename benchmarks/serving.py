"""This file is where a server is started to be measured: its own process on a fresh folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

START_S = 30


class Serving(Struct, frozen=True, kw_only=True):
    """A server that listens on 127.0.0.1."""

    port: int
    #: An admin's token.
    token: str
    #: Where its data are.
    folder: Path

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@contextmanager
def process(port: int, *command: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A server that listens on `port`, ended afterwards."""
    child = subprocess.Popen(
        command, env={**os.environ, **environment}, stdout=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or child.poll() is not None:
                    raise RuntimeError(f"{command} did not start") from None
                time.sleep(0.05)
        yield child
    finally:
        child.terminate()
        child.wait(20)


@contextmanager
def serving(*job_types: str, program: str = "web.main") -> Iterator[Serving]:
    """A server with these job types enabled; `program` is the module that serves."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "grid"
        environment = {"GRID_DATA_DIR": str(data), "GRID_PORT": str(port)}
        for name in job_types:
            subprocess.run(
                [sys.executable, "-m", "web.main", "plugins", "enable", name, "--yes"],
                env={**os.environ, **environment},
                check=True,
                stdout=subprocess.DEVNULL,
            )
        made = subprocess.run(
            [sys.executable, "-m", "web.main", "token", "create", "bench", "--scope", "admin"],
            env={**os.environ, **environment},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        with process(port, sys.executable, "-m", program, "serve", **environment) as child:
            assert child.stdout is not None
            next(line for line in iter(child.stdout.readline, "") if "listening on" in line)
            yield Serving(port=port, token=made.stdout.strip(), folder=data)
