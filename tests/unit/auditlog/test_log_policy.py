"""This file is where witnesses are counted: k of n, groups of groups, and no witness twice."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from grid.auditlog import notes, policy
from grid.auditlog.notes import COSIGNATURE, Checkpoint, Note
from grid.auditlog.policy import BadPolicy, Policy

NAMES = ("x1", "x2", "x3", "y1", "y2", "y3")
SECRETS = {
    name: Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32)) for name in (*NAMES, "log")
}
KEYS = {name: notes.public_key(SECRETS[name], f"{name}.example", COSIGNATURE) for name in NAMES}
LOG = notes.public_key(SECRETS["log"], "log.example")
TEXT = str(Checkpoint("log.example", 1, b"r" * 32))
WITNESSES = "".join(f"witness {name} {KEYS[name]} https://{name}.example/\n" for name in NAMES)
TWO_LEVELS = f"""# two organisations
log {LOG} https://log.example/
{WITNESSES}
group X 2 x1 x2 x3
\tgroup  Y any y1\ty2 y3
group both all X Y
quorum both
"""


def cosigned(*names: str) -> Note:
    lines = [notes.sign(TEXT, "log.example", SECRETS["log"])]
    lines += [notes.cosign(TEXT, f"{name}.example", SECRETS[name], 1) for name in names]
    return Note(TEXT, tuple(lines))


@pytest.mark.parametrize(
    ("names", "enough"),
    [
        ((), False), (("x1", "x2"), False), (("x1", "y1"), False), (("y1", "y2", "y3"), False),
        (("x1", "x3", "y2"), True), (NAMES, True), (("x1", "x1", "y1"), False),
    ],
)  # fmt: skip
def test_groups_of_groups_are_met_as_they_say(names: tuple[str, ...], enough: bool) -> None:
    read = policy.parse(TWO_LEVELS)
    assert read.enough(cosigned(*names)) is enough
    assert read.cosigned_by(cosigned(*names)) == set(names)
    assert read.logs == (policy.Member(LOG, "https://log.example/"),)
    assert read.witnesses["y2"].url == "https://y2.example/"


@pytest.mark.parametrize("least", range(4))
def test_k_of_n_witnesses_are_enough(least: int) -> None:
    read = policy.of_witnesses([KEYS["x1"], KEYS["x2"], KEYS["x3"]], least)
    for count in range(4):
        assert read.enough(cosigned(*NAMES[:count])) is (count >= least)


def test_a_forged_or_foreign_cosignature_counts_for_nothing() -> None:
    read = policy.of_witnesses([KEYS["x1"]], 1)
    line = notes.cosign(TEXT, "x1.example", SECRETS["x2"], 1)
    forged = notes.Signature("x1.example", KEYS["x1"].id, line.signature)
    assert not read.enough(Note(TEXT, (forged,)))
    assert not read.enough(cosigned("x2"))


def test_no_quorum_is_met_by_anything() -> None:
    assert policy.parse("quorum none\n") == Policy()
    assert policy.parse("quorum none").enough(cosigned())


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "no quorum"), ("quorum x1", "line 1"), ("quorum none\nquorum none", "line 2"),
        ("witness none KEY\nquorum none", "line 1"), ("witness a KEY\nwitness a OTHER", "line 2"),
        ("witness a KEY\nwitness b KEY", "line 2"), ("witness a LOG", "type 4"),
        ("witness a nonsense", "line 1"), ("witness a KEY url more", "not a line"),
        ("witness a KEY\ngroup g 2 a", "1 members"), ("witness a KEY\ngroup g 0 a", "line 2"),
        ("witness a KEY\ngroup g x a", "not a size"), ("group g any", "not a line"),
        ("witness a KEY\ngroup g any a\ngroup h any a", "in a group already"),
        ("witness a KEY\ngroup g any b", "called b"), ("log LOG\nlog LOG", "line 2"),
        ("no such line", "not a line"), ("\n" * 2000, "lines"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_by_its_line(text: str, line: str) -> None:
    spelled = text.replace("KEY", str(KEYS["x1"])).replace("OTHER", str(KEYS["x2"]))
    with pytest.raises(BadPolicy, match=line):
        policy.parse(spelled.replace("LOG", str(LOG)))


def test_more_witnesses_than_there_are_cannot_be_asked_for() -> None:
    for witnesses, least in [([KEYS["x1"]], 2), ([KEYS["x1"]] * 2, 1), ([], 1), ([LOG], 1)]:
        with pytest.raises(BadPolicy):
            policy.of_witnesses(witnesses, least)
