"""This file is where the measuring of error rates is itself measured."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import msgspec
import pytest

from grid.simulation.accuracy import __main__ as command
from grid.simulation.accuracy import ours, table
from grid.simulation.accuracy.book import NUMBERS, Book, rules
from grid.simulation.accuracy.cells import (
    SEEDS,
    SEEDS_FEW,
    Cell,
    Job,
    Scheme,
    Special,
    Target,
    cells,
    specials,
    sweep,
    target,
)
from grid.simulation.accuracy.measured import Measured, poisson_upper, together
from grid.simulation.accuracy.people import CAMPUS_HOSTS, Behaviour, Crowd

CELL = Cell(
    scheme=Scheme.STANDARD, crowd=Crowd.RESIDENTS, behaviour=Behaviour.COLLUDING, share=0.35
)
#: Where rules keep their numbers, apart from modules that count as a whole.
CONSTANTS_OF = {"grid.validator.checks", "grid.validator.extras"}
#: Enough for every rule to come up, little enough for a second.
WORK_UNITS = 4_000


def measure(rate: float, **changes: object) -> Measured:
    cell = msgspec.structs.replace(CELL, **changes)
    return Job(cell=cell, rate=rate, seed=5, work_units=WORK_UNITS).measure()


def special(what: Special, crowd: Crowd = Crowd.RESIDENTS) -> Cell:
    return next(one for one in specials() if (one.special, one.crowd) == (what, crowd))


@pytest.mark.parametrize(
    ("count", "upper"), [(0, 2.9957), (1, 4.7439), (3, 7.7537), (10, 16.9622), (100, 118.0787)]
)
def test_the_upper_bound_is_garwoods(count: int, upper: float) -> None:
    assert poisson_upper(count) == pytest.approx(upper, abs=1e-3)


def test_one_seed_gives_the_same_counts_and_another_others() -> None:
    assert measure(0.25) == measure(0.25)
    other = Job(cell=CELL, rate=0.25, seed=6, work_units=WORK_UNITS).measure()
    assert other != measure(0.25)


@pytest.mark.parametrize("scheme", Scheme)
def test_an_honest_crowd_is_right_and_every_work_unit_is_decided(scheme: Scheme) -> None:
    """But for what a flaky host says alone, where one answer is enough."""
    found = measure(0.0, scheme=scheme, share=0.0)
    assert (found.work_units, found.honest_banned) == (WORK_UNITS, 0)
    assert found.unlabelled <= (2 if scheme is Scheme.ADAPTIVE else 0)
    assert found.copies > WORK_UNITS
    assert found.saboteurs == 0


def test_colluders_break_a_fixed_quorum_and_not_ours() -> None:
    """Of two, and a third where those differ, most are fellows in p² · (3 - 2p) of all cases."""
    pairs = measure(0.25, scheme=Scheme.QUORUM_2)
    assert pairs.error == pytest.approx(0.25 * 0.35**2 * (3 - 2 * 0.35), rel=0.3)
    assert measure(0.25, scheme=Scheme.QUORUM_3).error > pairs.error / 10
    assert measure(0.25, scheme=Scheme.ADAPTIVE).error > pairs.error / 2
    ours = measure(0.25)
    assert ours.unlabelled == 0
    assert ours.saboteurs_banned == ours.saboteurs > 40


@pytest.mark.parametrize("behaviour", Behaviour)
def test_every_behaviour_lies(behaviour: Behaviour) -> None:
    """Whoever lies in its own way is outvoted; the others get something wrong past two votes."""
    found = measure(1.0, scheme=Scheme.QUORUM_2, behaviour=behaviour)
    assert (found.wrong > 20) == (behaviour is not Behaviour.INDEPENDENT)
    assert found.copies > 2.05 * WORK_UNITS


def test_visitors_come_and_go() -> None:
    found = measure(0.0, crowd=Crowd.VISITORS, share=0.0)
    assert found.identities > 400
    assert measure(0.0, share=0.0).identities == 200


def test_a_ban_is_outlived_by_coming_back_and_nothing_is_won() -> None:
    found = measure(1.0, special=Special.COMES_BACK)
    assert found.identities > 400
    assert found.saboteurs_banned > 200
    assert found.unlabelled == 0


def test_a_liar_on_a_campus_costs_the_others_nothing() -> None:
    found = measure(1.0, special=Special.CAMPUS, share=0.0)
    assert found.saboteurs == 1
    assert found.identities == CAMPUS_HOSTS + 200
    assert (found.honest_banned, found.wrong) == (0, 0)


def test_a_bug_of_an_engine_bans_nobody() -> None:
    found = measure(0.25, special=Special.ENGINE_BUG, share=0.0)
    assert (found.honest_banned, found.unlabelled) == (0, 0)
    healthy = measure(0.25, share=0.0)
    assert found.trusted > healthy.trusted, "the bug showed"


def test_the_table_has_every_cell_the_promised_ones_in_full() -> None:
    every = cells()
    assert len(every) == len(set(every)) == 6 * 5 * 5 * 2 + 10
    seeds = {cell.seeds for cell in every if cell.share in (0.2, 0.35)}
    assert seeds == {SEEDS} == {20}
    assert {cell.seeds for cell in every if cell.share not in (0.2, 0.35)} == {SEEDS_FEW} == {3}
    assert all((target(cell) is None) == (not _aimed_at(cell)) for cell in every)


def _aimed_at(cell: Cell) -> bool:
    return cell.scheme in (Scheme.STANDARD, Scheme.ECONOMY, Scheme.STRICT)


def counts(**changes: int) -> Measured:
    given = {"work_units": 100_000, "wrong": 0, "copies": 250_000, "trusted": 1_500}
    return Measured(**{**given, **changes})


def test_a_target_is_missed_by_each_of_its_limits() -> None:
    aim = target(CELL)
    assert aim == Target(3e-5, copies=2.6, trusted=0.02)
    assert aim.misses(counts()) == []
    assert aim.misses(counts(wrong=1)) == ["error"]
    assert aim.misses(counts(wrong=1, below_wrong=1)) == [], "a label warned of it"
    assert aim.misses(counts(copies=270_000)) == ["copies"]
    assert aim.misses(counts(trusted=2_100)) == ["trusted runs"]
    assert aim.misses(counts(honest_banned=1)) == ["honest banned"]
    visitors = target(msgspec.structs.replace(CELL, crowd=Crowd.VISITORS))
    assert visitors == Target(3e-5, copies=3.5, trusted_share=0.05)
    assert visitors.misses(counts(trusted=13_000)) == ["server's share"]


def test_what_is_too_small_for_any_bound_is_held_to_its_rate() -> None:
    aim = target(msgspec.structs.replace(CELL, scheme=Scheme.STRICT))
    assert aim == Target(error=1e-6)
    assert aim.misses(counts(work_units=2_000_000, wrong=2)) == []
    assert aim.misses(counts(work_units=2_000_000, wrong=3)) == ["error rate"]


def test_readers_are_held_to_the_limits_of_colluders_as_well() -> None:
    """The omniscient, too, but in standard mode."""
    for cell in cells():
        if cell.behaviour is Behaviour.READING:
            assert target(cell) == target(msgspec.structs.replace(cell, behaviour=CELL.behaviour))
    knowing = [
        target(msgspec.structs.replace(CELL, scheme=scheme, behaviour=Behaviour.OMNISCIENT))
        for scheme in (Scheme.STANDARD, Scheme.ECONOMY, Scheme.STRICT)
    ]
    assert knowing == [Target(8e-4), Target(4e-4, copies=1.7), Target(error=1e-6)]


@pytest.mark.parametrize(
    ("readers", "colluders", "missed"),
    [
        # wrong answers of readers, of the colluders beside them, whose upper bounds are 3.0 and 7.8
        (0, 0, []),
        (2, 0, ["error"]),
        (3, 0, ["error", "better than colluders"]),
        (7, 3, ["error"]),
        (8, 3, ["error", "better than colluders"]),
        (0, None, None),
    ],
)
def test_readers_are_held_to_what_colluders_do(
    readers: int, colluders: int | None, missed: list[str] | None, tmp_path: Path
) -> None:
    book = Book(tmp_path / "measured.jsonl")
    reading = msgspec.structs.replace(CELL, behaviour=Behaviour.READING)
    for cell, wrong in ((reading, readers), (CELL, colluders)):
        for job in sweep(cell) if wrong is not None else ():
            book.add(job, counts(), 1.0)
        if wrong is not None:
            rate = book.worst_rate(cell)
            assert rate is not None
            full = Job(cell=cell, rate=rate, seed=1, work_units=100_000)
            book.add(full, counts(wrong=wrong), 1.0)
    assert table.misses(book, reading) == missed
    if missed is not None:
        last = f"missed: {', '.join(missed)}" if missed else "reached"
        assert f"| 1 | {last} |" in "\n".join(table.table(book))


def test_seeds_add_up() -> None:
    both = together([counts(wrong=1), counts(wrong=2, below_wrong=1)])
    assert (both.work_units, both.wrong, both.unlabelled) == (200_000, 3, 2)


def test_a_book_goes_on_where_it_stopped_at_the_worst_rate(tmp_path: Path) -> None:
    path = tmp_path / "measured.jsonl"
    book = Book(path)
    swept = list(sweep(CELL))
    for place, job in enumerate(swept):
        assert book.worst_rate(CELL) is None
        assert next(command.todo(book)).cell == next(iter(cells()))
        wrong = 3 if place == 2 else 1
        book.add(job, counts(wrong=wrong), 1.25)
    assert book.worst_rate(CELL) == swept[2].rate
    full = Job(cell=CELL, rate=swept[2].rate, seed=1, work_units=100_000)
    book.add(full, counts(wrong=7), 10.0)

    again = Book(path)
    assert again.has(full)
    assert again.seconds() == pytest.approx(1.2 * len(swept) + 10, abs=0.5)
    sums = again.sums(CELL)
    assert sums is not None
    assert sums.wrong == 7, "the sweep itself does not count"
    assert full not in list(command.todo(again))
    text = "\n".join(table.table(again))
    assert "| standard | 35% | colluding | 0.05 | 7 / 100000 |" in text
    assert "1 of 310 cells" in text
    assert "standard  residents  35% colluding   MISSED: error" in list(table.verdicts(again))


def test_measurements_of_other_rules_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "measured.jsonl"
    job = next(iter(sweep(CELL)))
    Book(path).add(job, counts(), 1.0)
    path.write_text(path.read_text().replace(rules(), "0123456789ab"))
    assert not Book(path).has(job)


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in NUMBERS for name in names]
)
def test_a_number_that_measurements_follow_from_is_part_of_their_rules(
    monkeypatch: pytest.MonkeyPatch, module: object, name: str
) -> None:
    before = rules()
    monkeypatch.setattr(module, name, getattr(module, name) * 2)
    assert rules() != before


def test_every_number_that_the_crowds_are_judged_by_is_among_them() -> None:
    """Also those that are looked at by name alone."""
    named = {name for _, names in NUMBERS for name in names}
    taken = {
        name
        for tree in ast.walk(ast.parse(inspect.getsource(ours)))
        if isinstance(tree, ast.ImportFrom) and tree.module in CONSTANTS_OF
        for name in (one.name for one in tree.names)
        if name.isupper()
    }
    assert taken and taken <= named
    assert {"LIES_FORGIVEN_MAX", "COMPARED_PER_LIE_MIN"} <= named, "of is_habit"


def test_another_word_about_a_rule_is_the_same_rule_and_another_rule_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, source = rules(), inspect.getsource
    comment = "# a word" + chr(10)
    monkeypatch.setattr(inspect, "getsource", lambda one: comment + source(one))
    assert rules() == before
    other = {"kind": ('split("/")[0]', 'split("/")[1]')}

    def changed(one: Any) -> str:
        return source(one).replace(*other.get(getattr(one, "__name__", ""), ("", "")))

    monkeypatch.setattr(inspect, "getsource", changed)
    assert rules() != before


def test_the_page_and_its_measurements_are_of_todays_rules() -> None:
    assert f"Rules `{rules()}`" in command.PAGE.read_text()
    assert any(map(Book(command.MEASURED).has, sweep(cells()[0])))


def test_the_special_lines_have_a_table_of_their_own(tmp_path: Path) -> None:
    book = Book(tmp_path / "measured.jsonl")
    cell = special(Special.ENGINE_BUG)
    for job in sweep(cell):
        book.add(job, counts(), 1.0)
    rate = book.worst_rate(cell)
    assert rate is not None
    book.add(Job(cell=cell, rate=rate, seed=1, work_units=100_000), counts(), 1.0)
    _, text = "\n".join(table.table(book)).split("### Special")
    head, _, line = text.strip().splitlines()
    assert head.startswith("| what | crowd | saboteurs |")
    assert line.startswith("| engine bug | residents | 0% | colluding |")
    assert line.count("|") == head.count("|")


def test_the_page_gets_its_table_between_its_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{command.BEGIN}\nold\n{command.END}\nafter\n")
    command.publish(page, ["new"])
    assert page.read_text() == f"before\n{command.BEGIN}\nnew\n{command.END}\nafter\n"
