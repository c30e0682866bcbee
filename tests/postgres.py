"""This file is where tests get a PostgreSQL of their own: a cluster on a free port.

`TEST_DATABASE=postgresql` lets every store that a test opens be a database of that cluster, one for
each data folder. Debian's binaries are used as they lie there; no cluster of the machine's is.
"""

from __future__ import annotations

import atexit
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg

from grid.db import session

#: The one switch.
VARIABLE = "TEST_DATABASE"
BINARIES = Path("/usr/lib/postgresql")
#: `initdb` and the server refuse root.
UNPRIVILEGED = "postgres"
TEMPLATE = "grid_template"
#: Faster, and no less true: what a killed process has written, the kernel still has.
OPTIONS = ("fsync=off", "full_page_writes=off", "max_connections=400", "shared_buffers=64MB")
START_S = 60


class Cluster:
    """A running cluster; its files go when the tests end."""

    def __init__(self, options: Sequence[str] = OPTIONS) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="grid-postgres-"))
        self._options = options
        self._databases: dict[Path, str] = {}
        self._made = 0
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        if os.geteuid() == 0:
            shutil.chown(self.folder, UNPRIVILEGED)
        self._run("initdb", "-D", self._data, "-A", "trust", "-N", "-U", "grid", "--locale=C.UTF-8")
        self.start()

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def start(self) -> None:
        """Start, and wait until it answers."""
        chosen = [f"port={self.port}", "listen_addresses=127.0.0.1", *self._options]
        chosen.append(f"unix_socket_directories={self.folder}")
        options = " ".join(f"-c {one}" for one in chosen)
        log = str(self.folder / "log")
        command = (
            "pg_ctl",
            "-D",
            self._data,
            "-l",
            log,
            "-t",
            str(START_S),
            "-o",
            options,
            "start",
        )
        deadline = time.monotonic() + START_S
        while True:
            try:
                return self._run(*command)
            except subprocess.CalledProcessError:
                # Processes of one that was killed hold its memory until they have noticed.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def kill(self) -> None:
        """As a power cut would, for all that its processes know."""
        number = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(number, signal.SIGKILL)

    def stop(self) -> None:
        """Stop at once, and leave no file."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str) -> str:
        """How settings name a database of this cluster."""
        return f"postgresql://grid@127.0.0.1:{self.port}/{name}"

    def of_folder(self, folder: Path) -> str:
        """The database that stands for a data folder; migrated already when it is new."""
        key = folder.resolve()
        if key not in self._databases:
            if not self._made:
                self._execute(f"CREATE DATABASE {TEMPLATE}")
                session.migrate(self.url(TEMPLATE).replace("postgresql:", "postgresql+psycopg:"))
            self._made += 1
            name = f"test_{self._made}"
            self._execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            self._databases[key] = name
        return self.url(self._databases[key])

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, name: str, *arguments: str) -> None:
        as_other = ["runuser", "-u", UNPRIVILEGED, "--"] if os.geteuid() == 0 else []
        subprocess.run(
            [*as_other, str(_binaries() / name), *arguments],
            check=True,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            timeout=2 * START_S,
        )


@functools.cache
def shared() -> Cluster:
    """The cluster of this process, started when it is first asked for."""
    one = Cluster()
    atexit.register(one.stop)
    return one


def chosen() -> bool:
    """Whether stores are to be on PostgreSQL."""
    said = os.environ.get(VARIABLE, "sqlite")
    assert said in ("sqlite", "postgresql"), f"{VARIABLE}={said}: sqlite or postgresql"
    return said == "postgresql"


def environment(folder: Path) -> dict[str, str]:
    """What a child process must know to use a data folder, and its database."""
    url = {"GRID_DATABASE_URL": shared().of_folder(folder)} if chosen() else {}
    return {"GRID_DATA_DIR": str(folder), **url}


def _binaries() -> Path:
    found = sorted(
        BINARIES.glob("*/bin/initdb"), key=lambda one: int(re.findall(r"\d+", str(one))[0])
    )
    assert found, "no PostgreSQL here: `make databases` installs Debian's"
    return found[-1].parent
