"""This package is where the grid lives in virtual time: thousands of hosts, faults and saboteurs.

The rules and the store are the real ones, on a SQLite file; hosts, network and clock are made from
one seed, so that whatever happens can be made to happen again.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from grid.simulation.play import Play
from grid.simulation.scenario import Scenario
from grid.simulation.summary import Summary

#: Memory, where there is such a folder: a crash in virtual time loses no write that was made, so a
#: disk would only be waited for.
MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder is made in it


def play(scenario: Scenario) -> Summary:
    """Play a scenario in a folder that goes away; raises `invariants.Broken`."""
    with folder() as name:
        return Play(scenario, Path(name)).go()


def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for one play."""
    return tempfile.TemporaryDirectory(
        prefix="grid-simulation-", dir=MEMORY if MEMORY.is_dir() else None
    )
