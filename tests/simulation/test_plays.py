"""This file is where whole grids are played: one seed always the same way, and nothing breaks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from world import rows

from grid import simulation
from grid.db.store import Store
from grid.db.tables import HostRow, VolunteerRow
from grid.items import Mode
from grid.simulation import campaign
from grid.simulation.network import Mishap
from grid.simulation.play import Play
from grid.simulation.scenario import Behaviour, Crowd, Moment, Scenario
from grid.validator.modes import BELIEVING

THOROUGH = settings().max_examples > 1_000
#: A play takes some tenths of a second.
EXAMPLES = 200 if THOROUGH else 8

#: Five work units, and nothing that goes wrong by itself.
TINY = Scenario(
    seed=11, work_units=5, hosts=4, errors=0, garbage=0, given_back=0, forgotten=0, slow=0
)


def log_of(scenario: Scenario) -> bytes:
    with simulation.folder() as folder:
        play = Play(scenario, Path(folder), kept=True)
        play.go()
        return play.journal.text


#: A little of everything.
MIXED = Scenario(
    seed=3, work_units=15, hosts=12, mode=Mode.STANDARD, share=0.3, network=0.1, crashes=0.02
)


def test_one_seed_gives_the_same_log_to_the_byte_and_another_another() -> None:
    first = log_of(MIXED)
    assert first == log_of(MIXED)
    assert first != log_of(msgspec.structs.replace(MIXED, seed=4))
    assert first.count(b"\n") > 100


def test_the_log_does_not_depend_on_the_process() -> None:
    program = "from grid.cli import app; app()"
    said = subprocess.run(
        [sys.executable, "-c", program, *MIXED.command().split()[1:]],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    ).stdout
    assert simulation.play(MIXED).digest in said


SCENARIOS = st.builds(
    Scenario,
    seed=st.integers(0, 2**32),
    work_units=st.integers(1, 25),
    jobs=st.integers(1, 3),
    mode=st.sampled_from(Mode),
    min_quorum=st.integers(1, 3),
    delay_bound_s=st.sampled_from([10, 60, 200]),
    hosts=st.integers(1, 20),
    crowd=st.sampled_from(Crowd),
    crowded=st.sampled_from([0.0, 0.5, 1.0]),
    accounts=st.sampled_from([0.0, 0.0, 0.5, 1.0]),
    coming_back=st.sampled_from([0.0, 1.0]),
    behaviour=st.sampled_from(Behaviour),
    share=st.sampled_from([0.0, 0.2, 0.5]),
    lying=st.sampled_from([0.1, 1.0]),
    flaky=st.sampled_from([0.0, 0.3]),
    bad_engine=st.sampled_from([0.0, 0.3]),
    bad_reference=st.sampled_from([0.0, 0.0, 0.2]),
    errors=st.sampled_from([0.0, 0.1]),
    garbage=st.sampled_from([0.0, 0.05]),
    given_back=st.sampled_from([0.0, 0.1]),
    forgotten=st.sampled_from([0.0, 0.1]),
    slow=st.sampled_from([0.0, 0.3]),
    network=st.sampled_from([0.0, 0.2]),
    crashes=st.sampled_from([0.0, 0.02]),
)


@settings(max_examples=EXAMPLES)
@given(SCENARIOS)
def test_nothing_breaks_whatever_the_scenario(scenario: Scenario) -> None:
    summary = simulation.play(scenario)
    assert summary.looks >= summary.commits // 4
    assert sum(summary.jobs.values()) == scenario.jobs


@pytest.mark.parametrize("moment", Moment)
def test_the_server_may_die_at_any_commit(moment: Moment) -> None:
    """Every one is tried; every ninth where time is short."""
    commits = simulation.play(TINY).commits
    for commit in range(2, commits, 1 if THOROUGH else 9):
        scenario = msgspec.structs.replace(TINY, crashes_at=((commit, moment),))
        summary = simulation.play(scenario)
        assert summary.crashes == {moment: 1}
        assert (summary.jobs, summary.decided, summary.wrong) == ({"completed": 1}, 5, 0)


def test_every_fault_of_the_network_happens_and_nothing_breaks() -> None:
    summary = simulation.play(Scenario(seed=5, work_units=40, hosts=20, network=0.3, forgotten=0))
    assert set(summary.mishaps) == set(Mishap)
    assert min(summary.mishaps.values()) > 3
    assert (summary.decided, summary.wrong) == (40, 0)
    assert summary.outcomes["no_reply"] > 2, "what nobody heard of is timed out, and made again"


def test_every_way_to_fail_a_copy_happens() -> None:
    summary = simulation.play(
        Scenario(
            seed=6,
            work_units=40,
            hosts=20,
            errors=0.05,
            garbage=0.05,
            given_back=0.05,
            forgotten=0.05,
        )
    )
    assert set(summary.outcomes) == {
        "abandoned", "client_error", "no_reply", "success", "validate_error",
    }  # fmt: skip
    assert (summary.decided, summary.wrong) == (40, 0)


def test_visitors_come_and_go_and_some_come_again() -> None:
    summary = simulation.play(
        Scenario(seed=7, work_units=100, hosts=20, crowd=Crowd.VISITORS, check_every=10)
    )
    assert summary.hosts > 25
    assert summary.outcomes["abandoned"] > 2


def test_nobody_outvotes_the_truth_from_behind_one_address() -> None:
    """They count as one; help comes from elsewhere."""
    summary = simulation.play(
        Scenario(seed=8, work_units=10, hosts=10, crowded=1.0, share=1.0, lying=1.0)
    )
    assert summary.rescued
    assert summary.wrong == 0


#: Saboteurs who are caught by much.
CAUGHT = Scenario(
    seed=9, work_units=30, hosts=12, mode=Mode.STANDARD, share=0.35, lying=1.0, check_every=5
)


def test_whoever_is_banned_may_come_back_as_somebody_new_and_gains_nothing_by_it() -> None:
    gone = simulation.play(CAUGHT)
    back = simulation.play(msgspec.structs.replace(CAUGHT, coming_back=1.0))
    assert gone.banned > 0 and gone.hosts == CAUGHT.hosts
    assert back.hosts > gone.hosts and back.banned > gone.banned
    assert (back.decided, back.wrong, back.banned_honest) == (30, 0, 0)


def test_hosts_of_one_account_are_one_volunteer_and_its_own_requester_earns_nothing() -> None:
    scenario = msgspec.structs.replace(CAUGHT, share=0.0, accounts=1.0, hosts=9)
    with simulation.folder() as folder:
        play = Play(scenario, Path(folder))
        summary = play.go()
        store = Store(play.server.store.settings, clock=lambda: 2_000_000_000)
        people = list(rows(store, VolunteerRow))
        hosts = [row for row in rows(store, HostRow) if row.account_id is not None]
        store.close()
    assert (summary.decided, summary.wrong) == (30, 0)
    assert {row.account_id for row in hosts} == set(play.server.accounts)
    assert len({row.principal_id for row in hosts}) == len(play.server.accounts)
    owner = next(row for row in people if row.account_id == play.server.accounts[0])
    assert (owner.checks2, owner.credit) == (0, 0)


def test_a_host_whose_enrolment_died_with_the_server_is_counted_among_nobody() -> None:
    """It is committed, its host never heard of it and enrols again; and its account is banned."""
    died = msgspec.structs.replace(
        CAUGHT, work_units=10, hosts=8, accounts=0.4, crashes_at=((6, Moment.AFTER),)
    )
    with simulation.folder() as folder:
        play = Play(died, Path(folder))
        summary = play.go()
        store = Store(play.server.store.settings, clock=lambda: 2_000_000_000)
        enrolled = len(list(rows(store, HostRow)))
        store.close()
    assert summary.crashes == {"after": 1}
    assert enrolled > summary.hosts, "one host more than anybody knows of"
    assert 0 < summary.banned + summary.banned_honest <= summary.hosts


@pytest.mark.parametrize("mode", Mode)
def test_quizzes_are_asked_where_answers_are_weighed(mode: Mode) -> None:
    scenario = msgspec.structs.replace(CAUGHT, mode=mode, work_units=12, crashes=0.01)
    summary = simulation.play(scenario)
    assert (summary.quizzes > 2) == (mode in BELIEVING)
    assert (summary.work_units, summary.decided) == (12, 12)


def test_a_reference_with_a_bug_is_suspected_and_nobody_is_banned_for_being_right() -> None:
    """Its job is paused, an admin lets it go on, and from then on the reference is believed."""
    scenario = Scenario(
        seed=31, work_units=60, hosts=9, mode=Mode.STANDARD, bad_reference=0.1, check_every=10
    )
    with simulation.folder() as folder:
        play = Play(scenario, Path(folder), kept=True)
        summary = play.go()
    said = play.journal.text
    assert said.count(b"independent engines agree against the reference") > 0
    assert said.count(b"an admin has looked") > 0
    assert (summary.jobs, summary.decided) == ({"completed": 1}, 60)
    assert summary.banned_honest == 0
    units = [(1, ordinal) for ordinal in range(60)]
    buggy = sum(play.oracle.reference(place) != play.oracle.truth(place) for place in units)
    assert 0 < summary.wrong <= buggy, "nothing else is wrong"


@pytest.mark.parametrize("mode", [Mode.STANDARD, Mode.ECONOMY])
def test_an_engine_with_a_bug_on_a_fifth_of_the_hosts_bans_nobody(mode: Mode) -> None:
    scenario = Scenario(seed=32, work_units=60, hosts=20, mode=mode, bad_engine=0.2, check_every=10)
    summary = simulation.play(scenario)
    assert (summary.decided, summary.wrong, summary.banned_honest) == (60, 0, 0)
    still = simulation.play(msgspec.structs.replace(scenario, bad_engine=0.0))
    assert summary.digest != still.digest, "the bug was met"


@pytest.mark.slow
def test_two_thousand_hosts_a_fifth_of_them_liars_and_a_fifth_with_a_bad_engine() -> None:
    """Half a minute on a quiet core."""
    scenario = Scenario(
        seed=36,
        work_units=2_000,
        hosts=2_000,
        mode=Mode.STANDARD,
        share=0.2,
        bad_engine=0.2,
        network=0.02,
        crashes=0.0005,
        check_every=50,
    )
    summary = simulation.play(scenario)
    assert (summary.jobs, summary.decided, summary.hosts) == ({"completed": 1}, 2_000, 2_000)
    assert summary.banned > 50 and summary.banned_honest == 0
    assert summary.wrong <= 10, "a crowd of newcomers, with one work unit for each"


def test_varied_scenarios_are_played_one_after_another() -> None:
    said: list[str] = []
    assert campaign.play_all(Scenario(seed=20, work_units=10), 4, True, said.append)
    assert said[-1] == "4 of 4 seeds: no invariant broken"
    assert len(said) == 5
    assert len({campaign.vary(Scenario(seed=number)).behaviour for number in range(40)}) == 5
