"""This file is where bugs are planted one after another, and survivors are reported.

`make mutants` tries a sample chosen by a seed; `make mutants ARGS=--help` says what else it can do.
Exits 1 when a bug survived that nobody justified, or a justification matches no bug any more.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Sequence, Set
from pathlib import Path

from mutants.ledger import Entry, Ledger, as_toml, justified, tree_digest
from mutants.mutant import Key, Mutant, mutants
from mutants.places import enums_in
from mutants.targets import STAGES, Stage, files_of, paths_for
from mutants.trial import BASELINE_SLOT, Trial, Trials, Verdict, finished

ROOT = Path(__file__).parents[2]
#: How many bugs `make mutants` plants: a quarter of an hour on one core.
SAMPLE = 300
#: Where a commit waits for no disk: a store that is thrown away needs none.
MEMORY = "/dev/shm"
#: Heavy, or of no use to the tests.
NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", "node_modules", "__pycache__", ".*_cache", ".hypothesis", ".grid"
)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutants ARGS=…", description=__doc__)
    parser.add_argument("--only", metavar="PATH", action="append", help="a file or package")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="how many; 0 is all")
    parser.add_argument("--seed", type=int, default=1, help="chooses the sample")
    parser.add_argument("--survivors", action="store_true", help="those that survived last time")
    parser.add_argument("--fresh", action="store_true", help="try again what is known already")
    parser.add_argument("--list", action="store_true", help="show the bugs and plant none")
    parser.add_argument("--toml", action="store_true", help="print survivors as entries to justify")
    parser.add_argument(
        "--stages",
        type=int,
        default=len(STAGES),
        help="only the first of tests' stages",
    )
    parser.add_argument("--processes", type=int, choices=(1, 2), default=2)
    parser.add_argument("--root", type=Path, default=ROOT, help="the tree to plant them in")
    return parser.parse_args(words)


def all_mutants(tree: Path) -> list[Mutant]:
    """Every bug that can be planted in the targets."""
    sources = [path.read_text(encoding="utf-8") for path in sorted(tree.glob("grid/**/*.py"))]
    enums = enums_in(ast.parse(source) for source in sources)
    return [
        mutant
        for file in files_of(tree)
        for mutant in mutants(file, (tree / file).read_text(encoding="utf-8"), enums)
    ]


def chosen(found: Sequence[Mutant], wanted: argparse.Namespace, ledger: Ledger) -> list[Mutant]:
    """Those that were asked for, in the order of their lines."""
    if wanted.only:
        folders = tuple(f"{path.rstrip('/')}/" for path in wanted.only)
        found = [one for one in found if f"{one.key.file}/".startswith(folders)]
    if wanted.survivors:
        return [one for one in found if ledger.survived_before(one)]
    if not wanted.sample or wanted.sample >= len(found):
        return list(found)
    drawn = set(sorted(found, key=lambda one: drawn_by(one.key, wanted.seed))[: wanted.sample])
    return [one for one in found if one in drawn]


def drawn_by(key: Key, seed: int) -> bytes:
    """A bug's place in the draw: a larger sample holds a smaller one, whatever else has changed."""
    return hashlib.sha256(f"{seed} {key}".encode()).digest()


