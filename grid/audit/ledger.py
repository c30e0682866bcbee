"""This file is where one job's log entries are held against each other, in the log's order.

It reads a stream and keeps, of each work unit, only what stands: an audit of 10⁵ work units must
fit into a small machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from grid import __version__, replay, splitter
from grid.audit.faults import Broken, Unchecked
from grid.auditlog import entries
from grid.auditlog.entries import SCHEMA, EntryKind
from grid.items import Mode
from grid.states import JobState, Support, ValidateState
from grid.validator.checks import AGREEMENT2, CONFIRMATION2
from grid.validator.modes import BELIEVING
from grid.validator.toss import commitment as seed_commitment

Facts = Mapping[str, Any]

#: Fields of a vote that its commitment covers.
COMMITTED = ("salt", "work_unit", "principal", "output")


class Standing(Struct, frozen=True, kw_only=True):
    """What the log says last of one work unit."""

    #: SHA-256 of its answer; None when it gave up.
    canonical: str | None
    first: int
    count: int
    support: str
    #: (salt, whose, millionths of a credit) of each of its answers.
    votes: tuple[tuple[bytes, int, int], ...]
    #: Why it gave up.
    error_mask: tuple[str, ...]


class Ledger:
    """One job's story, fed entry by entry; raises Broken at the first that does not fit."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.submitted: Facts | None = None
        self.program: str | None = None
        #: Version → digest of the output's manifest.
        self.outputs: dict[int, str] = {}
        self.state = JobState.ACTIVE
        self.revealed = False
        self.units: dict[int, Standing] = {}
        self.verdicts = self.rechecks = self.retracted = self.votes = 0
        #: Most half checks that a verdict believed somebody to have survived.
        self.believed2_max = 0
        self._hidden: dict[bytes, str] = {}
        self._opened: set[bytes] = set()
        self._people: dict[str, int] = {}
        #: Work units whose answers count as confirmed before the log says that a trusted run was.
        self._confirmed: dict[int, str] = {}
        #: Half checks that the log granted in this job.
        self.checks2 = 0

    def feed(self, kind: str, facts: Facts, where: str) -> None:
        """Take one entry; `where` names it for people."""
        version(facts, where)
        try:
            self._take(kind, facts, where)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise Broken(f"{where}: a {kind} entry without what it needs: {error!r}") from error

    def _take(self, kind: str, facts: Facts, where: str) -> None:
        if kind == EntryKind.JOB:
            self._event(facts, where)
        elif kind == EntryKind.PROGRAM:
            if self.program not in (None, facts["program"]):
                raise Broken(f"{where}: a second program for one job")
            self.program = facts["program"]
        elif kind == EntryKind.COMMIT:
            hidden = bytes.fromhex(facts["commitment"])
            if hidden in self._hidden or hidden in self._opened:
                raise Broken(f"{where}: the same answer is committed to twice")
            self._hidden[hidden] = where
        elif kind == EntryKind.VERDICT:
            self._verdict(facts, where)
        elif kind == EntryKind.CREDIT:
            self._later(facts, where)
        elif kind == EntryKind.RECHECK:
            self._recheck(facts, where)
        elif kind == EntryKind.RETRACT:
            self._retract(facts, where)
        elif kind == EntryKind.OUTPUT:
            self.outputs[int(facts["output_version"])] = facts["manifest"]
        elif kind == EntryKind.REVEAL:
            self._reveal(facts, where)

    def _event(self, facts: Facts, where: str) -> None:
        if facts["event"] != "submitted":
            self.state = JobState(facts["event"])
        elif self.submitted is None:
            self.submitted = facts
        else:
            raise Broken(f"{where}: the job was submitted a second time")

    def _reveal(self, facts: Facts, where: str) -> None:
        if seed_commitment(facts["seed"]) != self._submitted(where)["seed_commitment"]:
            raise Broken(f"{where}: the seed is not the one that was committed to")
        self.revealed = True

    def _submitted(self, where: str) -> Facts:
        if self.submitted is None:
            raise Broken(f"{where}: nothing says that the job was submitted")
        return self.submitted

    def _verdict(self, facts: Facts, where: str) -> None:
        number = int(facts["work_unit"])
        said = f"{where}, the verdict on work unit {number}"
        self._check_range(number, facts, said)
        self._check_rule(facts, said)
        worth: int | None = None
        votes: list[tuple[bytes, int, int]] = []
        earns = _earns(facts["rule"]["mode"], facts["support"])
        for vote in facts["votes"]:
            self._open(vote, said)
            worth = _check_worth(vote, earns, worth, said)
            self.believed2_max = max(self.believed2_max, int(vote["believed2"]))
            votes.append(self._entry_of(vote))
        if len({salt for salt, _, _ in votes}) < len(votes):
            raise Broken(f"{said} counts one answer twice, and grants its credit twice")
        different = replay.replay([(EntryKind.VERDICT, facts)])
        if different is not None:
            raise Broken(
                f"{said} does not follow from its facts: logged {different.logged}, "
                f"today's rules give {different.today}"
            )
        self.verdicts += 1
        self.votes += len(votes)
        self.units[number] = Standing(
            canonical=facts["canonical"],
            first=int(facts["first_chunk"]),
            count=int(facts["chunks"]),
            support=str(facts["support"]),
            votes=tuple(votes),
            error_mask=tuple(facts["error_mask"]),
        )
        self.checks2 += sum(int(vote["checks2"]) for vote in facts["votes"])
        if facts["support"] == Support.TRUSTED:
            self._confirmed.pop(number, None)

    def _entry_of(self, vote: Facts) -> tuple[bytes, int, int]:
        whose = self._people.setdefault(vote["principal"], len(self._people))
        return bytes.fromhex(vote["salt"]), whose, int(vote["credit"])

    def _open(self, vote: Facts, said: str) -> None:
        """A vote is what was committed to when it came in, before anybody knew what it was for."""
        hidden = bytes.fromhex(entries.commitment({name: vote[name] for name in COMMITTED}))
        if self._hidden.pop(hidden, None) is not None:
            self._opened.add(hidden)
        elif hidden not in self._opened:
            raise Broken(f"{said} counts an answer of {vote['principal']} that was never committed")

    def _check_range(self, number: int, facts: Facts, said: str) -> None:
        if number < 0:
            return  # a quiz: made-up rows, which are in no output
        if number in self.units and self.units[number].error_mask:
            raise Broken(f"{said} comes after the work unit gave up")
        first, count = expected_range(self._submitted(said), number, said)
        if count is not None and (facts["first_chunk"], facts["chunks"]) != (first, count):
            raise Broken(f"{said} is about other rows than that work unit's")

    def _check_rule(self, facts: Facts, said: str) -> None:
        policy, rule = self._submitted(said)["policy"], facts["rule"]
        wanted = {
            "quorum": policy["min_quorum"],
            "mode": policy["mode"],
            "target_error_ppb": policy["target_error_ppb"],
            "min_engines": policy["min_engines"],
        }
        if dict(rule) != wanted:
            raise Broken(f"{said} was reached by another rule than the job's policy")

    def _later(self, facts: Facts, where: str) -> None:
        number = int(facts["work_unit"])
        said = f"{where}, what an answer to work unit {number} became worth"
        self._open(facts, said)
        unit = self.units.get(number)
        if int(facts["checks2"]) == CONFIRMATION2 and (
            unit is None or unit.support != Support.TRUSTED
        ):
            self._confirmed.setdefault(number, said)
        mode = self._submitted(said)["policy"]["mode"]
        earns = {one for support in Support for one in _earns(mode, support)}
        worth = None
        if unit is not None:
            worth = next((credit for _, _, credit in unit.votes if credit), None)
        _check_worth(facts, sorted(earns), worth, said)
        if unit is None:
            return
        entry = self._entry_of(facts)
        others = tuple(one for one in unit.votes if one[0] != entry[0])
        self.units[number] = _replaced(unit, votes=(*others, entry))
        self.checks2 += int(facts["checks2"])

    def _recheck(self, facts: Facts, where: str) -> None:
        number = int(facts["work_unit"])
        unit = self.units.get(number)
        if unit is None or unit.canonical is None:
            raise Broken(f"{where}: work unit {number} was checked again and never decided")
        self.rechecks += 1
        self._confirmed.pop(number, None)
        self.units[number] = _replaced(unit, support=str(Support.TRUSTED))

    def _retract(self, facts: Facts, where: str) -> None:
        number = int(facts["work_unit"])
        unit = self.units.pop(number, None)
        if unit is None or unit.canonical != facts["canonical"]:
            raise Broken(f"{where}: retracts a verdict on work unit {number} that did not stand")
        self.retracted += 1

    def credit(self) -> dict[str, int]:
        """Pseudonym → millionths of a credit that the log grants."""
        names = {number: name for name, number in self._people.items()}
        total: Counter[str] = Counter()
        for unit in self.units.values():
            for _, whose, credit in unit.votes:
                total[names[whose]] += credit
        return {name: credit for name, credit in total.items() if credit}

    @property
    def volunteers(self) -> int:
        """How many pseudonyms answered."""
        return len(self._people)

    def close(self) -> None:
        """What must be so once a job has ended and its seal has opened; raises Broken."""
        submitted = self._submitted("the job")
        if self.program is None:
            raise Broken("nothing says which program the job's volunteers ran")
        if not self.revealed:
            raise Unchecked("its seal is shut: verdicts are checked once it has opened")
        if self.state is JobState.COMPLETED:
            self._check_whole(int(submitted["work_units"]))

    def _check_whole(self, count: int) -> None:
        if not self.outputs:
            raise Broken("the job completed, and the log names no output")
        missing = next((n for n in range(count) if n not in self.units), None)
        if missing is not None and not self.stopped:
            raise Broken(f"there is no verdict on work unit {missing}")
        gave_up = next((n for n, one in self.units.items() if n >= 0 and one.error_mask), None)
        if gave_up is not None and not self.stopped:
            raise Broken(f"work unit {gave_up} gave up, and the job completed all the same")
        early = next(iter(self._confirmed.values()), None)
        if early is not None:
            raise Broken(f"{early}: counts as confirmed, and no trusted run confirmed it")
        if self._hidden and not self.stopped:
            where = next(iter(self._hidden.values()))
            raise Broken(
                f"{where}: an answer was committed to and is in no verdict: a result was left out"
            )

    #: Whether one work unit's answer was enough to end the job; its manifest says so.
    stopped: bool = False


