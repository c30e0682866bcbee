"""This file is where letters become the store's requests and its answers become replies.

What the web server does before and behind the writer, done here without HTTP: tokens aside, a host
is known by its number; leases are signed texts, ids are opaque, outputs are looked at first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

from grid import canonical, leases
from grid.canonical import NotCanonical
from grid.db import commands, evidence, listings, queries
from grid.db.commands import DAY_S, NewHost
from grid.db.store import Store
from grid.db.transaction import Transaction
from grid.db.work import Assigned, Renewal, WorkAnswer, WorkRequest
from grid.identifiers import Kind
from grid.items import Host
from grid.leases import Lease
from grid.plugins.contract import OutputError
from grid.report import Report
from grid.simulation.answers import Place
from grid.simulation.invariants import Broken
from grid.simulation.letters import Copy, Letter, Reply, Said
from grid.simulation.submission import JOB_TYPE
from grid.states import Outcome

SALT_BYTES = 16


def place_of(one: Assigned) -> Place:
    """What a host sees by its inputs that it computes; quizzes have places of their own."""
    return one.job.job.id, one.first_chunk if one.quiz is None else -one.quiz


class Door:
    """The way into one opened store."""

    def __init__(self, store: Store, salts: Random) -> None:
        self.store, self._salts = store, salts
        self._ids = store.keyring.identifiers
        found = store.job_types.find(JOB_TYPE)
        assert found is not None, "it stands beside this package"
        self._job_type = store.job_types.loaded(found.digest).job_type
        self._hosts: dict[int, Host] = {}

    def enrol(self, news: Sequence[NewHost]) -> list[int]:
        """Numbers of new hosts, all in one commit."""

        def command(transaction: Transaction) -> list[tuple[int, str, bool]]:
            return [commands.add_host(transaction, new) for new in news]

        enrolled = self.store.write(command)
        if any(joined for _, _, joined in enrolled):
            self._hosts.clear()
        return [number for number, _, _ in enrolled]

    def exchange(
        self, letters: Sequence[Letter], address_of: Callable[[int], str]
    ) -> list[tuple[WorkRequest, WorkAnswer, Reply]]:
        """Answer letters in their order, all in one commit."""
        self._note_networks({letter.host_id for letter in letters}, address_of)
        requests = [self._request(letter) for letter in letters]
        answers = self.store.work_together(requests)
        return [
            (request, answer, self._reply(answer))
            for request, answer in zip(requests, answers, strict=True)
        ]

    def decided(self) -> frozenset[Place]:
        """Work units that anybody may see to be decided."""
        with self.store.read() as connection:
            return frozenset(evidence.decided(connection))

    def known(self, workunit_id: int) -> int:
        """The answer to a quiz, which whoever computes its inputs finds."""
        with self.store.read() as connection:
            unit = queries.workunits(connection, [workunit_id])[workunit_id]
            text = listings.canonical_output(connection, unit)
        if text is None:
            raise Broken(f"the answer to quiz {workunit_id} is lost")
        return int(canonical.loads(text.encode())["answer"])

    def host(self, number: int) -> Host:
        """A host as the server knows it."""
        if number not in self._hosts:
            with self.store.read() as connection:
                found = queries.host(connection, number)
            if found is None:
                raise Broken(f"host {number} was enrolled, and is not there")
            self._hosts[number] = found
        return self._hosts[number]

    def _note_networks(self, numbers: Iterable[int], address_of: Callable[[int], str]) -> None:
        today = self.store.now() // DAY_S
        hosts = map(self.host, sorted(numbers))
        new = [host.id for host in hosts if not host.trusted and host.prefix_day != today]
        if new:
            joined = self.store.write(
                lambda tx: [commands.note_network(tx, one, address_of(one)) for one in new]
            )
            for one in self._hosts.copy() if any(joined) else new:
                del self._hosts[one]

    def _request(self, letter: Letter) -> WorkRequest:
        outputs: dict[int, str] = {}
        reports = []
        for said in letter.said:
            number = self._number(said.result_id)
            lease = leases.verify(self.store.keyring.lease_key, said.lease, number, letter.host_id)
            outcome, text = self._look(said)
            if text is not None:
                outputs.setdefault(number, text)
            reports.append(
                Report(
                    result_id=number,
                    host_id=letter.host_id,
                    lease=lease,
                    outcome=outcome,
                    output_digest=None if text is None else canonical.digest(text.encode()),
                    message=None if outcome is Outcome.SUCCESS else str(outcome),
                    salt=self._salts.randbytes(SALT_BYTES).hex(),
                )
            )
        return WorkRequest(
            host=self.host(letter.host_id),
            reports=tuple(reports),
            outputs=outputs,
            renewals=tuple(self._renewal(letter.host_id, *one) for one in letter.renew),
            want=letter.want,
            holding=None
            if letter.holding is None
            else frozenset(map(self._number, letter.holding)),
        )

    def _renewal(self, host_id: int, result_id: str, lease: str) -> Renewal:
        number = self._number(result_id)
        key = self.store.keyring.lease_key
        return Renewal(result_id=number, lease=leases.verify(key, lease, number, host_id))

    def _number(self, result_id: str) -> int:
        number = self._ids.internal(Kind.RESULT, result_id)
        if number is None:
            raise Broken(f"{result_id} was given out, and is not known again")
        return number

    def _look(self, said: Said) -> tuple[Outcome, str | None]:
        if said.outcome is not Outcome.SUCCESS or said.text is None:
            return said.outcome, None
        try:
            self._job_type.check_output({}, (1,), canonical.loads(said.text.encode()))
        except (NotCanonical, OutputError):
            return Outcome.VALIDATE_ERROR, None
        return Outcome.SUCCESS, said.text

    def _reply(self, answer: WorkAnswer) -> Reply:
        return Reply(
            judged=tuple((one.accepted, one.reason) for one in answer.judged),
            renewed=tuple(
                None if lease is None else (self._signed(lease), lease.deadline)
                for lease in answer.renewed
            ),
            copies=tuple(
                Copy(
                    result_id=self._ids.public(Kind.RESULT, one.lease.result_id),
                    lease=self._signed(one.lease),
                    deadline=one.lease.deadline,
                    place=place_of(one),
                )
                for one in answer.assigned
            ),
            why_no_work=answer.why_no_work,
        )

    def _signed(self, lease: Lease) -> str:
        return leases.sign(self.store.keyring.lease_key, lease)
