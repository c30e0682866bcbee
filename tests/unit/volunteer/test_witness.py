"""This file is where volunteers run what the log names, and believe no log that was rewritten."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from served_log import DEEDS, DIGEST, FORGERIES, ORIGIN, OTHER, Log, forged

from grid.auditlog import notes
from grid.volunteer.client import Failure
from grid.volunteer.messages import Program
from grid.volunteer.witness import Dishonest, Seen, Unproven, Witness


def witness(log: Log, seen: Seen | None = None) -> tuple[Witness, list[Seen]]:
    kept: list[Seen] = []
    return Witness(lambda path: log.fetch(path), seen, kept.append), kept


def program(leaf: int | None, digest: str = DIGEST) -> Program:
    return Program(digest=digest, url="/x", bytes=1, leaf=leaf)


def test_a_program_that_the_log_names_is_run_and_the_proof_asked_for_once() -> None:
    log = Log()
    log.fill(3)
    leaf = log.program()
    one, kept = witness(log)
    for _ in range(3):
        one.check(program(leaf), "job_a")
    assert log.asked == [f"log/proof/{leaf}", "log/keys"]
    assert kept == [Seen(note=log.note(), keys=(str(log.keys[0]),))]


def test_a_server_that_does_not_say_where_is_not_asked() -> None:
    log = Log()
    witness(log)[0].check(program(None), "job_a")
    assert log.asked == []


@pytest.mark.parametrize(
    ("job", "digest", "leaf"), [("job_b", DIGEST, 0), ("job_a", OTHER, 0), ("job_a", DIGEST, 1)]
)
def test_a_program_that_the_log_does_not_name_is_not_run(job: str, digest: str, leaf: int) -> None:
    log = Log()
    log.program()
    log.fill(1)
    with pytest.raises(Unproven, match="does not name"):
        witness(log)[0].check(program(leaf, digest), job)


@pytest.mark.parametrize("change", FORGERIES)
def test_a_proof_that_does_not_hold_is_no_proof(change: Callable[[str], str]) -> None:
    with pytest.raises(Unproven, match="does not hold"):
        witness(forged(change))[0].check(program(5), "job_a")


def test_what_another_key_signed_is_no_proof() -> None:
    log, other = Log(), Log(seed=2)
    log.program()
    other.program()
    log.keys = other.keys
    with pytest.raises(Unproven):
        witness(log)[0].check(program(0), "job_a")


def test_a_log_that_grows_is_believed_across_processes_and_a_new_key() -> None:
    log = Log()
    first = log.program()
    one, kept = witness(log)
    one.check(program(first), "job_a")
    for count in (1, 3, 300, 700):
        log.fill(count)
        leaf = log.program(f"job_{count}")
        one, kept = witness(log, kept[-1])
        one.check(program(leaf), f"job_{count}")
    log.private = Ed25519PrivateKey.from_private_bytes(b"n" * 32)
    log.keys.insert(0, notes.public_key(log.private, ORIGIN))
    leaf = log.program("job_new")
    one, kept = witness(log, kept[-1])
    one.check(program(leaf), "job_new")
    assert kept[-1].note == log.note()


@pytest.mark.parametrize(("deed", "said"), DEEDS)
def test_a_log_that_was_changed_is_found_out_though_its_own_key_signed_it(
    deed: Callable[[Log], None], said: str
) -> None:
    log = Log()
    first = log.program()
    log.fill(6)
    one, kept = witness(log)
    one.check(program(first), "job_a")
    deed(log)
    again, later = witness(log, kept[-1])
    with pytest.raises(Dishonest, match=said):
        again.check(program(first), "job_a")
    assert later == [], "what was seen is kept as evidence"


def test_a_log_that_cannot_be_reached_is_asked_again() -> None:
    log = Log()
    leaf = log.program()

    def away(path: str) -> bytes:
        raise Failure("the server is away")

    one = Witness(away, None, lambda seen: None)
    with pytest.raises(Failure):
        one.check(program(leaf), "job_a")
    one._fetch = log.fetch
    one.check(program(leaf), "job_a")
