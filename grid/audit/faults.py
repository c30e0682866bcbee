"""This file is where it stands how a check may end otherwise than well; it needs nothing."""

from __future__ import annotations


class Broken(Exception):
    """Something does not hold; the message names it and where it is."""


class Unchecked(Exception):
    """Something could not be checked; the message says why."""


class Unreadable(Exception):
    """What was to be audited cannot be read at all: no server, no bundle."""
