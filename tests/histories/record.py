"""This file is where a history is recorded: all that a simulated grid publishes, seals opened.

python tests/histories/record.py MODE SEED
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from grid import simulation
from grid.db import evidence
from grid.items import Mode
from grid.simulation.play import Play
from grid.simulation.scenario import Scenario


def record(mode: Mode, seed: int) -> Path:
    """Play a small grid in which a fifth of the hosts lie, and write what its log says."""
    lying = 0.0 if mode is Mode.TRUSTED else 0.2
    scenario = Scenario(
        seed=seed, mode=mode, work_units=40, hosts=15, share=lying, lying=0.5, bad_engine=0.0
    )
    path = Path(__file__).parent / f"{mode}-{seed}.jsonl"
    with simulation.folder() as name:
        play = Play(scenario, Path(name))
        play.go()
        with play.server.store.read() as connection:
            lines = evidence.lines(connection)
    said = [
        msgspec.json.encode({"kind": line.kind, "facts": msgspec.json.decode(line.facts)})
        for line in lines
    ]
    path.write_bytes(b"\n".join(said) + b"\n")
    return path


if __name__ == "__main__":
    print(record(Mode(sys.argv[1]), int(sys.argv[2])))
