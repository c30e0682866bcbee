"""This file is where an audit goes from its target to its findings: a server, or one bundle."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from grid.audit import core, layout, log, steps
from grid.audit.announced import Announced
from grid.audit.bundle import Bundle
from grid.audit.faults import Broken, Unchecked
from grid.audit.findings import Finding, Mark
from grid.audit.ledger import Ledger, told
from grid.audit.memory import Remembered
from grid.audit.promises import Promise, Promised
from grid.audit.receipts import Held, Receipt
from grid.audit.site import Site
from grid.audit.steps import Wanted
from grid.auditlog import notes
from grid.auditlog.notes import Checkpoint, Key
from grid.auditlog.policy import Policy
from grid.plugins.registry import Registry


class Options(Struct, frozen=True, kw_only=True):
    """What an auditor knows, and asks for."""

    wanted: Wanted
    registry: Registry
    #: Jobs to look into; all of the log's when there are none.
    jobs: tuple[str, ...] = ()
    #: Keys that the log must be signed with; those seen before, or the log's own, when not given.
    keys: tuple[Key, ...] = ()
    policy: Policy | None = None
    #: Signed checkpoints that the log must continue.
    since: tuple[Checkpoint, ...] = ()
    #: What volunteers were given for their answers: each must be in the log.
    receipts: tuple[Receipt, ...] = ()
    #: What a server signed when it took answers: the log must keep it.
    promises: tuple[Promise, ...] = ()


def of_bundle(path: Path, options: Options) -> Iterator[Finding]:
    """Audits one bundle; raises Unreadable where there is none."""
    with Bundle(path) as bundle:
        try:
            tree, ledger = _bundled(bundle, options)
        except Broken as error:
            yield Finding(check="log", mark=Mark.FAILS, said=str(error))
            return
        except Unchecked as error:
            yield Finding(check="log", mark=Mark.UNCHECKED, said=str(error))
            return
        known = "" if options.keys else "; signed by the key that the bundle itself names"
        said = f"its leaves are among the {tree.size:,} that {tree.origin} signed for{known}"
        yield Finding(check="log", mark=Mark.HOLDS, said=said)
        wanted = msgspec.structs.replace(options.wanted, root=tree.root)
        yield from steps.audited(bundle, ledger, options.registry, wanted)


def _bundled(bundle: Bundle, options: Options) -> tuple[Checkpoint, Ledger]:
    core.check_files(bundle)
    tree = core.tree_of(bundle, list(options.keys) or core.keys_of(bundle), options.policy)
    for seen in options.since:
        log.same_size(seen, tree)
    ledger = Ledger(str(bundle.json(layout.JOB).get("id")))
    last = -1
    for line in bundle.lines(layout.LEAVES):
        last, leaf = core.check_leaf(tree, line, last)
        for kind, facts, where in log.entries(last, leaf):
            if facts.get("job") == ledger.job:
                ledger.feed(kind, facts, where)
    return tree, ledger


def of_site(site: Site, options: Options, memory: Remembered) -> Iterator[Finding]:
    """Audits a server's log and its jobs; raises Unreadable where there is no log."""
    known, last = memory.read()
    keys = list(options.keys) or known or site.keys()
    seen = [*options.since, *([] if last is None else [last])]
    ledgers: dict[str, Ledger] = {}
    broken: dict[str, Broken] = {}
    try:
        text = site.checkpoint()
        tree = _tree(site, text, keys)
        held, announced = Held(options.receipts, keys), Announced()
        promised = Promised(options.promises)
        for one in seen:
            log.continues(one, tree, site.tile)
        held.check(tree, site.tile)
        covered, names = _witnessed(site, text, tree, keys, options.policy)
        stream = announced.watch(_entries(tree, site, (held.see, promised.see), covered))
        count = sum(1 for _ in told(stream, ledgers, broken))
        held.close()
        promised.close()
        announced.check(text, keys)
    except Broken as error:
        yield Finding(check="log", mark=Mark.FAILS, said=str(error))
        return
    except Unchecked as error:
        yield Finding(check="log", mark=Mark.UNCHECKED, said=str(error))
        return
    memory.keep(announced.keys or keys, text)
    said = _said(tree, count, seen) + ("" if names is None else _cosigned(names, covered))
    yield Finding(check="log", mark=Mark.HOLDS, said=said)
    if not options.jobs:
        yield _credit(site, tree, ledgers, broken)
    yield from _jobs(site, tree, options, ledgers, broken)


