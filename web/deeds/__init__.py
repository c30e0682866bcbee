"""This file is where everything stands that is done by hand, on a page or by `grid admin`."""

from __future__ import annotations

from web.deeds import of_jobs, of_people, of_plugins
from web.deeds.base import Aim, Ask, Deed, Doing, did

__all__ = ["DEEDS", "Aim", "Ask", "Deed", "Doing", "did"]

DEEDS = {one.name: one for one in (*of_jobs.DEEDS, *of_plugins.DEEDS, *of_people.DEEDS)}
