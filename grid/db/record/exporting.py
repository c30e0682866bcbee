"""This file is where anybody makes the public record anew, from a server's log alone."""

from __future__ import annotations

import tempfile
from pathlib import Path

from grid.audit import log
from grid.audit.site import Site
from grid.db.record.store import PublicRecord

#: Leaves taken in one transaction.
LEAVES_MAX = 16


def from_log(site: Site, path: Path) -> int:
    """Write the record of a log to a new file; how many leaves. Every leaf is held against the
    signed tree first: raises Broken, or Unreadable."""
    tree = log.signed(site.checkpoint(), site.keys())
    with tempfile.TemporaryDirectory(prefix="grid-record-") as folder:
        record = PublicRecord(Path(folder))
        waiting: list[bytes] = []
        first = 0
        for _, leaf in log.all_leaves(tree, site.tile):
            waiting.append(leaf)
            if len(waiting) == LEAVES_MAX:
                first += record.take(first, waiting)
                waiting.clear()
        record.take(first, waiting)
        record.copy(path)
        record.close()
    return tree.size
