"""This file is where people's wishes become rows: jobs, data sets, hosts, tokens, plugins.

Each function runs inside one transaction and writes through `apply` only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, select

from grid import splitter, trust
from grid.assimilator import ending
from grid.auditlog import datasets, entries
from grid.canonical import digest
from grid.db import apply as writes
from grid.db import queries, secrets, speeds
from grid.db.keyring import Keyring
from grid.db.tables import (
    AccountRow,
    DataSetRow,
    HostRow,
    IdempotencyRow,
    JobRow,
    MergeRow,
    PluginRow,
    PrefixKeyRow,
    TokenRow,
    VolunteerRow,
    table,
)
from grid.db.transaction import Transaction
from grid.items import ChunkColumn, Column, DataSet, Job, Json, Needs, Policy
from grid.secrets import NONE, Secrets
from grid.states import JobState
from grid.trust import PrefixBits

#: Seconds of a day; the life of a prefix key.
DAY_S = 86_400


class NewJob(Struct, frozen=True, kw_only=True):
    """A job that passed every check."""

    account_id: int
    job_type: str
    version: str
    job_type_digest: str
    spec: Json
    params: Json
    reads: tuple[str, ...]
    output_columns: tuple[Column, ...]
    #: The job type's state before the first part is merged.
    merge_state: Json
    #: None for a job that needs no data.
    dataset_id: int | None
    name: str
    metadata: Mapping[str, Json]
    public: bool
    policy: Policy
    program_digest: str
    seal_opens_by: int
    needs: Needs = Needs()
    topics: tuple[str, ...] = ()
    chunks_per_workunit: int = 1
    #: How many points it counts, and how many of them a work unit has; None and 0 for chunks.
    point_count: int | None = None
    workunit_points: int = 0
    #: How long such a work unit takes; 0 when nobody knows.
    unit_ms: int = 0
    #: What the job type declares that it costs, and the last one of the job.
    unit_cost: int = 1
    last_cost: int = 1
    #: What its spec keeps secret: no field of `spec`, and in none of what follows from it.
    secrets: Secrets = NONE


class NewDataSet(Struct, frozen=True, kw_only=True):
    """A data set whose blobs are stored."""

    account_id: int
    name: str
    public: bool
    columns: tuple[Column, ...]
    row_count: int
    chunk_rows: int
    chunk_columns: Sequence[ChunkColumn]
    byte_count: int
    source_digest: str


class NewHost(Struct, frozen=True, kw_only=True):
    """A browser profile or machine that wants to take part."""

    account_id: int | None
    trusted: bool
    kind: str
    engine: str
    capabilities: Mapping[str, Json]
    #: Where it comes from; used once, never kept.
    address: str
    #: When the token that made it a trusted host ends, and its own with it; None for never.
    expires_at: int | None = None
    prefix_bits: PrefixBits = PrefixBits()
    #: Ed25519, in base64; None for a host that signs nothing.
    public_key: str | None = None
    #: Whom it joins by a pairing code; None for somebody new, or the account's own volunteer.
    volunteer_id: int | None = None


def token_hash(token: str) -> str:
    """What is kept of a host's token."""
    return digest(token.encode())


def add_account(transaction: Transaction, name: str) -> int:
    """The account of this name, made if need be; it may do nothing yet."""
    accounts = table(AccountRow)
    found = transaction.connection.scalar(select(accounts.c.id).where(accounts.c.name == name))
    if found is not None:
        return int(found)
    row = AccountRow(name=name, created_at=transaction.now)
    return writes.add(transaction.connection, row)


def add_host(transaction: Transaction, new: NewHost) -> tuple[int, str, bool]:
    """Enrol a host: its id, its token, and whether it joined others into one principal.

    It counts as one with whom it shares a network or an account.
    """
    connection = transaction.connection
    number = writes.add(
        connection,
        HostRow(
            account_id=new.account_id,
            trusted=new.trusted,
            kind=new.kind,
            engine=new.engine,
            capabilities=new.capabilities,
            public_key=new.public_key,
            speed_milli=speeds.first_speed(
                connection, new.capabilities.get("score"), transaction.now
            ),
            enrolled_at=transaction.now,
            last_seen_at=transaction.now,
        ),
    )
    hosts, joined, whose = table(HostRow), False, new.volunteer_id
    if whose is None:
        whose = volunteer_of(transaction, new.account_id)
    writes.start_principal(connection, number, whose)
    if new.volunteer_id is not None:
        joined = _count_as_one(connection, hosts.c.volunteer_id == whose)
    if new.account_id is not None:
        joined = _count_as_one(connection, hosts.c.account_id == new.account_id) or joined
    if not new.trusted:
        joined = note_network(transaction, number, new.address, new.prefix_bits) or joined
    return number, _add_token(transaction, number, new.expires_at), joined


