"""This file is where the simulator's own parts are tested: crashes, chance, scenarios, commands."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_plays import SCENARIOS
from typer.testing import CliRunner

from grid import cli
from grid.db import accounts, commands
from grid.settings import Settings
from grid.simulation import campaign
from grid.simulation.draws import Draws, lognormal
from grid.simulation.invariants import (
    RETRACTIONS_MAX,
    Broken,
    demand,
    verdicts_come_to_rest,
)
from grid.simulation.journal import Journal
from grid.simulation.letters import Letter, Reply
from grid.simulation.mortal import Crash, Fates, MortalStore
from grid.simulation.network import Mishap, Network
from grid.simulation.scenario import Moment, Scenario, crashes_from
from grid.simulation.timeline import START, Timeline

PACKAGE = Path(campaign.__file__).parent


def test_the_simulator_has_no_rules_and_no_store_of_its_own() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")]
    defined = {
        item.name
        for tree in trees
        for item in ast.walk(tree)
        if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert "look_at_all" in defined
    assert not defined & {"apply", "decide"}


@pytest.mark.parametrize(("moment", "kept"), [(Moment.BEFORE, False), (Moment.AFTER, True)])
def test_a_crash_keeps_what_was_committed_and_nothing_else(
    moment: Moment, kept: bool, tmp_path: Path
) -> None:
    fates = Fates(0.0, {2: moment}, Draws(1).stream("crashes"))
    settings = Settings(data_dir=tmp_path)
    store = MortalStore(settings, lambda: START, Draws(1).stream("entropy").randbytes, fates)
    first = store.write(lambda tx: commands.add_account(tx, "first"))
    with pytest.raises(Crash):
        store.write(lambda tx: commands.add_account(tx, "second"))
    store.bury()
    again = MortalStore(settings, lambda: START, Draws(1).stream("entropy").randbytes, fates)
    assert again.write(lambda tx: commands.add_account(tx, "first")) == first
    known = again.write(lambda tx: commands.add_account(tx, "third"))
    assert known == first + (2 if kept else 1)
    assert fates.crashes == {moment: 1}
    with again.read() as connection:
        assert not accounts.has_admin(connection, START)
    again.close()


def test_a_command_that_fails_is_no_crash(tmp_path: Path) -> None:
    fates = Fates(0.0, {1: Moment.BEFORE, 2: Moment.AFTER}, Draws(1).stream("crashes"))
    store = MortalStore(Settings(data_dir=tmp_path), lambda: START, bytes, fates)

    def fails(_transaction: object) -> None:
        raise ValueError("as commands may")

    for _ in range(2):
        with pytest.raises(ValueError, match="as commands may"):
            store.write(fails)
    store.close()


def test_a_stream_depends_on_the_seed_and_its_name_alone() -> None:
    assert Draws(1).stream("a", 2).random() == Draws(1).stream("a", 2).random()
    drawn = {Draws(seed).stream(name).random() for seed in (1, 2) for name in ("a", "b")}
    assert len(drawn) == 4
    fractions = [Draws(1).fraction("x", number) for number in range(1_000)]
    assert 0.45 < sum(fractions) / 1_000 < 0.55
    assert all(0 <= one < 1 for one in fractions)


def test_visits_have_the_median_they_should_have() -> None:
    stream = Draws(1).stream("visits")
    visits = sorted(lognormal(stream, 10.0, 1.0) for _ in range(2_001))
    assert 9 < visits[1_000] < 11
    assert visits[-1] > 100


class Post:
    """A network whose letters arrive at once, and a server that counts them."""

    def __init__(self, share: float) -> None:
        self.timeline = Timeline()
        self.arrived: list[Letter] = []
        self.answered = 0
        later = self.timeline.later
        self.network = Network(share, Draws(5).stream("network"), later, self.deliver)

    def deliver(self, letter: Letter, heard: object) -> None:
        self.arrived.append(letter)
        heard(Reply(judged=(), renewed=(), copies=(), why_no_work=None))

    def hear(self, _reply: Reply) -> None:
        self.answered += 1


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_every_letter_is_answered_once_whatever_the_network_does(share: float) -> None:
    post = Post(share)
    for number in range(200):
        post.network.send(Letter(host_id=number), post.hear)
    while post.timeline.step():
        pass
    assert post.answered == 200
    assert {letter.host_id for letter in post.arrived} == set(range(200))
    assert set(post.network.mishaps) == (set(Mishap) if share else set())
    assert (len(post.arrived) > 200) == bool(share)
    assert ([one.host_id for one in post.arrived] == list(range(200))) == (not share)


def test_what_is_due_together_happens_as_it_was_asked() -> None:
    timeline, seen = Timeline(), []
    timeline.later(5, lambda: seen.append("b"))
    timeline.later(0, lambda: (seen.append("a"), timeline.later(5, lambda: seen.append("c"))))
    assert timeline.step() and seen == ["a"]
    assert timeline.step() and seen == ["a", "b", "c"]
    assert timeline.now == START + 5
    assert not timeline.step()


def test_a_journal_tells_by_its_digest_whether_anything_differs() -> None:
    first, second = Journal(kept=True), Journal()
    for one in (first, second):
        one.write(1, "crash", commit=2)
    assert first.digest == second.digest
    assert first.text == b'{"at":1,"commit":2,"what":"crash"}\n'
    second.write(1, "back")
    assert first.digest != second.digest


def test_a_broken_promise_says_what_it_is_about() -> None:
    demand(True, "all is well")
    with pytest.raises(Broken, match="it holds\n  3\n  four"):
        demand(False, "it holds", 3, "four")


@given(SCENARIOS)
def test_the_command_that_is_printed_plays_the_same_scenario(scenario: Scenario) -> None:
    played: list[Scenario] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(campaign, "play_all", lambda one, *_: played.append(one) or True)
        result = CliRunner().invoke(cli.app, scenario.command().split()[1:])
    assert result.exit_code == 0, result.output
    assert played == [scenario]


@given(st.lists(st.tuples(st.integers(1, 99), st.sampled_from(Moment)), max_size=3))
def test_crashes_can_be_spelled_and_read(at: list[tuple[int, Moment]]) -> None:
    scenario = Scenario(seed=1, crashes_at=tuple(at))
    words = scenario.command().split()
    spelled = words[words.index("--crashes-at") + 1] if at else ""
    assert crashes_from(spelled) == tuple(at)


def test_a_broken_invariant_is_told_and_leaves_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(scenario: Scenario) -> None:
        raise Broken(f"seed {scenario.seed}; again with: {scenario.command()}")

    monkeypatch.setattr(campaign.simulation, "play", broken)
    result = CliRunner().invoke(cli.app, ["simulate", "--seed", "41", "--seeds", "2"])
    assert result.exit_code == 1
    assert "again with: grid simulate --seed 42" in result.output
    assert "0 of 2 seeds: no invariant broken" in result.output


@pytest.mark.parametrize("text", ["5", "x:before", "5:sometimes"])
def test_a_crash_that_cannot_be_read_is_refused(text: str) -> None:
    result = CliRunner().invoke(cli.app, ["simulate", "--seed", "1", "--crashes-at", text])
    assert result.exit_code == 2


def test_a_varied_scenario_keeps_its_size_and_its_seed() -> None:
    first = Scenario(seed=3, work_units=77, hosts=9, check_every=5)
    varied = campaign.vary(first)
    assert varied == campaign.vary(first)
    kept = msgspec.structs.replace(varied, **msgspec.structs.asdict(first))
    assert kept == first
    assert (varied.seed, varied.work_units, varied.hosts, varied.check_every) == (3, 77, 9, 5)


def test_a_verdict_that_goes_to_and_fro_is_told() -> None:
    def taken_back(unit: int) -> tuple[str, dict[str, object]]:
        return "retract", {"job": "job_a", "work_unit": unit, "canonical": "right"}

    counts: Counter[tuple[str, int]] = Counter()
    often = [taken_back(unit) for unit in (1, 2) for _ in range(RETRACTIONS_MAX)]
    verdicts_come_to_rest(counts, [*often, ("verdict", {"job": "job_a", "work_unit": 1})])
    with pytest.raises(Broken, match="again and again"):
        verdicts_come_to_rest(counts, [taken_back(2)])
