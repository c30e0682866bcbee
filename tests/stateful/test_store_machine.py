"""This file is where a crowd does whatever it likes to a real store, and order must hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)
from world import World, rows

from grid.daemons import assimilator, deleter, transitioner
from grid.db import commands
from grid.db.tables import JobRow, WorkUnitRow
from grid.report import Refusal
from grid.simulation import invariants
from grid.states import AssimilateState, JobState, Outcome

RIGHT = 2
POLICY = st.fixed_dictionaries(
    {
        "min_quorum": st.integers(1, 3),
        "target_nresults": st.integers(1, 4),
        "max_error_results": st.integers(1, 4),
        "max_success_results": st.integers(3, 6),
        "max_total_results": st.integers(3, 8),
        "max_abandoned_results": st.integers(2, 20),
        "delay_bound_s": st.integers(5, 60),
    }
)


class Crowd(RuleBasedStateMachine):
    """Hosts of several principals ask, answer, lie, fail, leave, repeat and keep silent."""

    hosts = Bundle("hosts")
    held = Bundle("held")
    told = Bundle("told")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name), unsent_workunits_max=4)
        self.liars: set[int] = set()
        self.outputs: dict[int, str] = {}

    @initialize(policies=st.lists(POLICY, min_size=1, max_size=3), chunks=st.integers(1, 6))
    def submit(self, policies, chunks):
        self.jobs = [self.world.job(chunks=chunks, **policy).id for policy in policies]

    @rule(target=hosts, network=st.integers(1, 4), honest=st.booleans())
    def enrol(self, network, honest):
        address = "::1" if network > 2 else f"8.8.{network}.1"
        host = self.world.host(address=address)
        if not honest:
            self.liars.add(host.id)
        return host

    @rule(target=held, host=hosts, want=st.integers(1, 5))
    def ask(self, host, want):
        given = self.world.ask(host, want)
        assert len({one.lease.result_id for one in given}) == len(given)
        return multiple(*((host, one.lease) for one in given))

    @rule(target=told, what=consumes(held), lie=st.integers(3, 5))
    def answer(self, what, lie):
        host, lease = what
        rows_said = lie if host.id in self.liars else RIGHT
        judged = self.world.report(host, lease, rows_said)
        assert judged.accepted or judged.reason == Refusal.TOO_LATE
        return (host, lease, rows_said, Outcome.SUCCESS) if judged.accepted else multiple()

    @rule(target=told, what=consumes(held), outcome=st.sampled_from(list(Outcome)[2:]))
    def fail(self, what, outcome):
        if outcome not in (Outcome.CLIENT_ERROR, Outcome.ABANDONED, Outcome.VALIDATE_ERROR):
            return multiple()
        host, lease = what
        judged = self.world.report(host, lease, 0, outcome)
        return (host, lease, 0, outcome) if judged.accepted else multiple()

    @rule(what=told)
    def repeat(self, what):
        host, lease, said, outcome = what
        assert self.world.report(host, lease, said, outcome).accepted

    @rule(what=told, said=st.integers(10, 12))
    def change_ones_mind(self, what, said):
        host, lease, _, _ = what
        judged = self.world.report(host, lease, said)
        assert judged.reason == Refusal.ALREADY_REPORTED

    @rule(what=held, other=hosts)
    def speak_for_another(self, what, other):
        owner, lease = what
        if other.id != owner.id:
            assert self.world.report(other, lease).reason == Refusal.NOT_YOURS

    @rule(what=held)
    def renew(self, what):
        host, lease = what
        self.world.renew(host, lease)

    @rule(seconds=st.sampled_from([1, 10, 100]))
    def time_passes(self, seconds):
        self.world.time += seconds

    @rule()
    def daemons_pass(self):
        for daemon in (transitioner, assimilator, deleter):
            daemon.do_pass(self.world.store, self.world.time)
        for number in self.jobs:
            self.world.make(number)

    @rule(place=st.integers(0, 2), to=st.sampled_from([*list(JobState)[:2], JobState.CANCELLED]))
    def interfere(self, place, to):
        number = self.jobs[place % len(self.jobs)]
        state = self.world.facts(number).job_state
        if state in (JobState.ACTIVE, JobState.PAUSED) and state is not to:
            keyring = self.world.store.keyring
            self.world.store.write(
                lambda tx: commands.move_job(tx, number, to, "somebody's wish", keyring)
            )

    @rule()
    def restart(self):
        self.world.reopen()

    @invariant()
    def everything_is_in_order(self):
        invariants.check(self.world.store)

    @invariant()
    def canonical_results_stand_for_ever(self):
        for unit in rows(self.world.store, WorkUnitRow):
            if unit.canonical_result_id is not None:
                first = self.outputs.setdefault(unit.id, unit.canonical_result_id)
                assert first == unit.canonical_result_id

    def teardown(self):
        try:
            self.come_to_an_end()
        finally:
            self.world.store.close()
            self.folder.cleanup()

    def come_to_an_end(self):
        """Whatever happened, enough honest hosts bring every open job to its end."""
        for number in getattr(self, "jobs", []):
            if self.world.facts(number).job_state is JobState.PAUSED:
                self.interfere(self.jobs.index(number), JobState.ACTIVE)
        for _ in range(40):
            self.world.time += 61
            self.daemons_pass()
            self.world.compute([self.world.host() for _ in range(4)], RIGHT)
            if all(row.job_state != JobState.ACTIVE for row in rows(self.world.store, JobRow)):
                break
        self.daemons_pass()
        states = {row.job_state for row in rows(self.world.store, JobRow)}
        assert JobState.ACTIVE not in states
        invariants.check(self.world.store)
        for row in rows(self.world.store, WorkUnitRow):
            over = self.world.facts(row.job_id).job_state is not JobState.COMPLETED
            assert over or row.assimilate_state == AssimilateState.DONE


TestCrowd = Crowd.TestCase
# A crowd costs as much as some hundred ordinary examples.
TestCrowd.settings = settings(max_examples=settings().max_examples // 4, stateful_step_count=25)
