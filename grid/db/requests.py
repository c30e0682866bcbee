"""This file is where it stands what one host asks of the store, and what it is answered."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from grid.db.rows import JobFacts
from grid.dispatch.facts import WhyNoWork, Wish
from grid.items import Host
from grid.leases import Lease
from grid.report import Judged, Report


class Renewal(Struct, frozen=True, kw_only=True):
    """A host that is still computing."""

    result_id: int
    lease: Lease | None


class WorkRequest(Struct, frozen=True, kw_only=True):
    """One host's reports, renewals and wish for more."""

    host: Host
    reports: tuple[Report, ...] = ()
    #: Canonical JSON of accepted outputs, by result id.
    outputs: Mapping[int, str] = {}
    #: What they were signed with, by result id.
    signatures: Mapping[int, str] = {}
    renewals: tuple[Renewal, ...] = ()
    #: Results whose outputs may be enough to end their jobs.
    enough: frozenset[int] = frozenset()
    #: Results whose outputs are cheap to check.
    provable: frozenset[int] = frozenset()
    want: int = 0
    wish: Wish = Wish()
    #: Every result it knows that it holds; None when it does not say. What it does not list was
    #: lost on the way, and is given again.
    holding: frozenset[int] | None = None


class Assigned(Struct, frozen=True, kw_only=True):
    """A result the host may compute now."""

    lease: Lease
    job: JobFacts
    first_chunk: int
    chunk_count: int
    #: The work unit whose made-up rows stand in the place of these chunks; None where none do.
    quiz: int | None = None


class WorkAnswer(Struct, frozen=True, kw_only=True):
    """What one request is answered; lists are as long as the request's."""

    judged: tuple[Judged, ...]
    renewed: tuple[Lease | None, ...]
    assigned: tuple[Assigned, ...]
    why_no_work: WhyNoWork | None
    #: Why its volunteer is banned, in our words; only when it is.
    ban_reason: str | None = None