class Session:
    """Plants bugs until none is left to plant."""

    def __init__(
        self, trials: Trials, stages: Sequence[Stage], ledger: Ledger, excused: Set[Key]
    ) -> None:
        self.trials, self.stages, self.ledger = trials, stages, ledger
        #: Bugs that make no difference: the first tests are enough to see that they do not.
        self.excused = excused

    def plant(self, found: Sequence[Mutant], processes: int) -> dict[Mutant, Entry]:
        """What became of each."""
        entries: dict[Mutant, Entry] = {}
        waiting = deque((mutant, 0) for mutant in found)
        slots: dict[int, Trial] = {}
        while waiting or slots:
            for slot in range(processes):
                if waiting and slot not in slots:
                    mutant, at = waiting.popleft()
                    self._prepare(self.stages[at])
                    slots[slot] = self.trials.start(mutant, self.stages[at], slot)
            for trial, outcome in finished(list(slots.values())):
                slots = {slot: one for slot, one in slots.items() if one is not trial}
                assert trial.mutant is not None
                following = self.stages.index(trial.stage) + 1
                last = following == len(self.stages) or trial.mutant.key in self.excused
                if outcome.verdict is Verdict.SURVIVED and not last:
                    waiting.appendleft((trial.mutant, following))
                    continue
                entries[trial.mutant] = self.ledger.note(trial.mutant, outcome)
                if outcome.verdict is Verdict.SURVIVED and trial.mutant.key not in self.excused:
                    print(trial.mutant, flush=True)
                if len(entries) % 50 == 0:
                    print(f"{len(entries)} of {len(found)}", file=sys.stderr, flush=True)
        return entries

    def _prepare(self, stage: Stage) -> None:
        """Before the first bug meets a stage: leaves when a test fails without any bug."""
        if stage.name in self.trials.passes:
            return
        outcome = self.trials.baseline(stage)
        if outcome.verdict is not Verdict.SURVIVED:
            log = self.trials.log(BASELINE_SLOT)
            sys.exit(f"{log}\n{outcome.by}: must pass before bugs are planted")
        count = len(outcome.passes.tests)
        print(f"{stage.name}: {count} tests, {outcome.seconds:.1f} s without a bug", flush=True)


def report(
    entries: dict[Mutant, Entry], reasons: dict[Key, str], known: set[Key], toml: bool
) -> int:
    """Print what became of the bugs; the exit status."""
    counts = Counter(entry.verdict for entry in entries.values())
    survivors = [one for one, entry in entries.items() if entry.verdict is Verdict.SURVIVED]
    open_ones = [one for one in survivors if one.key not in reasons]
    needless = [
        one for one, entry in entries.items()
        if one.key in reasons and entry.verdict is not Verdict.SURVIVED
    ]  # fmt: skip
    stale = [key for key in reasons if key not in known]
    for title, found in (
        ("survived, and nobody says why it may", open_ones),
        ("justified, and killed all the same", needless),
        ("justified, and no longer there", stale),
    ):
        if found:
            print(f"\n== {title}")
            print(*found, sep="\n")
    if toml and open_ones:
        print("\n" + as_toml(one.key for one in open_ones))
    print(
        f"\n{len(entries)} planted: {counts[Verdict.KILLED]} killed, "
        f"{counts[Verdict.TIMED_OUT]} timed out, {counts[Verdict.SURVIVED]} survived, "
        f"{len(survivors) - len(open_ones)} of them justified"
    )
    return 1 if open_ones or stale else 0


def main(words: Sequence[str]) -> int:
    wanted = arguments(words)
    root = wanted.root.resolve()
    memory = MEMORY if os.access(MEMORY, os.W_OK) else None
    scratch = Path(tempfile.mkdtemp(prefix="grid-mutants-", dir=memory))
    try:
        tree = Path(shutil.copytree(root, scratch / "tree", ignore=NOT_COPIED))
        ledger = Ledger(root / ".venv" / "mutants.jsonl", tree_digest(tree))
        reasons = dict(justified(tree / "tests" / "mutants" / "justified.toml"))
        found = all_mutants(tree)
        asked_for = chosen(found, wanted, ledger)
        print(f"{len(found)} bugs can be planted; {len(asked_for)} are asked for", flush=True)
        if wanted.list:
            print(*asked_for, sep="\n")
            return 0
        entries = {} if wanted.fresh else known_already(asked_for, ledger)
        left = [one for one in asked_for if one not in entries]
        if left:
            stages = [one for one in STAGES[: wanted.stages] if paths_for(tree, one)]
            trials = Trials(tree, scratch, wanted.seed)
            planting = Session(trials, stages, ledger, reasons.keys())
            entries |= planting.plant(left, wanted.processes)
        return report(entries, reasons, {one.key for one in found}, wanted.toml)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def known_already(found: Sequence[Mutant], ledger: Ledger) -> dict[Mutant, Entry]:
    """What this very tree has told before."""
    entries = {one: entry for one in found if (entry := ledger.known(one)) is not None}
    if entries:
        print(f"{len(entries)} are known from before", flush=True)
    return entries


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))  # and leave nothing behind
    started = time.monotonic()
    code = main(sys.argv[1:])
    print(f"{time.monotonic() - started:.0f} s", file=sys.stderr)
    sys.exit(code)
