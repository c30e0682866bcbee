"""This file is where selectors come in through the hook, our own and a stranger's."""

from __future__ import annotations

import sys
from types import ModuleType

import msgspec
import pytest
from world import World

from grid.dispatch import Wish
from grid.plugins.contract import hookimpl
from grid.plugins.loader import PluginError


def backwards(candidates, ask, toss):
    return sorted(candidates, key=lambda one: -one.result_id)


def broken(candidates, ask, toss):
    raise RuntimeError("out of cheese")


def inventive(candidates, ask, toss):
    """Offers one thing twice, and another that there is not."""
    first = candidates[0]
    return [first, first, msgspec.structs.replace(first, result_id=10**9)]


@pytest.fixture
def plugin(monkeypatch):
    """A module that an operator may name."""
    module = ModuleType("strange_selectors")
    found = {"backwards": backwards, "broken": broken, "inventive": inventive}
    module.grid_selectors = hookimpl(lambda: found)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return found


@pytest.fixture
def opened(tmp_path):
    worlds: list[World] = []

    def make(**settings: object) -> World:
        worlds.append(World(tmp_path / "grid", **settings))
        return worlds[-1]

    yield make
    for world in worlds:
        world.close()


def order(world: World, **wish: object) -> list[int]:
    answer = world.exchange(world.host(), want=3, wish=Wish(**wish))
    return [one.lease.result_id for one in answer.assigned]


def test_a_strangers_selector_orders_work_for_whoever_chooses_it(opened, plugin):
    world = opened(selector_plugins=("strange_selectors",))
    world.job(chunks=3, min_quorum=3, target_nresults=3)
    ordered = order(world)
    assert ordered == sorted(ordered)
    chosen = order(world, selector="backwards")
    assert chosen == sorted(chosen, reverse=True)


def test_an_operator_may_choose_it_for_all(opened, plugin):
    world = opened(selector_plugins=("strange_selectors",), selector="backwards")
    world.job(chunks=3)
    chosen = order(world)
    assert (len(chosen), chosen) == (3, sorted(chosen, reverse=True))


def test_a_selector_that_fails_or_invents_keeps_nobody_from_work(opened, plugin):
    world = opened(selector_plugins=("strange_selectors",))
    world.job(chunks=3, min_quorum=3, target_nresults=3)
    assert len(order(world, selector="broken")) == 3
    assert len(order(world, selector="inventive")) == 1


def test_a_selector_nobody_has_is_refused_at_start(opened):
    with pytest.raises(PluginError, match=r"best: no such selector; there are priority, random"):
        opened(selector="best")
    with pytest.raises(PluginError, match="no_such_module"):
        opened(selector_plugins=("no_such_module",))


def test_two_selectors_of_one_name_are_refused_at_start(opened, plugin):
    plugin["random"] = backwards
    with pytest.raises(PluginError, match="two selectors are called 'random'"):
        opened(selector_plugins=("strange_selectors",))
