"""This file is where scenarios are played one after another, and what breaks is told."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from grid import simulation
from grid.items import Mode
from grid.simulation.draws import Draws
from grid.simulation.invariants import Broken
from grid.simulation.scenario import Behaviour, Crowd, Scenario
from grid.simulation.summary import Summary, told

#: What a varied scenario draws from: none, some, much of each.
SHARES = (0.0, 0.05, 0.2, 0.35)
NETWORKS = (0.0, 0.02, 0.1)
CRASHES = (0.0, 0.002, 0.01)


def play_all(first: Scenario, seeds: int, varied: bool, say: Callable[[str], None]) -> bool:
    """Play `seeds` scenarios that differ in their seed; whether every invariant held."""
    broken = 0
    for number in range(seeds):
        scenario = msgspec.structs.replace(first, seed=first.seed + number)
        scenario = vary(scenario) if varied else scenario
        try:
            summary = simulation.play(scenario)
        except Broken as error:
            broken += 1
            say(str(error))
            continue
        say(told(summary) if seeds == 1 else _line(summary))
    if seeds > 1:
        say(f"{seeds - broken} of {seeds} seeds: no invariant broken")
    return not broken


def vary(scenario: Scenario) -> Scenario:
    """The same size of grid with everything else drawn from its seed."""
    stream = Draws(scenario.seed).stream("varied")
    return msgspec.structs.replace(
        scenario,
        jobs=stream.randint(1, 3),
        mode=stream.choice(list(Mode)),
        crowd=stream.choice(list(Crowd)),
        crowded=stream.choice(SHARES),
        accounts=stream.choice(SHARES),
        coming_back=stream.choice((0.0, 1.0)),
        behaviour=stream.choice(list(Behaviour)),
        share=stream.choice(SHARES),
        lying=stream.choice((0.02, 0.3, 1.0)),
        flaky=stream.choice(SHARES[:2]),
        bad_engine=stream.choice(SHARES[:3]),
        network=stream.choice(NETWORKS),
        crashes=stream.choice(CRASHES),
        bad_reference=stream.choice((0.0, 0.0, 0.02, 0.1)),
    )


def _line(summary: Summary) -> str:
    """One play in one line."""
    scenario = summary.scenario
    return (
        f"seed {scenario.seed}, {scenario.mode}, {scenario.behaviour}: "
        f"{summary.decided}/{summary.work_units} decided, "
        f"{summary.wrong} wrong, {summary.copies_per_unit:.2f} copies a work unit, "
        f"{sum(summary.crashes.values())} crashes, {sum(summary.mishaps.values())} network faults, "
        f"{summary.digest[:16]}…"
    )
