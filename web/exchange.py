"""This file is where `/work` happens: bytes in, one commit with everybody else's, bytes out.

The hot path. Everything that needs no lock is done here, before the writer: tokens, leases, the
look at outputs. Facts that never change are kept at hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from litestar.types import Receive
from msgspec import Struct

from grid import leases, statements
from grid.db import listings, queries
from grid.db.commands import DAY_S, note_network, token_hash
from grid.db.listings import Given
from grid.db.store import Store
from grid.db.work import Renewal, WorkAnswer, WorkRequest
from grid.dispatch import WhyNoWork
from grid.dispatch.pause import retry_after_s
from grid.identifiers import Kind
from grid.items import Host
from grid.report import Judged, Refusal, Report
from grid.states import Outcome
from grid.trust import PrefixBits
from web import bodies
from web.assignments import Assignments
from web.cache import Cache
from web.callers import unauthorized
from web.messages import (
    PROTOCOL,
    Promise,
    ProtocolBody,
    RenewBody,
    Renewed,
    ReportBody,
    Reported,
    WorkBody,
    WorkReply,
)
from web.presence import Presence
from web.problems import Problem
from web.reports import Looked, Looker, tidy
from web.salts import Salts
from web.signatures import authentic
from web.waiting import Waiting
from web.wishes import Wishes

#: How long a host's token is believed without a look at the database; revoking takes that long.
TOKEN_TTL_S = 5
#: Longer outputs are checked in a thread, so that nobody waits for them.
INLINE_CHARS_MAX = 8 * 1024

#: Reasons that no new work changes.
HOPELESS = frozenset({WhyNoWork.BANNED, WhyNoWork.OVER_QUOTA})

_OUTCOMES = {
    "success": Outcome.SUCCESS,
    "error": Outcome.CLIENT_ERROR,
    "released": Outcome.ABANDONED,
}

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(WorkBody)


class _Known(Struct, frozen=True):
    host: Host
    until: int


class _Prepared(Struct, frozen=True, kw_only=True):
    """What goes to the writer, and where its items stood in the request."""

    reports: tuple[Report, ...]
    outputs: Mapping[int, str]
    #: Results whose outputs may be enough to end their jobs.
    enough: frozenset[int]
    #: Results whose outputs are cheap to check.
    provable: frozenset[int]
    #: What reports are signed with.
    signatures: Mapping[int, str]
    #: For each report of the request: its place among `reports`; None for an id we never gave out.
    places: tuple[int | None, ...]


class Exchange:
    """Answers `/work` for one server process."""

    def __init__(self, store: Store, presence: Presence) -> None:
        self._store, self._presence = store, presence
        self._ids = store.keyring.identifiers
        self._hosts: Cache[str, _Known] = Cache(limit=100_000)
        self._given: Cache[int, Given] = Cache(limit=100_000)
        self._looker = Looker(store)
        self._looked: Cache[tuple[int, tuple[int, ...], str | None], Looked] = Cache(limit=2_000)
        #: One at a time: reading the largest takes much memory.
        self._looking_at_put = asyncio.Lock()
        self._salts = Salts()
        self._waiting, self._wishes = Waiting(store), Wishes(store)
        self._assignments = Assignments(store)
        #: Raised when hosts may have become one principal; what was read before is not kept.
        self._generation = 0

    def forget_hosts(self) -> None:
        """Read every host again: an enrolment may have joined some into one principal."""
        self._generation += 1
        self._hosts.clear()

    def close(self) -> None:
        """Let nobody wait any more."""
        self._waiting.close()

    async def work(self, data: bytes, address: str, receive: Receive | None = None) -> bytes:
        """The answer to one request; raises Problem for a bad envelope or an unknown token.

        `address` is where it comes from; it is looked at once a day, and never kept. With `receive`
        a host that allows it is kept waiting for work, until it leaves.
        """
        body = _envelope(data)
        now = self._store.now()
        host = self.authenticate(body.token, now)
        if not host.trusted and host.prefix_day != now // DAY_S:
            bits = PrefixBits(
                ipv4=self._store.settings.ipv4_prefix_bits,
                ipv6=self._store.settings.ipv6_prefix_bits,
            )
            joined = await self._store.awrite(lambda tx: note_network(tx, host.id, address, bits))
            self._hosts.forget(token_hash(body.token))
            if joined:
                self.forget_hosts()
            host = self.authenticate(body.token, now)
        self._presence.seen(host.id, now)
        prepared = await self._prepare(body.reports, host)
        renewals = [self._renewal(one, host) for one in body.renew]
        known = [one for one in renewals if one is not None]
        request = WorkRequest(
            host=host,
            reports=prepared.reports,
            outputs=prepared.outputs,
            enough=prepared.enough,
            provable=prepared.provable,
            signatures=prepared.signatures,
            renewals=tuple(known),
            want=body.want,
            wish=self._wishes.of(body, now),
            holding=self._wishes.holding(body),
        )
        answer = await self._store.work(request)
        if body.wait and receive is not None and not answer.assigned:
            answer = await self._wait(request, answer, receive)
        return _encoder.encode(self._reply(body, prepared, renewals, answer, host, now))

    async def _wait(self, request: WorkRequest, answer: WorkAnswer, receive: Receive) -> WorkAnswer:
        """The answer once there may be work, or none has come for a while."""
        hold_s = self._store.settings.hold_s
        if not request.want or hold_s == 0 or answer.why_no_work in HOPELESS:
            return answer
        if not await self._waiting.for_work(hold_s, receive):
            return answer
        more = WorkRequest(host=request.host, want=request.want, wish=request.wish)
        found = await self._store.work(more)
        return msgspec.structs.replace(
            answer, assigned=found.assigned, why_no_work=found.why_no_work
        )

    def authenticate(self, token: str, now: int) -> Host:
        """The host of this token; raises Problem 401."""
        key = token_hash(token)
        known = self._hosts.get(key)
        if known is not None and known.until >= now:
            return known.host
        generation = self._generation
        with self._store.read() as connection:
            facts = queries.authenticate(connection, key, now)
            number = None if facts is None else facts.host_id
            host = None if number is None else queries.host(connection, number)
        if host is None:
            raise unauthorized("this host's token is unknown; enrol again")
        if generation == self._generation:
            self._hosts.keep(key, _Known(host, now + TOKEN_TTL_S))
        return host

    async def _prepare(self, said: Sequence[ReportBody], host: Host) -> _Prepared:
        reports: list[Report] = []
        outputs: dict[int, str] = {}
        enough: set[int] = set()
        provable: set[int] = set()
        signatures: dict[int, str] = {}
        places: list[int | None] = []
        for one in said:
            number = self._ids.internal(Kind.RESULT, one.result_id)
            if number is None:
                places.append(None)
                continue
            lease = leases.verify(self._store.keyring.lease_key, one.lease, number, host.id)
            looked = Looked(outcome=_OUTCOMES[one.outcome], message=tidy(one.message))
            if lease is not None and looked.outcome is Outcome.SUCCESS:
                looked = await self._look(number, one)
            # Without a lease it is refused for that.
            genuine = lease is None or authentic(host, one, looked.digest)
            if host.public_key is not None and one.signature is not None:
                signatures.setdefault(number, one.signature)
            if looked.text is not None:
                outputs.setdefault(number, looked.text)
            if looked.enough:
                enough.add(number)
            if looked.provable:
                provable.add(number)
            places.append(len(reports))
            reports.append(
                Report(
                    result_id=number,
                    host_id=host.id,
                    lease=lease,
                    outcome=looked.outcome,
                    output_digest=looked.digest,
                    message=looked.message,
                    elapsed_ms=one.elapsed_ms,
                    salt=self._salts.next(),
                    authentic=genuine,
                )
            )
        return _Prepared(
            reports=tuple(reports),
            outputs=outputs,
            enough=frozenset(enough),
            provable=frozenset(provable),
            signatures=signatures,
            places=tuple(places),
        )

    async def _look(self, number: int, said: ReportBody) -> Looked:
        output, digest = said.output, said.output_digest
        given = self._given.get(number) or self._read_given(number)
        if given is None:
            return Looked(outcome=Outcome.SUCCESS)
        work = given.job.job, given.first_chunk, given.chunk_count
        rows = self._assignments.rows(*work)
        if digest is not None and output is None:
            async with self._looking_at_put:
                return await asyncio.to_thread(
                    self._looker.look_at_put, number, digest, given, rows
                )
        if output is None or len(output) <= INLINE_CHARS_MAX:
            # A look depends on nothing else, and the second copy mostly says the same as the first.
            key = (given.job.job.id, rows, output)
            looked = self._looked.get(key)
            return looked or self._looked.keep(key, self._looker.look(output, given, rows))
        return await asyncio.to_thread(self._looker.look, output, given, rows)

    def _read_given(self, number: int) -> Given | None:
        with self._store.read() as connection:
            given = listings.given(connection, number)
        return None if given is None else self._given.keep(number, given)

    def output_bytes_max(self, number: int) -> int | None:
        """How large an output of this result may be; None when there is no such result."""
        given = self._given.get(number) or self._read_given(number)
        return None if given is None else self._looker.output_bytes_max(given.job.job)

    def _renewal(self, one: RenewBody, host: Host) -> Renewal | None:
        number = self._ids.internal(Kind.RESULT, one.result_id)
        if number is None:
            return None
        lease = leases.verify(self._store.keyring.lease_key, one.lease, number, host.id)
        return Renewal(result_id=number, lease=lease)

    def _reply(
        self,
        body: WorkBody,
        prepared: _Prepared,
        renewals: Sequence[Renewal | None],
        answer: WorkAnswer,
        host: Host,
        now: int,
    ) -> WorkReply:
        key = self._store.keyring.lease_key
        reported, accepted = [], 0
        for one, place in zip(body.reports, prepared.places, strict=True):
            if place is None:
                unknown = Reported(
                    result_id=one.result_id, accepted=False, reason=Refusal.UNKNOWN_RESULT
                )
                reported.append(unknown)
                continue
            judged, report = answer.judged[place], prepared.reports[place]
            receipt = None
            if judged.accepted:
                receipt = leases.receipt(key, report.result_id, report.digest)
                accepted += judged.transition is not None and report.outcome is Outcome.SUCCESS
            reported.append(
                Reported(
                    result_id=one.result_id,
                    accepted=judged.accepted,
                    reason=judged.reason,
                    receipt=receipt,
                    promise=self._promise(one.result_id, report, judged),
                )
            )
        self._presence.accepted(accepted, now)
        for assigned in answer.assigned:
            given = Given(
                job=assigned.job,
                first_chunk=assigned.first_chunk,
                chunk_count=assigned.chunk_count,
            )
            self._given.keep(assigned.lease.result_id, given)
        short = len(answer.assigned) < body.want
        return WorkReply(
            reports=reported,
            renewed=self._renewed(body.renew, renewals, answer, now),
            assignments=[self._assignments.assignment(one, now) for one in answer.assigned],
            retry_after_s=self._retry_after_s(answer, host, now) if short else 0.0,
            why_no_work=answer.why_no_work,
            ban_reason=answer.ban_reason,
        )

    def _promise(self, result_id: str, report: Report, judged: Judged) -> Promise | None:
        """What the log will hold of an accepted answer, signed."""
        if judged.commitment is None or report.output_digest is None:
            return None
        said = statements.of_promise(result_id, report.output_digest, judged.commitment, judged.at)
        signature = self._store.keyring.promises.sign(said)
        return Promise(commitment=judged.commitment, at=judged.at, signature=signature)

    def _retry_after_s(self, answer: WorkAnswer, host: Host, now: int) -> float:
        crowd = len(self._store.context.sharing.crowd)
        base_s = self._store.settings.retry_after_s
        return retry_after_s(base_s, crowd, host.id, now, answer.why_no_work in HOPELESS)

    def _renewed(
        self,
        asked: Sequence[RenewBody],
        renewals: Sequence[Renewal | None],
        answer: WorkAnswer,
        now: int,
    ) -> list[Renewed]:
        later = iter(answer.renewed)
        renewed = []
        for one, renewal in zip(asked, renewals, strict=True):
            lease = None if renewal is None else next(later)
            if lease is not None:
                signed = leases.sign(self._store.keyring.lease_key, lease)
                renewed.append(
                    Renewed(
                        result_id=one.result_id,
                        lease=signed,
                        deadline=lease.deadline,
                        expires_in_s=lease.deadline - now,
                    )
                )
                continue
            unknown = renewal is None
            bad = renewal is not None and renewal.lease is None
            reason = "unknown_result" if unknown else "bad_lease" if bad else "over"
            renewed.append(Renewed(result_id=one.result_id, reason=reason))
        return renewed


def _envelope(data: bytes) -> WorkBody:
    try:
        body = _decoder.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        _check_protocol(_any_protocol(data))
        return bodies.decode(data, WorkBody)
    _check_protocol(body.protocol)
    return body


def _any_protocol(data: bytes) -> int:
    try:
        return msgspec.json.decode(data, type=ProtocolBody).protocol
    except (msgspec.DecodeError, ValueError, RecursionError):
        return PROTOCOL


def _check_protocol(protocol: int) -> None:
    if protocol != PROTOCOL:
        raise Problem(409, f"this server speaks protocol {PROTOCOL}, not {protocol}")
