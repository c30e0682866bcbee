"""This file is where selectors are found: our own, and those of modules that an operator named."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from grid.plugins.loader import PluginError, host

Selector = Callable[..., Sequence[Any]]


def selectors(own: ModuleType, names: Iterable[str]) -> Mapping[str, Selector]:
    """Every selector by its name; raises PluginError for a module that cannot be used, or when
    two have one name.

    A named module is imported now, with all rights of the server: naming it is the consent.
    """
    manager = host()
    manager.register(own, own.__name__)
    for name in names:
        try:
            manager.register(importlib.import_module(name), name)
            manager.check_pending()
        except Exception as error:  # whatever a plugin's code raises, it names the plugin
            raise PluginError(f"{name}: {type(error).__name__}: {error}") from error
    found: dict[str, Selector] = {}
    for several in manager.hook.grid_selectors():
        for name, selector in several.items():
            if name in found:
                raise PluginError(f"two selectors are called {name!r}")
            found[name] = selector
    return found
