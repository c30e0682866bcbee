"""This file is where the threat model's tests are held to exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", (ROOT / "docs/threat-model.md").read_text())))


def test_the_threat_model_names_tests() -> None:
    assert len(NAMED) > 25


@pytest.mark.parametrize("named", NAMED)
def test_what_shows_that_an_attack_fails_is_there(named: str) -> None:
    path, _, function = named.partition("::")
    source = (ROOT / path).read_text()
    assert not function or re.search(rf"^(async )?def {function}\(", source, re.MULTILINE)