def _add_token(transaction: Transaction, host_id: int, expires_at: int | None) -> str:
    """A host's token: random bits that mean nothing by themselves, for they are checked a thousand
    times a second."""
    token = transaction.entropy(32).hex()
    row = TokenRow(
        kind="host",
        hash=token_hash(token),
        host_id=host_id,
        scopes="host",
        created_at=transaction.now,
        expires_at=expires_at,
    )
    writes.add(transaction.connection, row)
    return token


def volunteer_of(transaction: Transaction, account_id: int | None) -> int:
    """Whom a host belongs to: its account's volunteer, or a new one of its own."""
    people = table(VolunteerRow)
    if account_id is not None:
        known = transaction.connection.scalar(
            select(people.c.id).where(people.c.account_id == account_id)
        )
        if known is not None:
            return int(known)
    row = VolunteerRow(account_id=account_id, created_at=transaction.now)
    return writes.add(transaction.connection, row)


def note_network(
    transaction: Transaction,
    host_id: int,
    address: str,
    bits: PrefixBits = PrefixBits(),  # noqa: B008 (frozen)
) -> bool:
    """Count a host as one with whom it shares a network today; whether that changed anything.

    Prefixes are hidden under a key that lives one day, so each host is looked at every day.
    """
    connection, day = transaction.connection, transaction.now // DAY_S
    hidden = _hidden_prefix(transaction, address, bits)
    writes.set_prefix(connection, host_id, hidden, day)
    return hidden is not None and _count_as_one(
        connection, table(HostRow).c.hidden_prefix == hidden
    )


def _count_as_one(connection: Connection, condition: ColumnElement[bool]) -> bool:
    hosts = table(HostRow)
    linked = set(connection.scalars(select(hosts.c.principal_id).where(condition).distinct()))
    if len(linked) < 2:
        return False
    writes.set_principal(connection, sorted(linked - {min(linked)}), min(linked))
    return True


