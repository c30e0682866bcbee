"""This file is where it stands what the owner of a machine chooses about its part in a grid."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from grid.engines.child import Limits
from grid.volunteer.hours import Hours
from grid.volunteer.wishes import Wishes

#: Less than the ten seconds after which a container is killed that was asked to stop.
DRAIN_S = 8.0


class Options(Struct, frozen=True, kw_only=True):
    """What is left out is chosen by nobody."""

    server: str
    #: Work units at a time.
    cores: int = 1
    #: Leave when the server has no more work.
    once: bool = False
    #: A trusted-host token: it joins the pool of machines that its owner trusts.
    token: str | None = None
    #: One of `grid.engines.known`.
    engine: str = "deno"
    #: Of each core's child.
    limits: Limits = Limits()
    wishes: Wishes = Wishes()
    #: When it may compute; None for always.
    hours: Hours | None = None
    #: Seconds that what is being computed gets when it is asked to leave.
    drain_s: float = DRAIN_S
    #: Where it keeps who it is; None for in memory.
    state: Path | None = None
