"""This file is where programs and inputs are kept that may be wanted again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

#: A few hundred chunks of the usual megabyte.
CACHE_BYTES_MAX = 256 << 20


class BlobCache:
    """Bytes by digest, the longest unused dropped first; threads may share it."""

    def __init__(self, bytes_max: int = CACHE_BYTES_MAX) -> None:
        self._bytes_max, self._bytes = bytes_max, 0
        self._blobs: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, digest: str, fetch: Callable[[], bytes]) -> bytes:
        """The bytes of that digest, by `fetch` when they are not here; its errors pass through."""
        with self._lock:
            if digest in self._blobs:
                self._blobs.move_to_end(digest)
                return self._blobs[digest]
        data = fetch()
        with self._lock:
            if digest not in self._blobs:
                self._blobs[digest] = data
                self._bytes += len(data)
            while self._bytes > self._bytes_max:
                self._bytes -= len(self._blobs.popitem(last=False)[1])
        return data
