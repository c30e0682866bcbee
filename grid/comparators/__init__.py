"""This package is where it is decided when two outputs are the same answer."""

from __future__ import annotations

from grid.comparators.base import Answer as Answer
from grid.comparators.base import ByDigest as ByDigest
from grid.comparators.base import Comparator as Comparator
from grid.comparators.base import by_digest as by_digest
from grid.comparators.unordered import Unordered as Unordered
from grid.comparators.within import Within as Within