def _tree(site: Site, text: str, keys: Sequence[Key]) -> Checkpoint:
    try:
        return log.signed(text, keys)
    except Broken as error:
        others = [one for one in map(str, site.keys()) if one not in map(str, keys)]
        if not others:
            raise
        raise Broken(
            f"{error}. The server names keys that were not known before; if you learned elsewhere "
            f"that they are right: --key {' --key '.join(others)}"
        ) from error


def _witnessed(
    site: Site, text: str, tree: Checkpoint, keys: Sequence[Key], policy: Policy | None
) -> tuple[int, set[str] | None]:
    """How many leaves the auditor's witnesses cosigned, and their names; all, and none, where no
    witness is asked for. Raises Broken when too few did."""
    if policy is None:
        return tree.size, None
    if not policy.enough(notes.parse(text)):
        text = site.witnessed() or text
    known = log.signed(text, keys, policy)
    log.continues(known, tree, site.tile)
    return known.size, policy.cosigned_by(notes.parse(text))


def _entries(
    tree: Checkpoint, site: Site, seers: Sequence[Callable[[int, bytes], None]], covered: int
) -> Iterator[log.Entry]:
    """What the witnessed leaves say; receipts and promises are looked for in all."""
    for index, leaf in log.all_leaves(tree, site.tile):
        for see in seers:
            see(index, leaf)
        if index < covered:
            yield from log.entries(index, leaf)


def _said(tree: Checkpoint, count: int, seen: Sequence[Checkpoint]) -> str:
    before = max((one.size for one in seen), default=None)
    grown = "seen for the first time" if before is None else f"continues the {before:,} seen before"
    return f"{tree.size:,} leaves with {count:,} entries of {tree.origin}, {grown}"


def _cosigned(names: set[str], covered: int) -> str:
    return f"; {', '.join(sorted(names)) or 'nobody'} cosigned its first {covered:,} leaves"


def _credit(
    site: Site, tree: Checkpoint, ledgers: dict[str, Ledger], broken: dict[str, Broken]
) -> Finding:
    """What volunteers are shown to have earned is what the log granted."""
    granted = sum(sum(one.credit().values()) for one in ledgers.values() if one.revealed)
    try:
        if broken:
            raise Unchecked("what the log grants is not known, since a job's entries do not hold")
        shown = site.credit()
        if shown != granted:
            if notes.checkpoint(notes.parse(site.checkpoint()).text).size != tree.size:
                raise Unchecked("the log grew meanwhile: audit it again")
            raise Broken(
                f"the leaderboard shows {shown:,} millionths of a credit, and the log grants "
                f"{granted:,}"
            )
    except Broken as error:
        return Finding(check="credit", mark=Mark.FAILS, said=str(error))
    except Unchecked as error:
        return Finding(check="credit", mark=Mark.UNCHECKED, said=str(error))
    said = f"all {granted:,} millionths of a credit on the leaderboard are granted by the log"
    return Finding(check="credit", mark=Mark.HOLDS, said=said)


def _jobs(
    site: Site,
    tree: Checkpoint,
    options: Options,
    ledgers: dict[str, Ledger],
    broken: dict[str, Broken],
) -> Iterator[Finding]:
    wanted = msgspec.structs.replace(options.wanted, root=tree.root)
    for job in options.jobs or ledgers:
        ledger = ledgers.get(job)
        if job in broken:
            yield Finding(check="verdicts", mark=Mark.FAILS, said=str(broken[job]), job=job)
        elif ledger is None:
            yield Finding(
                check="job", mark=Mark.FAILS, said="the log says nothing of this job", job=job
            )
        else:
            yield from _job(site, job, ledger, options.registry, wanted)


def _job(
    site: Site, job: str, ledger: Ledger, registry: Registry, wanted: Wanted
) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory(prefix="grid-audit-") as folder:
        path = Path(folder) / "bundle.zip"
        try:
            site.bundle(job, path)
            with Bundle(path) as bundle:
                core.check_files(bundle)
                yield from steps.audited(bundle, ledger, registry, wanted)
        except Broken as error:
            yield Finding(check="job", mark=Mark.FAILS, said=str(error), job=job)
        except Unchecked as error:
            yield Finding(check="job", mark=Mark.UNCHECKED, said=str(error), job=job)
