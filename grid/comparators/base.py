"""This file is where it stands what a comparator is, with the one for exact job types.

A comparator sorts the answers to one work unit into groups: those of one group are the same answer.
How the groups come out depends on the answers alone, never on their order, and answers of equal
digest are always together. Outputs are strangers' words: one that cannot be read, or is too large
to be compared, is a group of its own, and nothing raises.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from msgspec import Struct


class Answer(Struct, frozen=True, kw_only=True):
    """One successful result, as a comparator sees it."""

    #: The result's id, or any other number that no other answer has.
    id: int
    #: SHA-256 of the output's canonical JSON.
    digest: str
    #: That JSON; may be None when the comparator needs no outputs, or when this one is gone.
    output: str | None = None


class Comparator(ABC):
    """When two outputs of a job type are the same answer."""

    #: Whether it must see the outputs, and not only their digests.
    needs_output: bool = True

    @abstractmethod
    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        """Id of each answer → key of its group.

        The key is the digest of the one output that speaks for the group.
        """

    def groups_around(self, answers: Sequence[Answer], known: int) -> dict[int, str]:
        """The same when one answer is canonical already, or a trusted one: `known` is its id.

        Who agrees with it is of its group, whose key is its digest; the others are grouped among
        themselves. So no crowd beside the known answer can part an honest one from it.
        """
        fixed = next(answer for answer in answers if answer.id == known)
        equal = {fixed.digest} | {
            answer.digest for answer in answers if answer.id != known and self.agrees(fixed, answer)
        }
        others = self.groups([answer for answer in answers if answer.digest not in equal])
        same = [answer.id for answer in answers if answer.digest in equal]
        return {**others, **dict.fromkeys(same, fixed.digest)}

    def agrees(self, one: Answer, other: Answer) -> bool:
        """Whether two answers, looked at alone, are the same; their ids must differ."""
        keys = self.groups((one, other))
        return keys[one.id] == keys[other.id]


class ByDigest(Comparator):
    """Equal canonical bytes, equal answer."""

    needs_output = False

    def groups(self, answers: Sequence[Answer]) -> dict[int, str]:
        return {answer.id: answer.digest for answer in answers}

    def groups_around(self, answers: Sequence[Answer], known: int) -> dict[int, str]:
        return self.groups(answers)


#: The rule for every exact job type.
by_digest = ByDigest()


def distinct(answers: Sequence[Answer]) -> dict[str, str]:
    """Digest → output, "" where no answer has it; in the order of the digests."""
    outputs: dict[str, str] = {}
    for answer in sorted(answers, key=lambda answer: answer.digest):
        outputs[answer.digest] = outputs.get(answer.digest) or answer.output or ""
    return outputs
