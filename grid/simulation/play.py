"""This file is where one scenario is played from its first second to its last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from grid.assimilator.ending import OPEN_STATES
from grid.db import evidence, queries
from grid.db.commands import NewHost
from grid.items import Job, Mode, WorkUnit
from grid.report import RENEWED_BOUNDS_MAX
from grid.simulation import ends, summary
from grid.simulation.answers import Oracle, Place, Question, text_of
from grid.simulation.crowd import ACCOUNTS, Town
from grid.simulation.draws import Draws
from grid.simulation.invariants import Broken, demand
from grid.simulation.journal import Journal
from grid.simulation.letters import Letter, Reply
from grid.simulation.member import Member
from grid.simulation.network import PATIENCE_S, Network
from grid.simulation.scenario import Behaviour, Scenario
from grid.simulation.server import Server
from grid.simulation.summary import Summary
from grid.simulation.timeline import START, Timeline
from grid.states import JobState

#: Between two rounds of the daemons, and while no letters come.
ROUNDS_EVERY_S, LAZY_ROUNDS_EVERY_S = 10, 30
#: When nothing was decided for so many delay bounds, more than any copy can be out, on top of what
#: a run that died with its server is waited for, honest hosts come to the rescue; as long again,
#: and the play is stuck.
STUCK_BOUNDS = RENEWED_BOUNDS_MAX + 2
#: Enough for any quorum that a scenario asks for, and to outvote the lies that came before.
RESCUERS = 12
#: Rounds that the leftovers of any play need at most.
ROUNDS_MAX = 200
#: Engines of hosts, in turn; those whose engine computes wrongly have one of their own.
ENGINES = ("chromium/130", "firefox/132", "webkit/18")
BAD_ENGINE = "chromium/131"


class Play:
    """A scenario on a folder of its own."""

    def __init__(self, scenario: Scenario, folder: Path, kept: bool = False) -> None:
        self.scenario = scenario
        self._draws = Draws(scenario.seed)
        self._timeline = Timeline()
        self.later = self._timeline.later
        self.journal = Journal(kept)
        self.oracle = Oracle(scenario, self._draws)
        self.server = Server(
            scenario, folder, self._draws, self._timeline, self.journal, self.oracle
        )
        stream = self._draws.stream("network")
        self.network = Network(scenario.network, stream, self.later, self.server.deliver)
        self.town = Town(scenario, self._draws, self, self._enrol)
        self._members: dict[int, Member] = {}
        self._over = self._rescued = False
        self._moved_at, self._seen_decided, self._seen_exchanges = START, 0, 0

    def go(self) -> Summary:
        """Play to the end; raises Broken when an invariant is, with how to play it again."""
        try:
            self._submit()
            self.town.open()
            self.later(0, self._round)
            while not self._is_at_rest():
                while not self._over and self._timeline.step():
                    self.server.end_of_second()
                self._timeline.now += (RENEWED_BOUNDS_MAX + 1) * self.scenario.delay_bound_s
                self.server.settle(ROUNDS_MAX)
            return self._sum_up()
        except Exception as error:
            raise Broken(
                f"{type(error).__name__} at second {self._timeline.now - START}, commit "
                f"{self.server.fates.commits}: {error}\n"
                f"seed {self.scenario.seed}; again with: {self.scenario.command()}"
            ) from error
        finally:
            self.server.close()

    def send(self, letter: Letter, answered: Callable[[Reply], None]) -> None:
        """Give a letter to the network."""
        self.network.send(letter, answered)

    def answer(self, member: Member, place: Place) -> int:
        """What a host says of a work unit."""
        others = [self._members[number] for number in self.server.holders.get(place, ())]
        reads = self.scenario.behaviour is Behaviour.READING and member.traits.saboteur
        question = Question(
            place=place,
            traits=member.traits,
            accepted=member.accepted,
            others=tuple(one.traits for one in others if one is not member),
            known_decided=reads and place in self.server.decided(),
            single=self.scenario.mode is Mode.TRUSTED,
        )
        return self.oracle.answer(question, member.stream)

    def gone(self, member: Member) -> None:
        """A visit has ended."""
        self.town.gone(member)

    def banned(self, member: Member) -> bool:
        """A ban was heard of."""
        return self.town.banned(member)

    def _submit(self) -> None:
        """All jobs at once, every second one over points; nobody dies before there is anything to
        lose."""
        self.server.fates.spared = True
        share, rest = divmod(self.scenario.work_units, self.scenario.jobs)
        for place in range(self.scenario.jobs):
            self.server.submit(f"job {place + 1}", share + (place < rest), place % 2 == 1)
        if self.scenario.accounts:
            self.server.open_accounts(ACCOUNTS)
        self.server.fates.spared = False

    def _enrol(self, member: Member, stay: int | None) -> None:
        account = member.account
        new = NewHost(
            account_id=None if account is None else self.server.accounts[account],
            trusted=self.scenario.mode is Mode.TRUSTED,
            kind="browser",
            engine=_engine(member),
            capabilities={},
            address=member.address,
        )

        def enrolled(number: int | None) -> None:
            if number is None:
                self.later(PATIENCE_S, lambda: self._enrol(member, stay))
                return
            member.host_id = number
            self._members[number] = member
            member.begin(stay)

        self.server.enrol(new, enrolled)

    def _round(self) -> None:
        self.server.round()
        self._look_around()
        exchanges = self.server.counts.exchanges
        lazy = exchanges == self._seen_exchanges
        self._seen_exchanges = exchanges
        self.later(LAZY_ROUNDS_EVERY_S if lazy else ROUNDS_EVERY_S, self._round)

    def _is_at_rest(self) -> bool:
        """Whether all that was over still is: a verdict may be taken back after its job's end."""
        was, self._over = self._over, False
        self._moved_at = self._timeline.now
        return was and self._have_ended(self.server.jobs())

    def _have_ended(self, jobs: Mapping[int, Job]) -> bool:
        """Whether every job is over and its seal open: until then traps are out."""
        return bool(jobs) and not any(
            job.job_state in OPEN_STATES or job.seal_opened_at is None for job in jobs.values()
        )

    def _look_around(self) -> None:
        """See whether all jobs have ended; send help where nothing moves any more."""
        jobs = self.server.jobs()
        self._over = self._have_ended(jobs)
        for number, job in jobs.items():
            if job.job_state is JobState.PAUSED:
                self.server.resume(number)
        decided, now = self.server.watch.decided, self._timeline.now
        if decided != self._seen_decided:
            self._moved_at, self._seen_decided = now, decided
        patience_s = STUCK_BOUNDS * self.scenario.delay_bound_s + self.server.waits_s
        if now - self._moved_at > patience_s:
            demand(not self._rescued, "every job comes to an end", *jobs.values())
            self._rescued, self._moved_at = True, now
            self.town.rescue(RESCUERS)

    def _sum_up(self) -> Summary:
        with self.server.store.read() as connection:
            units = queries.workunits(connection, evidence.workunit_ids(connection))
            texts = evidence.outputs(connection, units.values())
            hosts = evidence.banned(connection)
        # A host of whose enrolment nobody heard, for the server died behind it, is nobody's.
        banned = [self._members[number] for number in hosts if number in self._members]
        liars = sum(one.traits.saboteur for one in banned)
        jobs = self.server.jobs()
        ends.check(self.server.store, jobs.values(), units.values(), texts)
        server = self.server
        return summary.of(
            self.scenario,
            jobs=jobs.values(),
            units=units.values(),
            wrong=self._wrong(units.values(), texts),
            rescued=self._rescued,
            lasted_s=self._timeline.now - START,
            hosts=len(self.town.members),
            banned=liars,
            banned_honest=len(banned) - liars,
            exchanges=server.counts.exchanges,
            commits=server.fates.commits,
            looks=server.watch.looks,
            crashes={str(key): value for key, value in sorted(server.fates.crashes.items())},
            mishaps={str(key): value for key, value in sorted(self.network.mishaps.items())},
            log_lines=self.journal.count,
            digest=self.journal.digest,
        )

    def _wrong(self, units: Iterable[WorkUnit], texts: Mapping[int, str | None]) -> int:
        """Decided work units whose output is not the truth."""
        chosen = [
            unit for unit in units if unit.canonical_result_id is not None and not unit.is_quiz
        ]
        return sum(
            ends.canonical_text(unit, texts)
            != text_of(self.oracle.truth((unit.job_id, unit.ordinal)))
            for unit in chosen
        )


def _engine(member: Member) -> str:
    if member.traits.bad_engine:
        return BAD_ENGINE
    return ENGINES[member.traits.identity % len(ENGINES)]
