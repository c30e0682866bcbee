"""This file is where a handler finds what a public id names, as far as its caller may see it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from grid.db import auditors, listings, queries
from grid.db.rows import JobFacts
from grid.db.transaction import Transaction
from grid.identifiers import Kind
from grid.items import DataSet, Job, WorkUnit
from grid.plugins.loader import PluginError
from web import public_view
from web.bodies import convert_query
from web.callers import Caller, caller_of
from web.problems import AnyRequest, bad_field, not_found
from web.public_view import View
from web.server import Server, server_of

#: Items of one page unless asked otherwise, and at most.
PAGE_ITEMS = 50
PAGE_ITEMS_MAX = 200


def asked(request: AnyRequest) -> tuple[Server, Caller]:
    """The server, and who asks it."""
    server = server_of(request)
    return server, caller_of(request, server.store)


def find_job(server: Server, caller: Caller, public_id: str) -> JobFacts:
    """The job of this public id; raises 404 for an unknown one, and for a private one of others."""
    number = server.store.keyring.identifiers.internal(Kind.JOB, public_id)
    with server.store.read() as connection:
        facts = queries.job(connection, number)
    if facts is None or not _sees_job(server, caller, facts.job):
        raise not_found("job")
    return facts


def find_dataset(server: Server, caller: Caller, public_id: str) -> DataSet:
    """The data set of this public id; raises 404 like `find_job`."""
    number = server.store.keyring.identifiers.internal(Kind.DATASET, public_id)
    with server.store.read() as connection:
        dataset = queries.dataset(connection, number)
    if dataset is None or not (
        caller.may_see(dataset) or audits(server, caller, datasets=[dataset.id])
    ):
        raise not_found("data set")
    return dataset


def find_workunit(server: Server, caller: Caller, public_id: str) -> tuple[WorkUnit, JobFacts]:
    """The work unit of this public id, and its job; raises 404 like `find_job`."""
    number = server.store.keyring.identifiers.internal(Kind.WORKUNIT, public_id)
    with server.store.read() as connection:
        units = {} if number is None else queries.workunits(connection, [number])
        unit = next(iter(units.values()), None)
        facts = None if unit is None else queries.job(connection, unit.job_id)
    if unit is None or facts is None or not _sees_job(server, caller, facts.job):
        raise not_found("work unit")
    return unit, facts


def _sees_job(server: Server, caller: Caller, job: Job) -> bool:
    return caller.may_see(job) or audits(server, caller, jobs=[job.id])


def audits(
    server: Server, caller: Caller, jobs: Collection[int] = (), datasets: Collection[int] = ()
) -> bool:
    """Whether the caller was named an auditor of one of these jobs, or one on these data sets."""
    auditor = caller.viewer.auditor_id
    if auditor is None:
        return False
    with server.store.read() as connection:
        return auditors.audits(connection, auditor, jobs, datasets)


def job_views(server: Server, jobs: Sequence[JobFacts]) -> list[View]:
    """Whole views of these jobs, in order."""
    numbers = [one.job.id for one in jobs]
    now = server.store.now()
    with server.store.read() as connection:
        counts = listings.counts(connection, numbers)
        outputs = listings.outputs(connection, numbers)
    return [
        public_view.job(
            one,
            counts[one.job.id],
            outputs[one.job.id],
            server.names,
            now,
            tuple(media(server, one.job)) if outputs[one.job.id] else (),
        )
        for one in jobs
    ]


def media(server: Server, job: Job) -> Mapping[str, str]:
    """Further formats of its output; none where its job type is gone."""
    try:
        return server.store.job_types.loaded(job.job_type_digest).job_type.media
    except PluginError:
        return {}


def view_in(server: Server, transaction: Transaction, job_id: int) -> View:
    """A job's view within a transaction that has just changed it."""
    counts = listings.counts(transaction.connection, [job_id])[job_id]
    outputs = listings.outputs(transaction.connection, [job_id])[job_id]
    facts = facts_in(transaction, job_id)
    return public_view.job(facts, counts, outputs, server.names, transaction.now)


def page_limit(request: AnyRequest) -> int:
    """How many items the caller wants on a page."""
    limit = convert_query(request, "limit", int)
    if limit is None:
        return PAGE_ITEMS
    if not 1 <= limit <= PAGE_ITEMS_MAX:
        raise bad_field("/limit", f"limit: 1 to {PAGE_ITEMS_MAX}")
    return limit


def page_cursor(request: AnyRequest, server: Server, kind: Kind) -> int | None:
    """Where the page begins: behind the item of this public id."""
    text = request.query_params.get("cursor")
    if text is None:
        return None
    number = server.store.keyring.identifiers.internal(kind, text)
    if number is None:
        raise bad_field("/cursor", "cursor: take it from the link to the next page")
    return number


def number_cursor(request: AnyRequest) -> int:
    """Where the page begins: behind the item of this number; −1 for the first page."""
    cursor = convert_query(request, "cursor", int)
    if cursor is not None and not 0 <= cursor < 2**62:
        raise bad_field("/cursor", "cursor: take it from the link to the next page")
    return -1 if cursor is None else cursor


def facts_in(transaction: Transaction, job_id: int) -> JobFacts:
    """A job as it stands within a transaction that has just written it."""
    facts = queries.job(transaction.connection, job_id)
    assert facts is not None, "jobs stay"
    return facts
