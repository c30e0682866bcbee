"""This file is where outputs are the same answer whatever the order of some of their lists."""

from __future__ import annotations

from collections.abc import Sequence

from grid import canonical
from grid.comparators.base import Answer, Comparator, distinct
from grid.comparators.places import places, readable, some


class Unordered(Comparator):
    """Equal but for the order of the lists at `fields` (`places`); each counts as a multiset.

    The least digest of a group speaks for it.
    """

    def __init__(self, *fields: str) -> None:
        # A list inside another gets its order first.
        self._fields = sorted(some(fields), key=len, reverse=True)

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        alike: dict[str, list[str]] = {}
        for digest, output in distinct(answers).items():
            alike.setdefault(self._sorted(output) or digest, []).append(digest)
        keys = {digest: digests[0] for digests in alike.values() for digest in digests}
        return {answer.id: keys[answer.digest] for answer in answers}

    def _sorted(self, output: str) -> str | None:
        """The output with its lists in one order, as text; None when it cannot be read."""
        try:
            root = readable(output)
            for field in self._fields:
                for holder, key in places(root, field):
                    if isinstance(holder[key], list):
                        holder[key] = sorted(holder[key], key=canonical.dumps_facts)
            return canonical.dumps_facts(root).decode()
        except ValueError:
            return None
