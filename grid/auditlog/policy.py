"""This file is where it is said which witnesses are enough: a policy file of logs, witnesses and
groups of them, k of n (C2SP tlog-policy).

    log <vkey> [<url>]
    witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>…
    quorum <name>|none
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grid.auditlog import notes
from grid.auditlog.notes import COSIGNATURE, BadNote, Key, Note

#: More lines than the largest network of witnesses needs.
LINES_MAX = 1000
NONE = "none"
_BLANK = re.compile(r"[ \t]+")


class BadPolicy(ValueError):
    """A policy file that cannot be used; names the line."""


@dataclass(frozen=True)
class Member:
    """A log or a witness, and where it is asked, if that is said."""

    key: Key
    url: str | None = None


@dataclass(frozen=True)
class Policy:
    """Whom to believe about a log."""

    logs: tuple[Member, ...] = ()
    witnesses: Mapping[str, Member] = field(default_factory=dict)
    #: Name → how many of which witnesses or groups.
    groups: Mapping[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    quorum: str = NONE

    def cosigned_by(self, note: Note) -> set[str]:
        """The witnesses, by name, that cosigned a checkpoint."""
        signed = notes.cosigners(note, (one.key for one in self.witnesses.values()))
        return {name for name, one in self.witnesses.items() if one.key in signed}

    def enough(self, note: Note) -> bool:
        """Whether so many witnesses cosigned a checkpoint as the quorum wants."""
        return self.quorum == NONE or self._met(self.quorum, self.cosigned_by(note))

    def _met(self, name: str, signed: set[str]) -> bool:
        group = self.groups.get(name)
        if group is None:
            return name in signed
        least, members = group
        return sum(self._met(one, signed) for one in members) >= least


def of_witnesses(witnesses: Sequence[Key], least: int) -> Policy:
    """The policy that so many of these witnesses are enough. Raises BadPolicy."""
    if not 0 <= least <= len(witnesses) or len({one.public for one in witnesses}) < len(witnesses):
        raise BadPolicy(f"{least} of {len(witnesses)} different witnesses cannot be asked for")
    if any(one.kind != COSIGNATURE for one in witnesses):
        raise BadPolicy("a witness's key is one for cosignatures (type 4)")
    members = {f"w{place}": Member(one) for place, one in enumerate(witnesses)}
    groups = {"all-witnesses": (least, tuple(members))}
    return Policy((), members, groups, "all-witnesses" if least else NONE)


def parse(text: str) -> Policy:
    """A policy out of its file. Raises BadPolicy, which names the line."""
    lines = text.split("\n")
    if len(lines) > LINES_MAX:
        raise BadPolicy(f"more than {LINES_MAX} lines")
    made = _Making()
    for place, line in enumerate(lines, 1):
        words = [one for one in _BLANK.split(line) if one]
        if not words or words[0].startswith("#"):
            continue
        try:
            made.read(words)
        except BadNote as error:
            raise BadPolicy(f"line {place}: {error}") from error
    if made.quorum is None:
        raise BadPolicy("there is no quorum line")
    return Policy(tuple(made.logs), made.witnesses, made.groups, made.quorum)


class _Making:
    def __init__(self) -> None:
        self.logs: list[Member] = []
        self.witnesses: dict[str, Member] = {}
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.quorum: str | None = None
        self._grouped: set[str] = set()

    def read(self, words: Sequence[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self.logs.append(self._member(vkey, url, {one.key for one in self.logs}))
            case ["witness", name, vkey, *url] if len(url) < 2:
                known = {one.key for one in self.witnesses.values()}
                member = self._member(vkey, url, known)
                if member.key.kind != COSIGNATURE:
                    raise BadNote("a witness's key is one for cosignatures (type 4)")
                self.witnesses[self._new(name)] = member
            case ["group", name, least, first, *others]:
                self.groups[self._new(name)] = self._group(least, [first, *others])
            case ["quorum", name] if self.quorum is None:
                if name != NONE:
                    self._known(name)
                self.quorum = name
            case _:
                raise BadNote("not a line of a policy")

    def _member(self, vkey: str, url: Sequence[str], known: set[Key]) -> Member:
        key = notes.key(vkey)
        if key.public in {one.public for one in known}:
            raise BadNote("a key that is listed already")
        return Member(key, *url)

    def _group(self, said: str, members: list[str]) -> tuple[int, tuple[str, ...]]:
        for one in members:
            self._known(one)
            if one in self._grouped:
                raise BadNote(f"{one} is in a group already")
            self._grouped.add(one)
        least = {"all": len(members), "any": 1}.get(said)
        least = notes.number(said) if least is None else least
        if not 1 <= least <= len(members):
            raise BadNote(f"{least} of {len(members)} members cannot be asked for")
        return least, tuple(members)

    def _new(self, name: str) -> str:
        if name == NONE or name in self.witnesses or name in self.groups:
            raise BadNote(f"the name {name} is taken")
        return name

    def _known(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise BadNote(f"nothing above is called {name}")
