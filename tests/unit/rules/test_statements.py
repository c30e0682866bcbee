"""This file is where it is tested that a signature stands for one statement of one host alone."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey

from grid import statements

KEY = SigningKey(bytes(range(32)))
PUBLIC = bytes(KEY.verify_key)
SPELLED = base64.b64encode(PUBLIC).decode()
REPORT = ("res_a", "lease", "success", "ab" * 32)


def signed(statement: bytes, key: SigningKey = KEY) -> str:
    return base64.b64encode(key.sign(statement).signature).decode()


def test_the_statement_is_spelled_as_the_documentation_says() -> None:
    text = "grid report 1\nres_a\nlease\nsuccess\n" + "ab" * 32 + "\n"
    assert statements.of_report(*REPORT) == text.encode()


def test_a_signature_by_another_library_is_right() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    other = Ed25519PrivateKey.from_private_bytes(bytes(KEY))
    statement = statements.of_report(*REPORT)
    assert base64.b64encode(other.sign(statement)).decode() == signed(statement)
    assert statements.verify(SPELLED, signed(statement), statement)


@pytest.mark.parametrize("place", range(4))
def test_a_signature_under_anything_else_is_wrong(place: int) -> None:
    changed = [*REPORT]
    changed[place] += "x"
    signature = signed(statements.of_report(*REPORT))
    assert not statements.verify(SPELLED, signature, statements.of_report(*changed))


def test_anothers_signature_is_wrong() -> None:
    statement = statements.of_report(*REPORT)
    another = SigningKey(bytes(32))
    assert not statements.verify(SPELLED, signed(statement, another), statement)


@given(st.text(max_size=100) | st.binary(min_size=64, max_size=64))
def test_no_text_is_a_signature_and_none_raises(found: str | bytes) -> None:
    text = found if isinstance(found, str) else base64.b64encode(found).decode()
    assert not statements.verify(SPELLED, text, b"x")


@pytest.mark.parametrize(
    "text",
    [
        "", "é", "%", "AAAA", base64.b64encode(bytes(31)).decode(),
        # points of small order sign for everybody; no point at all signs for nobody
        base64.b64encode(bytes(32)).decode(), base64.b64encode(b"\x01" + bytes(31)).decode(),
        base64.b64encode(b"\xff" * 32).decode(),
        # the same bytes, spelled otherwise
        base64.b64encode(PUBLIC).decode().rstrip("="), base64.b64encode(PUBLIC).decode() + "\n",
    ],
)  # fmt: skip
def test_a_key_that_nobody_can_hold_is_none(text: str) -> None:
    assert statements.public_key(text) is None


def test_a_key_is_read_as_it_was_spelled() -> None:
    assert statements.public_key(base64.b64encode(PUBLIC).decode()) == PUBLIC
