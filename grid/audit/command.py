"""This file is where `grid audit` is: what an auditor types, and what comes back."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from grid.audit import promises, receipts, report, whole
from grid.audit.faults import Unreadable
from grid.audit.memory import Remembered
from grid.audit.receipts import Receipt
from grid.audit.site import Site
from grid.audit.steps import Told, Wanted
from grid.audit.whole import Options
from grid.auditlog import notes, policy
from grid.auditlog.merkle import EMPTY_ROOT
from grid.auditlog.notes import BadNote, Checkpoint, Key
from grid.auditlog.policy import BadPolicy, Policy
from grid.plugins.loader import PluginError
from grid.plugins.registry import Registry

SHARE = re.compile(r"(?P<percent>[0-9]{1,3}(?:\.[0-9]+)?)%")


def audit(
    target: Annotated[str, typer.Argument(help="A server's address, or an audit bundle.")],
    job: Annotated[list[str] | None, typer.Option(help="Only this job; may be repeated.")] = None,
    rerun: Annotated[
        str, typer.Option(help="Share of work units to compute again: 5%, all or none.")
    ] = "none",
    since: Annotated[
        list[Path] | None, typer.Option(help="A signed checkpoint that the log must continue.")
    ] = None,
    key: Annotated[
        list[str] | None, typer.Option(help="A key that the log must be signed with (a vkey).")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="A witness's key (a vkey); may be repeated.")
    ] = None,
    witnesses: Annotated[
        int | None, typer.Option(min=0, help="How many of them must have cosigned; all otherwise.")
    ] = None,
    witness_policy: Annotated[
        Path | None, typer.Option("--policy", help="A C2SP policy file, in place of --witness.")
    ] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option(help="A .tlog-proof, or a promise (JSON), to be kept.")
    ] = None,
    job_types: Annotated[
        list[Path] | None, typer.Option(help="A folder of further job types that you trust.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Check what a grid has published: its log, and each job from its entries to its output.

    Exit code 0: all holds; 1: something does not; 2: nothing to audit there; 3: something could
    not be checked.
    """
    console, began, kept = Console(highlight=False), time.monotonic(), receipt or []
    try:
        options = Options(
            wanted=Wanted(share=_share(rerun), root=EMPTY_ROOT, told=_progress(json)),
            registry=Registry(job_types or ()),
            jobs=tuple(job or ()),
            keys=tuple(_key(one) for one in key or ()),
            policy=_policy(witness or [], witnesses, witness_policy),
            since=tuple(_checkpoint(one) for one in since or ()),
            receipts=tuple(_receipt(one) for one in kept if not _is_promise(one)),
            promises=tuple(promises.promise(str(o), _text(o)) for o in kept if _is_promise(o)),
        )
        if target.startswith(("http://", "https://")):
            with Site(target) as site:
                findings = list(whole.of_site(site, options, Remembered(target)))
            size = site.bytes
        else:
            findings = list(whole.of_bundle(Path(target), options))
            size = Path(target).stat().st_size
    except (Unreadable, PluginError, BadPolicy) as error:
        typer.echo(f"grid audit: {error}", err=True)
        raise typer.Exit(report.UNUSABLE) from error
    cost = report.Cost(bytes=size, seconds=time.monotonic() - began)
    if json:
        typer.echo(report.as_json(target, findings, cost))
    else:
        report.told(console, target, findings, cost)
    raise typer.Exit(report.exit_code(findings))


def _share(text: str) -> float:
    if text in ("all", "none"):
        return 1.0 if text == "all" else 0.0
    match = SHARE.fullmatch(text)
    if match is None or float(match["percent"]) > 100:
        raise Unreadable(f"--rerun: {text} is no share; say 5%, all or none")
    return float(match["percent"]) / 100


def _key(text: str) -> Key:
    try:
        return notes.key(text)
    except BadNote as error:
        raise Unreadable(f"a key: {error}") from error


def _policy(keys: list[str], count: int | None, path: Path | None) -> Policy | None:
    if path is not None:
        if keys:
            raise Unreadable("--policy names the witnesses: leave --witness out")
        return policy.parse(_text(path))
    if not keys:
        return None
    return policy.of_witnesses([_key(one) for one in keys], len(keys) if count is None else count)


def _checkpoint(path: Path) -> Checkpoint:
    try:
        return notes.checkpoint(notes.parse(_text(path)).text)
    except BadNote as error:
        raise Unreadable(f"{path}: no checkpoint: {error}") from error


def _receipt(path: Path) -> Receipt:
    return receipts.receipt(str(path), _text(path))


def _is_promise(path: Path) -> bool:
    return _text(path).lstrip().startswith("{")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path}: {error}") from error


def _progress(silent: bool) -> Told:
    """Says on standard error how far computing again has come, where somebody looks."""
    console = Console(stderr=True)

    def told(job: str, done: int, of: int) -> None:
        if console.is_terminal and not silent:
            end = "\n" if done == of else "\r"
            console.print(f"{job}: {done:,} of {of:,} computed again", end=end, highlight=False)

    return told
