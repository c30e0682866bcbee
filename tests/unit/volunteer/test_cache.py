"""This file is where the cache of blobs stays within its bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grid.volunteer.cache import BlobCache


@given(asked=st.lists(st.integers(0, 9), max_size=60))
def test_a_cache_gives_the_right_bytes_and_keeps_to_its_size(asked: list[int]) -> None:
    cache = BlobCache(bytes_max=20)
    for number in asked:
        data = bytes([number]) * number
        assert cache.get(str(number), lambda data=data: data) == data  # type: ignore[misc]
        assert sum(map(len, cache._blobs.values())) == cache._bytes <= 20


def test_what_was_used_last_stays() -> None:
    cache = BlobCache(bytes_max=2)
    for digest in "abac":
        cache.get(digest, lambda: b"x")
    fetched = []
    for digest in "ac":
        cache.get(digest, lambda digest=digest: fetched.append(digest) or b"x")  # type: ignore[misc]
    assert fetched == []
