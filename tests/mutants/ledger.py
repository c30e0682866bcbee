"""This file is where it is kept what became of each planted bug, and why some may survive."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mutants.mutant import Key, Mutant
from mutants.trial import Outcome, Verdict

#: What may change a verdict: the product, what it is tried with, and this tool.
SOURCES = ("grid/**/*.py", "jobtypes/**/*.py", "tests/**/*.py")


@dataclass(frozen=True)
class Entry:
    """One line of the ledger."""

    key: Key
    #: Digest of the sources it was tried in.
    tree: str
    operator: str
    verdict: Verdict
    by: str
    seconds: float


class Ledger:
    """A file of JSON lines, written as verdicts come, so that a trial can go on where it ended."""

    def __init__(self, path: Path, tree: str) -> None:
        self.path, self.tree = path, tree
        path.parent.mkdir(parents=True, exist_ok=True)
        self.last: dict[Key, Entry] = {entry.key: entry for entry in _read(path)}

    def known(self, mutant: Mutant) -> Entry | None:
        """What became of it in this very tree."""
        entry = self.last.get(mutant.key)
        return entry if entry is not None and entry.tree == self.tree else None

    def survived_before(self, mutant: Mutant) -> bool:
        """Whether it survived when it was last tried, in whichever tree."""
        entry = self.last.get(mutant.key)
        return entry is not None and entry.verdict is Verdict.SURVIVED

    def note(self, mutant: Mutant, outcome: Outcome) -> Entry:
        entry = Entry(
            mutant.key, self.tree, mutant.operator, outcome.verdict, outcome.by, outcome.seconds
        )
        self.last[mutant.key] = entry
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
        return entry


def tree_digest(tree: Path) -> str:
    """SHA-256 over the sources that a verdict depends on, in hex."""
    found = sorted({path for pattern in SOURCES for path in tree.glob(pattern)})
    whole = hashlib.sha256()
    for path in found:
        whole.update(f"{path.relative_to(tree)}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def justified(path: Path) -> Mapping[Key, str]:
    """Bug → why it may survive; raises ValueError for an entry without a reason, or one twice."""
    reasons: dict[Key, str] = {}
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    for entry in tomllib.loads(text).get("survivor", []):
        reason = entry.pop("reason", "").strip()
        key = Key(**entry)
        if not reason or "\n" in reason:
            raise ValueError(f"{key}: one line must say why it may survive")
        if key in reasons:
            raise ValueError(f"{key} stands there twice")
        reasons[key] = reason
    return reasons


def as_toml(keys: Iterable[Key]) -> str:
    """Entries for survivors, to be given a reason or killed."""
    return "\n".join(
        "[[survivor]]\n"
        + "".join(
            f"{name} = {_spelled(value)}\n"
            for name, value in asdict(key).items()
            if (name, value) != ("nth", 1)
        )
        + 'reason = ""\n'
        for key in keys
    )


def _spelled(value: str | int) -> str:
    plain = isinstance(value, str) and '"' in value and "'" not in value and "\\" not in value
    return f"'{value}'" if plain else json.dumps(value, ensure_ascii=False)


def _read(path: Path) -> Iterator[Entry]:
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            fields = json.loads(line)
            key, verdict = Key(**fields.pop("key")), Verdict(fields.pop("verdict"))
            yield Entry(key=key, verdict=verdict, **fields)
