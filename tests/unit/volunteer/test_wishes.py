"""This file is where a headless volunteer says what it chooses and what it holds."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from fake_server import FakeServer, Unit, running
from headless import part

from grid.volunteer.holding import Holding
from grid.volunteer.wishes import Wishes, until

SQUARE = '(function (inputs, params) { "use strict"; return params * params; })'
NOW = datetime(2026, 11, 20, 16, 30, tzinfo=timezone(timedelta(hours=1)))


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server of its own for each test."""
    with running() as one:
        yield one


def test_what_is_chosen_is_said_and_nothing_else():
    assert Wishes().fields(0) == {}
    chosen = Wishes(owners=("ann", "bob"), refuse_topics=("demo",), selector="random", until=100.9)
    assert chosen.fields(40) == {
        "owners": ["ann", "bob"],
        "refuse_topics": ["demo"],
        "selector": "random",
        "leaves_in_s": 60,
    }
    assert chosen.fields(500)["leaves_in_s"] == 0


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("17:05", datetime(2026, 11, 20, 17, 5, tzinfo=NOW.tzinfo)),
        ("16:30", datetime(2026, 11, 21, 16, 30, tzinfo=NOW.tzinfo)),
        ("08:00", datetime(2026, 11, 21, 8, 0, tzinfo=NOW.tzinfo)),
        ("2026-12-24T18:00:00+00:00", datetime(2026, 12, 24, 19, 0, tzinfo=NOW.tzinfo)),
    ],
)
def test_the_time_to_leave_is_a_time_of_day_to_come_or_a_date(text, moment):
    assert until(text, NOW) == moment


@pytest.mark.parametrize("text", ["25:00", "soon", "", "2020-01-01T00:00:00+00:00"])
def test_a_time_that_is_none_or_past_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        until(text, NOW)


def test_the_server_hears_of_wishes_slots_and_the_machine(server):
    server.add(Unit(SQUARE, params=3))
    wishes = Wishes(topics=("stars",))
    assert part(server, cores=2, wishes=wishes) == 0
    assert all(one["topics"] == ["stars"] for one in server.requests if one["want"])
    assert all((one["slots"], one["wait"]) == (2, True) for one in server.requests if one["want"])
    assert not any("holding" in one for one in server.requests), "nothing was lost"


def test_a_lost_answer_makes_the_host_say_what_it_holds(server, monkeypatch):
    monkeypatch.setattr("grid.volunteer.host.pause_s", lambda failures, toss, asked_s: 0.01)
    unit = server.add(Unit(SQUARE, params=3))
    server.lose = 1
    part(server)
    asks = [one for one in server.requests if one["want"]]
    assert "holding" not in asks[0]
    assert asks[1]["holding"] == []
    assert unit.holder is not None


def test_a_volunteer_leaves_when_its_time_has_come(server):
    until_then = datetime.now().astimezone().timestamp() + 1.5
    wishes = Wishes(until=until_then)
    assert part(server, once=False, wishes=wishes) == 0
    assert datetime.now().astimezone().timestamp() >= until_then


def test_what_is_held_is_told_only_while_no_other_core_asks():
    holding = Holding()
    holding.keep(1, frozenset({"a"}))
    holding.keep(2, frozenset({"b", "c"}))
    with holding.asking() as told:
        assert told is None, "nothing was lost"
        holding.doubt()
        with holding.asking() as other:
            assert other is None, "the first core's answer may be on its way"
    with holding.asking() as told:
        assert told == ["a", "b", "c"]
    with holding.asking() as told:
        assert told is None, "once heard is enough"


def test_other_cores_wait_while_one_tells_what_all_hold():
    holding = Holding()
    holding.doubt()
    order: list[str] = []

    def another() -> None:
        with holding.asking() as told:
            order.append(f"other {told}")

    with holding.asking() as told:
        thread = threading.Thread(target=another)
        thread.start()
        thread.join(0.1)
        order.append(f"first {told}")
    thread.join(5)
    assert order == ["first []", "other None"]


def test_whoever_was_not_heard_tells_it_again():
    holding = Holding()
    holding.doubt()
    said = []

    def fail() -> None:
        with holding.asking() as told:
            said.append(told)
            raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        fail()
    assert said == [[]]
    with holding.asking() as told:
        assert told == []
