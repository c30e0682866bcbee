"""This file is where it is chosen how many bits of an address make one principal."""

from __future__ import annotations

import pytest

from grid.trust import PrefixBits, hidden_prefix, network_prefix

CASES = [
    ("8.8.8.9", PrefixBits(), "8.8.8.0/24"),
    ("8.8.8.9", PrefixBits(ipv4=16), "8.8.0.0/16"),
    ("8.8.8.9", PrefixBits(ipv4=32), "8.8.8.9/32"),
    ("2001:4860:1:2::5", PrefixBits(), "2001:4860:1::/48"),
    ("2001:4860:1:2::5", PrefixBits(ipv6=64), "2001:4860:1:2::/64"),
    ("::ffff:8.8.8.9", PrefixBits(ipv4=16), "8.8.0.0/16"),
    ("192.168.1.5", PrefixBits(ipv4=8), None),
    ("fe80::1", PrefixBits(ipv6=16), None),
]


@pytest.mark.parametrize(("address", "bits", "prefix"), CASES)
def test_an_operator_chooses_how_many_bits_count(address, bits, prefix):
    assert network_prefix(address, bits) == prefix


def test_only_a_keyed_digest_of_the_chosen_prefix_is_kept():
    near, far = "8.8.8.9", "8.8.200.1"
    key, wide = b"k" * 32, PrefixBits(ipv4=16)
    assert hidden_prefix(key, near, wide) == hidden_prefix(key, far, wide)
    assert hidden_prefix(key, near) != hidden_prefix(key, far)
    assert hidden_prefix(key, near) != hidden_prefix(b"l" * 32, near)
    assert "8.8" not in (hidden_prefix(key, near) or "")