def version(facts: Facts, where: str) -> None:
    """Raises Unchecked for an entry that another version of Grid must verify."""
    schema, wrote = facts.get("schema"), str(facts.get("grid"))
    if schema != SCHEMA or wrote.split(".")[0] != __version__.split(".")[0]:
        raise Unchecked(
            f"{where} was written by Grid {wrote} in schema {schema}; this is {__version__}: "
            f"audit it with grid-compute=={wrote}"
        )


def expected_range(submitted: Facts, number: int, said: str) -> tuple[int, int | None]:
    """First chunk, or point, of a work unit and how many; None where the log does not say."""
    units = int(submitted["work_units"])
    if number >= units:
        raise Broken(f"{said}: the job has {units} work units")
    points, data = submitted["points"], submitted.get("data")
    if points is not None:
        total, per = int(points["count"]), int(points["per_work_unit"])
    elif data is not None:
        total = int(data["chunks"])
        per = -(-total // max(units, 1))
    else:
        return 0, None
    if splitter.workunit_count(total, max(per, 1)) != units:
        raise Broken(f"{said}: {total} are not {units} work units of {per}")
    return number * per, min(per, total - number * per)


def _replaced(unit: Standing, **fields: Any) -> Standing:
    known = {name: getattr(unit, name) for name in Standing.__struct_fields__}
    return Standing(**{**known, **fields})


def _earns(mode: str, support: str) -> tuple[int, ...]:
    """Half checks that a right answer may be worth: none where it shows nothing, as that of the
    requester's own host, and never any in the modes that only count votes."""
    if Mode(mode) not in BELIEVING:
        return (0,)
    return (0, CONFIRMATION2) if support == Support.TRUSTED else (0, AGREEMENT2)


def _check_worth(vote: Facts, earns: Sequence[int], worth: int | None, said: str) -> int | None:
    """Belief and credit follow from the verdict: right answers get all that the work unit is
    worth or nothing, wrong ones nothing. What the unit is worth, as far as is known now."""
    who, credit, checks2 = vote["principal"], int(vote["credit"]), int(vote["checks2"])
    state = ValidateState(vote["validate_state"])
    right = state is ValidateState.VALID
    if credit < 0 or (credit and (not right or vote.get("trusted"))):
        raise Broken(f"{said} grants {who} credit for an answer that earns none")
    if credit and worth not in (None, credit):
        raise Broken(f"{said} grants {who} {credit} millionths where others got {worth}")
    if state is ValidateState.INCONCLUSIVE:  # waits to be decided anew, and keeps what it had
        earns = range(CONFIRMATION2 + 1)
    elif not right:
        earns = (0,)
    if checks2 not in earns:
        raise Broken(f"{said} believes {who} by {checks2} half checks, where {max(earns)} follow")
    return credit or worth


def told(
    stream: Iterator[tuple[str, Facts, str]], ledgers: dict[str, Ledger], broken: dict[str, Broken]
) -> Iterator[tuple[str, Facts, str]]:
    """Feeds every entry to its job's ledger and passes it on; a job's first fault is kept, and what
    follows of that job is not looked at."""
    for kind, facts, where in stream:
        job = facts.get("job")
        if isinstance(job, str) and job not in broken:
            ledger = ledgers.setdefault(job, Ledger(job))
            try:
                ledger.feed(kind, facts, where)
            except Broken as error:
                broken[job] = error
        yield kind, facts, where