def add_dataset(transaction: Transaction, new: NewDataSet) -> DataSet:
    """Record a data set; its blobs are on the disk already."""
    chunk_count = -(-new.row_count // new.chunk_rows)
    places = {column.name: place for place, column in enumerate(new.columns)}
    ordered = sorted(new.chunk_columns, key=lambda one: (one.chunk, places[one.column]))
    number = writes.add(
        transaction.connection,
        DataSetRow(
            account_id=new.account_id,
            name=new.name,
            public=new.public,
            columns=msgspec.to_builtins(new.columns),
            row_count=new.row_count,
            chunk_rows=new.chunk_rows,
            chunk_count=chunk_count,
            byte_count=new.byte_count,
            source_digest=new.source_digest,
            created_at=transaction.now,
            root=datasets.root(one.digest for one in ordered),
        ),
    )
    writes.add_chunk_columns(
        transaction.connection,
        [
            {
                "dataset_id": number,
                "chunk": one.chunk,
                "place": places[one.column],
                "rows": one.rows,
                "digest": one.digest,
                "bytes": one.bytes,
            }
            for one in ordered
        ],
    )
    found = queries.dataset(transaction.connection, number)
    assert found is not None, "just inserted"
    return found


def add_job(transaction: Transaction, new: NewJob, keyring: Keyring) -> Job:
    """Record a job and say so in the log; its work units are made lazily."""
    connection = transaction.connection
    dataset = queries.dataset(connection, new.dataset_id)
    assert dataset is not None or new.point_count is not None, "it was checked; data sets stay"
    row = JobRow(
        **{
            name: getattr(new, name)
            for name in ("account_id", "job_type", "version", "job_type_digest", "spec", "params")
        },
        reads=list(new.reads),
        output_columns=msgspec.to_builtins(new.output_columns),
        dataset_id=new.dataset_id,
        name=new.name,
        details=dict(new.metadata),
        public=new.public,
        mode=new.policy.mode,
        policy=msgspec.to_builtins(new.policy),
        program_digest=new.program_digest,
        created_at=transaction.now,
        seed=transaction.entropy(32).hex(),
        seal_opens_by=new.seal_opens_by,
        point_count=new.point_count,
        workunit_points=new.workunit_points,
        workunit_count=_workunit_count(new, dataset),
        needs=msgspec.to_builtins(new.needs),
        topics=list(new.topics),
        unit_ms=new.unit_ms,
        unit_cost=new.unit_cost,
        last_cost=new.last_cost,
        owner_only=bool(new.secrets) or not new.public,
    )
    number = writes.add(connection, row)
    secrets.keep(transaction, keyring, number, new.secrets)
    writes.add(
        connection,
        MergeRow(
            job_id=number, output_version=1, merged=0, state=new.merge_state, start=new.merge_state
        ),
    )
    facts = queries.job(connection, number)
    assert facts is not None, "just inserted"
    about = keyring.about(facts.job)
    lines = [
        entries.job(facts.job, about, dataset, transaction.now),
        entries.program(facts.job, about, transaction.now),
    ]
    writes.log(connection, lines, transaction.now)
    transaction.touched.add(number)
    return facts.job


def _workunit_count(new: NewJob, dataset: DataSet | None) -> int:
    if new.point_count is not None:
        return splitter.workunit_count(new.point_count, new.workunit_points)
    chunks = 0 if dataset is None else dataset.chunk_count
    return splitter.workunit_count(chunks, new.chunks_per_workunit)


def move_job(
    transaction: Transaction, job_id: int, to: JobState, because: str, keyring: Keyring
) -> Job:
    """Pause, resume or cancel a job; raises IllegalMove where its state does not allow it.

    Asking for the state it already has changes nothing.
    """
    facts = queries.job(transaction.connection, job_id)
    assert facts is not None, "its existence was checked, and jobs stay"
    if facts.job.job_state is to:
        return facts.job
    transition = ending.move(facts.job, to, because, transaction.now)
    line = entries.ending(keyring.about(facts.job), transition, transaction.now)
    writes.apply(transaction.connection, [transition], [line], transaction.now)
    if to in ending.ENDED:
        writes.forget_secrets(transaction.connection, job_id)
    transaction.touched.add(job_id)
    return msgspec.structs.replace(facts.job, **transition.after)


def set_priority(transaction: Transaction, job_id: int, priority: int) -> None:
    """Give a job's work another place among that of others, from the next assignment on.

    Its policy, which the log holds, stays as it was submitted: a priority changes no result.
    """
    writes.set_priority(transaction.connection, job_id, priority)
    transaction.touched.add(job_id)


def set_plugin(
    transaction: Transaction, name: str, version: str, folder_digest: str, enabled: bool
) -> None:
    """Enable or disable a job type, for this digest only; the public log says so."""
    row = PluginRow(
        name=name,
        version=version,
        digest=folder_digest,
        enabled=enabled,
        changed_at=transaction.now,
    )
    writes.set_plugin(transaction.connection, row)
    line = entries.plugin(name, version, folder_digest, enabled, transaction.now)
    writes.log(transaction.connection, [line], transaction.now)


def remember_answer(
    transaction: Transaction, key_hash: str, body_digest: str, response: Json, code: int
) -> None:
    """Keep the answer to an Idempotency-Key."""
    row = IdempotencyRow(
        hash=key_hash,
        body_digest=body_digest,
        response=response,
        code=code,
        created_at=transaction.now,
    )
    writes.add(transaction.connection, row)


def _hidden_prefix(transaction: Transaction, address: str, bits: PrefixBits) -> str | None:
    if trust.network_prefix(address, bits) is None:
        return None
    keys, day = table(PrefixKeyRow), transaction.now // DAY_S
    key = transaction.connection.scalar(select(keys.c.key).where(keys.c.day == day))
    if key is None:
        key = transaction.entropy(32)
        writes.add(transaction.connection, PrefixKeyRow(day=day, key=key))
    return trust.hidden_prefix(key, address, bits)
