"""This file is where one simulated server lives: it answers, makes its rounds, dies, comes back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from grid.daemons import trusted
from grid.daemons.runner import PASSES, Pass
from grid.db import commands, queries
from grid.db.commands import NewHost
from grid.db.store import Store
from grid.db.trusting import Computed, TrustedWork
from grid.db.work import WorkAnswer, WorkRequest
from grid.items import Job
from grid.settings import Settings
from grid.simulation import submission
from grid.simulation.answers import Oracle, Place, text_of
from grid.simulation.door import Door, place_of
from grid.simulation.draws import Draws
from grid.simulation.invariants import demand
from grid.simulation.journal import Journal
from grid.simulation.letters import Letter, Reply
from grid.simulation.mortal import Crash, Fates, MortalStore
from grid.simulation.scenario import Scenario
from grid.simulation.timeline import Timeline
from grid.simulation.watch import Watch
from grid.states import JobState

#: The server is gone for so long when it dies.
DOWN_S = 20
#: Letters answered in one commit.
LETTERS_MAX = 64
#: Work units that the server itself computes between two rounds: about what one core does.
COMPUTED_PER_ROUND = 4
#: What a trusted run is counted as: as long as an ordinary host takes.
COMPUTE_MS = 6_000
#: How long a completed job's traps wait for hosts: twice as long as they are spread over.
TRAP_WAIT_S = 120
#: Work units made ahead of dispatch, for each host.
AHEAD_PER_HOST = 4

Heard = Callable[[Reply | None], None]
#: Gets the number of a new host; None when the server died first.
Enrolled = Callable[[int | None], None]


class Counts(Struct):
    """What a server did."""

    exchanges: int = 0
    steps: int = 0


class Server:
    """The real store on one folder, through all its lives."""

    def __init__(
        self,
        scenario: Scenario,
        folder: Path,
        draws: Draws,
        timeline: Timeline,
        journal: Journal,
        oracle: Oracle,
    ) -> None:
        self._scenario, self._timeline, self._journal = scenario, timeline, journal
        self._oracle = oracle
        self.fates = Fates(scenario.crashes, dict(scenario.crashes_at), draws.stream("crashes"))
        self._settings = Settings(
            data_dir=folder,
            job_type_folders=(str(submission.JOB_TYPES),),
            unsent_workunits_max=max(AHEAD_PER_HOST * scenario.hosts, 16),
            trap_wait_s=TRAP_WAIT_S,
        )
        self._entropy = draws.stream("entropy").randbytes
        self._salts = draws.stream("salts")
        self.watch = Watch(journal)
        self.counts = Counts()
        #: Hosts that hold or held a copy, by work unit, in order.
        self.holders: dict[Place, list[int]] = {}
        self._addresses: dict[int, str] = {}
        #: Accounts that hosts may belong to.
        self.accounts: list[int] = []
        self._sent_to: dict[int, int] = {}
        self._letters: list[tuple[Letter, Heard]] = []
        self._newcomers: list[tuple[NewHost, Enrolled]] = []
        self._decided: frozenset[Place] | None = None
        self._passes: dict[str, Pass] = {**PASSES, "trusted": self._run_trusted}
        self._up = True
        self.store = self._open()
        self._door = Door(self.store, self._salts)

    @property
    def waits_s(self) -> int:
        """Seconds that a play may stand still for the server's sake: for a run of its own that died
        with it, then for traps."""
        settings = self._settings
        return settings.compute_time_limit_s + settings.reference_time_limit_s + TRAP_WAIT_S

    def submit(self, name: str, work_units: int, counted: bool) -> int:
        """A new job's number; whether its work units are points or chunks."""
        policy = self._scenario.policy()
        job = submission.submit(self.store, name, work_units, policy, counted)
        if not self.accounts and job.account_id is not None:
            self.accounts.append(job.account_id)
        return job.id

    def open_accounts(self, count: int) -> None:
        """Have so many accounts, the first requester's among them."""
        for place in range(len(self.accounts), count):
            new = partial(commands.add_account, name=f"account {place + 1}")
            self.accounts.append(self.store.write(new))

    def deliver(self, letter: Letter, heard: Heard) -> None:
        """A letter has arrived; it is answered at the end of this second."""
        self._letters.append((letter, heard))

    def enrol(self, new: NewHost, enrolled: Enrolled) -> None:
        """Somebody wants to take part; likewise."""
        self._newcomers.append((new, enrolled))

    def decided(self) -> frozenset[Place]:
        """Work units that anybody may see to be decided."""
        if self._decided is None:
            self._decided = self._door.decided() if self._up else frozenset()
        return self._decided

    def jobs(self) -> dict[int, Job]:
        """All jobs, when the server is there."""
        if not self._up:
            return {}
        with self.store.read() as connection:
            numbers = queries.jobs_in(connection, submission.STATES)
            return {n: one.job for n, one in queries.jobs(connection, numbers).items()}

    def resume(self, job_id: int) -> None:
        """An admin has looked at a paused job, and lets it go on."""
        keyring, to = self.store.keyring, JobState.ACTIVE
        try:
            self.store.write(
                lambda tx: commands.move_job(tx, job_id, to, "an admin has looked", keyring)
            )
        except Crash:
            self._fall()

    def end_of_second(self) -> None:
        """Answer what has arrived, and check what has changed."""
        newcomers, self._newcomers = self._newcomers, []
        letters, self._letters = self._letters, []
        if newcomers:
            self._enrol(newcomers)
        for start in range(0, len(letters), LETTERS_MAX):
            self._exchange(letters[start : start + LETTERS_MAX])
        self._step()

    def round(self) -> None:
        """Let every daemon pass once."""
        if self._up:
            try:
                for name, do_pass in self._passes.items():
                    done = do_pass(self.store, self._timeline.now)
                    if done:
                        self._journal.write(self._timeline.now, "pass", daemon=name, done=done)
            except Crash:
                self._fall()
            self._decided = None

    def settle(self, rounds_max: int) -> None:
        """Come to rest: daemons pass until there is nothing left to do."""
        for _ in range(rounds_max):
            self._rise()
            before = self.fates.commits
            self.round()
            self._step()
            if self.fates.commits == before:
                break
        self.watch.look_at_all(self.store)

    def close(self) -> None:
        """Stop for good."""
        if self._up:
            self.store.close()

    def _open(self) -> MortalStore:
        clock = self._timeline
        return MortalStore(self._settings, lambda: clock.now, self._entropy, self.fates)

    def _enrol(self, newcomers: list[tuple[NewHost, Enrolled]]) -> None:
        numbers: list[int] | None = None
        if self._up:
            try:
                numbers = self._door.enrol([new for new, _ in newcomers])
            except Crash:
                self._fall()
        for place, (new, enrolled) in enumerate(newcomers):
            if numbers is None:
                enrolled(None)
                continue
            self._addresses[numbers[place]] = new.address
            self._journal.write(self._timeline.now, "enrolled", host=numbers[place])
            enrolled(numbers[place])

    def _exchange(self, letters: list[tuple[Letter, Heard]]) -> None:
        answered = None
        if self._up:
            try:
                answered = self._door.exchange([one for one, _ in letters], self._address)
            except Crash:
                self._fall()
        if answered is None:
            for _, heard in letters:
                heard(None)
            return
        self._decided = None
        for (letter, heard), (request, answer, reply) in zip(letters, answered, strict=True):
            self._note(request, answer)
            self._journal.write(
                self._timeline.now,
                "exchange",
                letter=msgspec.to_builtins(letter),
                reply=msgspec.to_builtins(reply),
            )
            heard(reply)

    def _note(self, request: WorkRequest, answer: WorkAnswer) -> None:
        """Keep what was promised; a result goes to one host only."""
        self.counts.exchanges += 1
        for report, judged in zip(request.reports, answer.judged, strict=True):
            if judged.accepted:
                self.watch.acknowledged[report.result_id] = report.digest
        for one in answer.assigned:
            earlier = self._sent_to.setdefault(one.lease.result_id, one.lease.host_id)
            demand(earlier == one.lease.host_id, "no result goes to two hosts", one.lease, earlier)
            place = place_of(one)
            self.holders.setdefault(place, []).append(earlier)
            if one.quiz is not None:
                self._oracle.learn(place, self._door.known(one.quiz))

    def _run_trusted(self, store: Store, now: int) -> int:
        return trusted.do_pass(store, now, self._compute, COMPUTED_PER_ROUND)

    def _compute(self, _store: Store, work: TrustedWork) -> Computed:
        """The server's own trusted process, with the oracle for an engine."""
        found = self._oracle.reference((work.job_id, work.ordinal))
        return Computed(result_id=work.result_id, output=text_of(found), elapsed_ms=COMPUTE_MS)

    def _address(self, host_id: int) -> str:
        return self._addresses[host_id]

    def _step(self) -> None:
        self.counts.steps += 1
        if self.store.broken is not None:
            raise self.store.broken
        if self._up and self.counts.steps % self._scenario.check_every == 0:
            self.watch.look(self.store)

    def _fall(self) -> None:
        self._journal.write(self._timeline.now, "crash", commit=self.fates.commits)
        self.store.bury()
        self._up = False
        self._timeline.later(DOWN_S, self._rise)

    def _rise(self) -> None:
        if not self._up:
            self.store = self._open()
            self._door = Door(self.store, self._salts)
            self._up = True
            self._journal.write(self._timeline.now, "back")
            self.watch.look_at_all(self.store)
